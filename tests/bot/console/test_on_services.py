"""The terminal WeChat on PostgreSQL and Redis, where a sandbox's configuration names them; else on its own files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, func, select

from bot.console.runtime import DATABASE, Runtime, start_runtime, storage_of
from bot.settings import read
from storage.database import open_database, table_of
from storage.tables import CertificateRow, ContactRow, PaymentRow
from tests.bot.console_window import PENSION, Window, process
from tests.bot.served import redis_database

MEDICAL = ("[菜单] 一家一起缴", "加一个人", "369901197005210021", "李测二", "母亲", "选好了", "核对", "[点] 确认缴费")
TABLES = [table_of(row) for row in (PaymentRow, CertificateRow, ContactRow)]


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_database() as url:
        yield url


@pytest.fixture
def config(bare_postgresql: str, redis_url: str, tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    storage = {"database": bare_postgresql, "sessions": redis_url, "queue": redis_url, "field_key": "keys/one.key"}
    lines = [f'{key} = "{value}"' for key, value in storage.items()]
    file.write_text("\n".join(["[sandbox]", "enabled = true", "[storage]", *lines]), "utf-8")
    return file


@contextmanager
def window_on(config: Path, *, background: bool = False) -> Iterator[tuple[Window, Runtime]]:
    with start_runtime(config, config.parent / "var" / "chat", background=background) as parts:
        window = Window(parts.phones, parts)
        window.shown()
        yield window, parts


def rows(engine: Engine) -> tuple[int, ...]:
    with engine.connect() as connection:
        return tuple(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES)


def test_a_day_of_a_family_on_both_and_again_after_a_restart(
    config: Path, bare_postgresql: str, redis_url: str
) -> None:
    engine = open_database(bare_postgresql)
    with window_on(config) as (window, _):
        before = rows(engine)
        window.answers = ["2", "123456"]
        assert "<< 缴费成功：王*三" in window.take(*PENSION, "/付款")
        assert "证明开好了：王*三 1 笔" in window.take("[菜单] 缴费证明")
        assert "缴费单开好了：400元" in window.take(*MEDICAL)
        assert "已经作废，没有扣您的钱" in window.take("/等 31分")
        assert rows(engine) == (before[0] + 1, before[1] + 1, before[2] + 1)
        assert len(list(redis.Redis.from_url(redis_url).scan_iter("turn:*"))) == 1
    with window_on(config) as (window, _):
        assert "参保人 李*二" in window.take("[菜单] 医疗保险费缴纳", "母亲")
        assert "王*三的缴费一共" in window.take("取消", "[菜单] 缴费查询", "[点] 养老保险", *PENSION[1:3])
        assert rows(engine) == (before[0] + 1, before[1] + 1, before[2] + 1)
    assert (config.parent / "keys" / "one.key").exists()
    assert not list(config.parent.rglob(DATABASE))
    engine.dispose()


def test_the_background_work_is_done_here_whatever_the_queue(config: Path) -> None:
    with window_on(config, background=True) as (window, parts):
        window.take(*PENSION, "/等 1分")
        seen = len(parts.phones.bubbles("我", 0, 0))
        parts.sandbox.clock.move(31 * 60)
        assert "已经作废" in parts.phones.bubbles("我", seen, 30)[0].text


def test_a_configuration_for_citizens_is_never_touched(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    named = '[storage]\ndatabase = "postgresql+psycopg://x@127.0.0.1/real"\nsessions = "redis://127.0.0.1/0"\n'
    config.write_text(f"{named}[sandbox]\nenabled = false\n", "utf-8")
    storage = storage_of(read(config), tmp_path / "chat")
    assert storage["database"] == f"sqlite:///{tmp_path / 'chat' / DATABASE}"
    assert (storage["sessions"], storage["queue"]) == ("embedded", "embedded")


def test_the_files_of_serve_are_not_those_of_the_terminal(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text("[sandbox]\nenabled = true\n", "utf-8")
    storage = storage_of(read(config), tmp_path / "chat")
    assert storage["database"] == f"sqlite:///{tmp_path / 'chat' / DATABASE}"
    assert storage["field_key"] == str(tmp_path / "chat" / "field.key")
    assert not (tmp_path / "var").exists()


def test_a_redis_that_does_not_answer_is_told_in_a_line(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text('[sandbox]\nenabled = true\n[storage]\nsessions = "redis://127.0.0.1:1/0"\n', "utf-8")
    done = process(
        f"import sys; sys.argv = ['run.py', 'chat', '--config', '{config}']; from bot.commands import app; app()"
    )
    assert done.returncode == 1
    assert done.stderr == "微信接口没有办成：no access token: the store of shared values does not answer\n"
