"""What happened to a citizen: story, record."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of


@app.command()
def story(
    key: Annotated[
        str, typer.Argument(help="缴费单号、商户订单号、微信支付单号、证明编号、openid、身份证号码；- 从标准输入读")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """一位市民的来龙去脉，按时间，打了码：说了什么、答了什么、缴费单、微信支付怎么说、账、通知、证明、对账。"""
    from bot.story.telling import story as told

    with operators_errors():
        settings = settings_of(config)
        engine, seal = _opened(settings)
        found = told(engine, seal, _read(key), settings.zone, datetime.now(settings.zone).date())
    if found is None:
        complain("没有这个号码的记录。")
        raise typer.Exit(1)
    typer.echo(found)


@app.command()
def record(openid: str, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """把一位市民最近一次对话写成 .chat 格式，打了码，可以重放：run.py record OPENID > tests/transcripts/….chat"""
    from bot.story.recording import recorded

    with operators_errors():
        settings = settings_of(config)
        engine, seal = _opened(settings)
        found = recorded(engine, seal, openid, settings.zone)
    if found is None:
        complain("没有记下这位市民的对话：可能超过了 storage.journal_days，或者已经撤回同意。")
        raise typer.Exit(1)
    typer.echo(found, nl=False)


def _opened(settings: Any) -> tuple[Any, Any]:
    from storage.database import open_database
    from storage.migrate import upgrade
    from storage.sealing import FieldSeal

    engine = open_database(settings.database_url)
    upgrade(engine)
    return engine, FieldSeal.read(settings.path(settings.storage.field_key))


def _read(key: str) -> str:
    """What was asked for; an ID number is better typed than given, where other users of the machine can see it."""
    return sys.stdin.readline().strip() if key == "-" else key.strip()
