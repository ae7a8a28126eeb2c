"""The rows of `bench turn`: the bare echo bot, and our bot whole on each database, all on the same session store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from bot.bench.people import Resident, enrol
from bot.bench.process import Server, start
from bot.bench.words import Account
from bot.sandbox import DEMO
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay import PayStandIn
from bot.sandbox.wechat import WeChatStandIn
from storage.database import open_database
from storage.demo import load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal

WORKERS, THREADS = 2, 16
CLASSIC_THREADS = 8  # of gunicorn's gthread worker (facts/performance.md)


@dataclass(frozen=True)
class Row:
    """One line of the table, and the server behind it."""

    name: str
    ours: bool
    server: Server
    orders_one_in: int = 0  # conversations that go on to an order; 0: none does


@dataclass(frozen=True)
class Ground:
    """What every row stands on."""

    folder: Path
    keys: SandboxKeys
    overrides: dict[str, dict[str, Any]]
    sessions: str  # redis:// URL, or "embedded"
    people: list[Resident]
    today: date

    @property
    def account(self) -> Account:
        """The official account's secrets."""
        keys = self.keys
        return Account(keys.app_id, keys.original_id, keys.token, keys.encoding_aes_key)


def redis_answers(url: str) -> bool:
    """Whether there is a Redis."""
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def forget_sessions(url: str, tag: str) -> None:
    """Delete what the rounds left in Redis: the keys of their openids, no others."""
    client = redis.Redis.from_url(url)
    for pattern in (f"turn:{{o{tag}*", f"bench-{tag}:*"):
        for key in client.scan_iter(pattern, count=5000):
            client.delete(key)
    client.close()


@contextmanager
def stand_ins() -> Iterator[tuple[SandboxKeys, dict[str, dict[str, Any]]]]:
    """WeChat and WeChat Pay on the loopback, the latter for any openid; their keys, and the settings that use them."""
    keys, clock, faults = SandboxKeys.fresh(), MovableClock(), Faults(0)
    wechat = WeChatStandIn(keys, clock, faults).start()
    pay = PayStandIn(
        keys, clock, faults, knows=lambda _openid: True, on_paid=lambda _openid: None, machine_clock=clock.now
    ).start()
    wechat_keys = {
        "app_id": keys.app_id,
        "secret": keys.secret,
        "token": keys.token,
        "encoding_aes_key": keys.encoding_aes_key,
        "api_base": wechat.url,
    }
    pay_keys = {
        "mch_id": keys.mch_id,
        "api_v3_key": keys.api_v3_key,
        "serial_no": keys.merchant_serial,
        "private_key": keys.merchant_key_pem,
        "platform_public_key": keys.platform_public_key_pem,
        "platform_public_key_id": keys.platform_public_key_id,
        "api_base": pay.url,
    }
    try:
        yield keys, {"wechat": wechat_keys, "pay": pay_keys}
    finally:
        pay.stop()
        wechat.stop()


@contextmanager
def postgresql(url: str) -> Iterator[str | None]:
    """The URL of a database of our own on that server, dropped afterwards; None where it does not answer."""
    server = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    name = f"bot_bench_{uuid4().hex[:10]}"
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        server.dispose()
        yield None
        return
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def echo_row(stack: ExitStack, ground: Ground, tag: str, server_name: str) -> Row:
    """The bare WeRoBot, under `gunicorn` or `granian`."""
    account = ground.account
    sessions = str(ground.folder / "echo.db") if ground.sessions == "embedded" else ground.sessions
    settings = {
        "token": account.token,
        "encoding_aes_key": account.encoding_aes_key,
        "app_id": account.app_id,
        "sessions": sessions,
        "prefix": f"bench-{tag}:{server_name}:",
    }
    threads = THREADS if server_name == "granian" else CLASSIC_THREADS
    arguments = ["-m", "bot.bench.echo_bot", server_name, json.dumps(settings), str(threads), str(WORKERS)]
    server = start(arguments, ground.folder / f"echo-{server_name}.log")
    stack.callback(server.stop)
    storage = "SQLiteStorage" if ground.sessions == "embedded" else "RedisStorage"
    return Row(f"bare WeRoBot echo, {storage}, {server_name}", ours=False, server=server)


def our_row(stack: ExitStack, ground: Ground, name: str, database: str) -> Row:
    """Our bot by `run.py serve`, with the demo data and the made-up residents in its database."""
    config = stocked(ground, name, database)
    server = start(["run.py", "serve", "--config", str(config)], config.with_name("serve.log"))
    stack.callback(server.stop)
    return Row(f"our bot, whole, {name}", ours=True, server=server)


def stocked(ground: Ground, name: str, database: str) -> Path:
    """The configuration of a bot whose database holds the demo data and the made-up residents."""
    folder = ground.folder / name
    folder.mkdir()
    key = folder / "field.key"
    FieldSeal.create(key)
    seal, engine = FieldSeal.read(key), open_database(database)
    upgrade(engine)
    load_demo(engine, seal, DEMO, ground.today, shift=True)
    enrol(engine, seal, ground.people, folder, ground.today)
    engine.dispose()
    sections = ground.overrides | {
        "server": {"port": 0, "threads": THREADS, "workers": WORKERS, "public_url": "https://bench.invalid"},
        "storage": {"database": database, "sessions": ground.sessions, "field_key": "field.key"},
    }
    config = folder / "bot.toml"
    config.write_text(_toml(sections), "utf-8")
    return config


def _toml(sections: dict[str, dict[str, Any]]) -> str:
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
