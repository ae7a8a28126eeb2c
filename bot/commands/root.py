"""The Typer application, the option every command has, and how a mistake of the operator's is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="居民两险微信缴费机器人：微信里缴养老、医疗两险。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigPath = Annotated[Path, typer.Option("--config", help="配置文件", show_default=True)]
DEFAULT_CONFIG = Path("bot.toml")


@contextmanager
def operators_errors() -> Iterator[None]:
    """Mistakes of configuration and usage end with 2 and a line each, without a stack trace."""
    try:
        yield
    except Exception as wrong:
        if (code := _told(wrong)) is None:
            raise
        raise typer.Exit(code) from None


def _told(wrong: Exception) -> int | None:
    """Tell the operator what is wrong; the exit code, None for a mistake of ours.

    Imports only now: the main process of `serve` needs none of these, and they are half of its memory.
    """
    from bot.settings import BadConfiguration
    from bot.web.server import AddressTaken
    from bot.wechat.account_errors import AccountTrouble
    from dialogs.world import Unavailable
    from storage.database import BadDatabaseUrl
    from storage.sealing import BadKeyFile
    from storage.sessions.contract import StoreUnavailable

    if isinstance(wrong, BadConfiguration):
        for line in wrong.mistakes:
            complain(line)
        return 2
    if isinstance(wrong, BadDatabaseUrl | BadKeyFile | AddressTaken):
        complain(str(wrong))
        return 2
    if isinstance(wrong, Unavailable | StoreUnavailable):
        complain(f"存储现在用不了：{wrong}")
        return 1
    if isinstance(wrong, AccountTrouble):
        complain(f"微信接口没有办成：{wrong}")
        return 1
    return None


def complain(line: str) -> None:
    """One line on standard error."""
    sys.stderr.write(line + "\n")


def settings_of(config: Path, overrides: dict[str, dict[str, Any]] | None = None) -> Any:
    """The settings of a configuration file."""
    from bot.settings import read

    return read(config, overrides)
