"""What a torture stands on: stand-ins in this process, storage of its own, a seeded town, the processes of the bot."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, create_engine, make_url, text

from bot.bench.people import Resident, enrol, residents
from bot.bench.rows import postgresql
from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock
from bot.settings import Settings, read
from bot.torture.clock import SharedClock
from bot.torture.processes import Bot
from bot.torture.redis_server import OwnRedis
from bot.torture.relay import Relay
from dialogs.flows import SERVICES
from storage.database import open_database
from storage.demo import load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal

ZONE = ZoneInfo("Asia/Shanghai")
BEGINS = time(9)  # of today, by the torture's clock
REFUNDS_TAKE = 20.0  # seconds
EMBEDDED, SERVICES_STORAGE = "embedded", "services"
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
CONFIG, FIELD_KEY, FULL = "bot.toml", "field.key", "disk-is-full"


class NoServices(RuntimeError):
    """There is no PostgreSQL or no redis-server here."""


@dataclass
class Ground:
    """Everything a run touches; nothing of it is anybody else's."""

    folder: Path
    clock: SharedClock
    sandbox: Sandbox
    engine: Engine  # straight to the database, past every fault
    seal: FieldSeal
    people: list[Resident]
    today: date
    bots: list[Bot]
    front: Relay
    wire: Relay | None = None  # to PostgreSQL
    redis: OwnRedis | None = None

    @property
    def url(self) -> str:
        """Where WeChat and citizens reach the bot."""
        return f"http://127.0.0.1:{self.front.port}"

    @property
    def disk(self) -> Path:
        """While this file exists, SQLite's disk is full."""
        return self.folder / FULL

    @property
    def settings(self) -> Settings:
        """The bot's own, with the database past every fault."""
        return read(self.folder / CONFIG, {"storage": {"database": _shown(self.engine), "field_key": FIELD_KEY}})

    def terminate_backends(self) -> None:
        """What an administrator's pg_terminate_backend does to every session of the bot."""
        if self.wire is not None:
            script = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'insurance-bot'"""
            server = create_engine(self.engine.url, isolation_level="AUTOCOMMIT")
            with server.connect() as connection:
                connection.execute(text(script))
            server.dispose()


@contextmanager
def ground(storage: str, seed: int, citizens: int, mistake: str = "") -> Iterator[Ground]:
    """Laid out, nothing started yet but the stand-ins; at the end nothing is left. Raises NoServices, NoRedis."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="torture-")))
        clock = SharedClock(folder / "clock")
        today = datetime.now(ZONE).date()
        clock.set(datetime.combine(today, BEGINS, ZONE).timestamp())
        sandbox = Sandbox.start(clock=MovableClock(source=clock.now), seed=seed)
        stack.callback(sandbox.stop)
        sandbox.pay.refunds.seconds = REFUNDS_TAKE
        database, straight, wire, redis = _storage(stack, storage, folder)
        ports = [_free_port() for _ in range(1 if storage == EMBEDDED else 2)]
        front = Relay([("127.0.0.1", port) for port in ports])
        stack.callback(front.stop)
        url = f"http://127.0.0.1:{front.port}"
        _write(folder / CONFIG, sandbox.settings_overrides(url), database, redis)
        FieldSeal.create(folder / FIELD_KEY)
        seal, engine = FieldSeal.read(folder / FIELD_KEY), open_database(straight)
        stack.callback(engine.dispose)
        people = residents(max(20, citizens))
        upgrade(engine)
        load_demo(engine, seal, DEMO, today, shift=True)
        enrol(engine, seal, people, folder, today)
        sandbox.wechat.bot_url = f"{url}/wechat"
        sandbox.pay.start_delivering()
        bots = _bots(folder, ports, storage, mistake)
        one = Ground(folder, clock, sandbox, engine, seal, people, today, bots, front, wire, redis)
        try:
            yield one
        finally:
            for bot in bots:
                bot.kill()


def knows_families() -> bool:
    """Whether 一家一起缴 is among the services."""
    return "pay.family" in SERVICES


def random_of(seed: int, *what: object) -> Random:
    """The part of the seed's chance that belongs to this."""
    return Random(":".join(map(str, (seed, *what))))  # noqa: S311 - repeatable on purpose


def _storage(stack: ExitStack, storage: str, folder: Path) -> tuple[str, str, Relay | None, OwnRedis | None]:
    """The database's URL for the bot and past every fault, the wire to it, and a Redis."""
    if storage == EMBEDDED:
        url = f"sqlite:///{folder / 'bot.db'}"
        return url, url, None, None
    straight = stack.enter_context(postgresql(POSTGRESQL))
    if straight is None:
        raise NoServices("no PostgreSQL answers at 127.0.0.1:5432")
    redis = OwnRedis(folder)
    stack.callback(redis.stop)
    where = make_url(straight)
    wire = Relay([(where.host or "127.0.0.1", where.port or 5432)], patience=0.0)
    stack.callback(wire.stop)
    through = where.set(host="127.0.0.1", port=wire.port, query={"gssencmode": "disable", "sslmode": "disable"})
    return through.render_as_string(hide_password=False), straight, wire, redis


def _bots(folder: Path, ports: list[int], storage: str, mistake: str) -> list[Bot]:
    environment = {"TORTURE_CLOCK": str(folder / "clock"), "TORTURE_BREAK": mistake}
    if storage == EMBEDDED:
        environment["TORTURE_DISK"] = str(folder / FULL)
    config = folder / CONFIG
    bots = [
        Bot("serve", config, environment | {"BOT_SERVER__PORT": str(port)}, folder / f"serve-{number}.log")
        for number, port in enumerate(ports)
    ]
    if storage != EMBEDDED:
        bots += [Bot("worker", config, environment, folder / f"worker-{number}.log") for number in range(2)]
    return bots


def _write(file: Path, sections: dict[str, dict[str, object]], database: str, redis: OwnRedis | None) -> None:
    shared = redis.url if redis else EMBEDDED
    everything: dict[str, dict[str, Any]] = sections | {
        "server": sections["server"] | {"host": "127.0.0.1", "threads": 16},
        "storage": {"database": database, "sessions": shared, "queue": shared, "field_key": FIELD_KEY},
    }
    lines = []
    for section, values in everything.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
