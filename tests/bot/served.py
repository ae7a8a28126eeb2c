"""A bot in processes of its own (`run.py serve`, `run.py worker`), with the stand-ins in the test's process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import redis
import urllib3
from sqlalchemy import Engine, NullPool, create_engine

from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.sandbox.phone import Phone
from bot.sandbox.push_crypto import signature
from bot.sandbox.push_xml import envelope, message, read, text_of
from storage.database import open_database
from storage.demo import load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal
from tests.bot.sandbox_parts import keys
from tests.processes.quick import Quick
from tests.storage.backends import REDIS_URL

ROOT = Path(__file__).parents[2]
NUMBER, NAME = "369906199910090112", "䶮样"  # one institution, everything may be paid


@dataclass
class Bot:
    """One installation: a folder, a database, a port, and the processes running just now."""

    folder: Path
    sandbox: Sandbox
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    storage: dict[str, str] = field(default_factory=dict)  # laid over the embedded default
    begins_quickly: bool = True  # False: as an operator begins it, for what looks at memory

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def engine(self) -> Engine:
        return open_database(self.storage.get("database", f"sqlite:///{self.folder / 'bot.db'}"))

    def write(self, **sections: dict[str, Any]) -> None:
        """The configuration; `sections` are laid over what the sandbox needs, a value of None leaves a key out."""
        wanted = self.sandbox.settings_overrides(self.url)
        wanted["server"] |= {"host": "127.0.0.1", "port": self.port, "threads": 8}
        wanted["storage"] = {"database": "sqlite:///bot.db", "field_key": "field.key", **self.storage}
        wanted["sandbox"] = {"enabled": False}
        for section, values in sections.items():
            wanted[section] = wanted.get(section, {}) | values
        lines = []
        for section, kept in wanted.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in kept.items() if value is not None]
        (self.folder / "bot.toml").write_text("\n".join(lines) + "\n", "utf-8")

    def seed(self) -> None:
        """Tables and demo people, dates moved to fit the machine's day."""
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        if "database" not in self.storage:
            for name, content in seeded(today).items():
                (self.folder / name).write_bytes(content)
            return
        FieldSeal.create(self.folder / "field.key")
        engine = self.engine
        upgrade(engine)
        load_demo(engine, FieldSeal.read(self.folder / "field.key"), DEMO, today, shift=True)
        engine.dispose()

    def run(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `run.py` with this configuration."""
        command = [sys.executable, "run.py", *arguments, "--config", str(self.folder / "bot.toml")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        begin = Quick if self.begins_quickly else subprocess.Popen[str]
        with (self.folder / "said.log").open("a") as log:
            process = begin(command, cwd=ROOT, env=clean | environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self.running.append(process)
        return process

    def serve(self, **environment: str) -> subprocess.Popen[str]:
        """Start `serve` and wait until it is ready."""
        return self.ready(self.run("serve", **environment), f"ready {self.url}\n")

    def ready(self, process: subprocess.Popen[str], line: str) -> subprocess.Popen[str]:
        assert process.stdout
        said = process.stdout.readline()
        assert said == line, (said, (self.folder / "said.log").read_text()[-2000:])
        self.sandbox.wechat.bot_url = f"{self.url}/wechat"
        return process

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self.running.clear()
        self._looking.dispose()

    def rows(self, table: Any) -> list[Any]:
        with self._looking.connect() as connection:
            return list(connection.execute(table.select()).all())

    @cached_property
    def _looking(self) -> Engine:
        """Tests look fifty times a second. A new connection costs PostgreSQL 15 ms: one is kept, and asked first, as
        a test may have cut it. A connection that is kept would leave SQLite's log beside a bot that has ended."""
        url = self.engine.url
        if url.get_backend_name() == "sqlite":
            return create_engine(url, poolclass=NullPool)
        return create_engine(url, pool_pre_ping=True)


@cache
def seeded(today: date) -> dict[str, bytes]:
    """The database and the key of a seeded bot on embedded storage, made once for many."""
    with TemporaryDirectory() as folder:
        where = Path(folder)
        FieldSeal.create(where / "field.key")
        engine = open_database(f"sqlite:///{where / 'bot.db'}")
        upgrade(engine)
        load_demo(engine, FieldSeal.read(where / "field.key"), DEMO, today, shift=True)
        engine.dispose()  # the last connection to close folds the WAL into the file
        return {file.name: file.read_bytes() for file in where.iterdir()}


@contextmanager
def configured(folder: Path, **storage: str) -> Iterator[Bot]:
    """A bot that is configured, without a database yet; everything is stopped at the end."""
    sandbox = Sandbox.start(keys=keys())
    bot = Bot(folder, sandbox, free_port(), storage=storage)
    try:
        bot.write()
        yield bot
    finally:
        bot.stop()
        sandbox.stop()


@contextmanager
def installed(folder: Path, **storage: str) -> Iterator[Bot]:
    """As `configured`, and seeded; not started."""
    with configured(folder, **storage) as bot:
        bot.seed()
        yield bot


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(process: subprocess.Popen[str]) -> list[int]:
    """The process and its children."""
    pid = process.pid
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def megabytes(pids: list[int]) -> float:
    """Memory these processes take up together; a page that two of them share (a worker is forked) counts once."""
    found = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                found += int(line.split()[1])
    return found / 1024


def until(fact: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def to_the_last_look(phone: Phone) -> None:
    """Everything before 确认缴费, for a pension of 500元."""
    phone.click("pay.pension")
    phone.type(NUMBER)
    phone.type(NAME)
    (bubble,) = phone.type("500")
    assert "请核对" in bubble.text, bubble.shown


def sheet_of(page: str) -> dict[str, object]:
    """The six parameters in a hand-off page."""
    found: dict[str, object] = json.loads(page.partition('id="sheet">')[2].partition("</script>")[0])
    return found


@dataclass
class Wire:
    """WeChat's side of one account, message by message: seals, posts to any address, opens the answer."""

    sandbox: Sandbox
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=64, retries=False))

    def text(self, openid: str, words: str, number: int) -> str:
        """A text message; `number` is its MsgId."""
        return message(self._original_id, openid, int(time.time()), "text", {"Content": words, "MsgId": number})

    def click(self, openid: str, key: str) -> str:
        return message(self._original_id, openid, int(time.time()), "event", {"Event": "CLICK", "EventKey": key})

    def post(self, url: str, xml: str) -> str:
        """The Content answered, or "success"."""
        return self.send(url, *self.sealed(xml))

    def sealed(self, xml: str) -> tuple[str, bytes]:
        """Query and body of one delivery."""
        keys, crypto = self.sandbox.keys, self.sandbox.wechat.crypto
        encrypted = crypto.encrypt(xml)
        timestamp, nonce = str(int(time.time())), "nonce1"
        query = {
            "signature": signature(keys.token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "encrypt_type": "aes",
            "msg_signature": crypto.sign(timestamp, nonce, encrypted),
        }
        return urlencode(query), envelope(keys.original_id, encrypted).encode()

    def send(self, url: str, query: str, body: bytes) -> str:
        answer = self.pool.request("POST", f"{url}/wechat?{query}", body=body, timeout=urllib3.Timeout(30))
        assert answer.status == 200, answer.status
        if answer.data == b"success":
            return "success"
        sealed = text_of(read(answer.data.decode()), "Encrypt")
        return text_of(read(self.sandbox.wechat.crypto.decrypt(sealed)), "Content")

    @property
    def _original_id(self) -> str:
        return self.sandbox.keys.original_id


@contextmanager
def redis_database() -> Iterator[str]:
    """The URL of a Redis database for whole bots, whose keys have fixed names: emptied before and after.

    Skips without a Redis, fails without one under CI.
    """
    url = REDIS_URL.rpartition("/")[0] + f"/{11 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:]) % 4}"
    client = redis.Redis.from_url(url, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Redis answers at {url}, and CI has to have one")
        pytest.skip(f"no Redis answers at {url}")
    strange = [key for key in client.scan_iter(count=1000) if not key.startswith((b"turn:", b"shared:", b"wakeups"))]
    assert not strange, f"{url} holds keys that are no bot's: {strange[:3]}"
    client.flushdb()
    try:
        yield url
    finally:
        client.flushdb()
        client.close()
