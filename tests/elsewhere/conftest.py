"""One town for each mode, shared by all tests here; each test ends with a look at what the bot did wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.elsewhere.town import Town

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432"
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15").rpartition("/")[0]
DATABASES = range(4, 11)  # of Redis; a bot's keys have fixed names, so each town has one to itself
TAKEN, TAKEN_SECONDS = "elsewhere: taken", 1800
MODES = ["embedded", "redis-postgresql"]
only_embedded = pytest.mark.parametrize("shared_town", MODES[:1], indirect=True)  # what no store has a say in


@pytest.fixture(scope="session", params=MODES)
def shared_town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    if request.param == "embedded":
        yield from _town(folder, {}, worker=False)
        return
    with contextmanager(_redis)() as url, contextmanager(_postgresql)() as database:
        yield from _town(folder, {"database": database, "sessions": url, "queue": url}, worker=True)


@pytest.fixture
def town(shared_town: Town) -> Iterator[Town]:
    """The installation; nothing that a document of WeChat's forbids may have happened when the test is over."""
    yield shared_town
    shared_town.merchant.callbacks.settle_down()
    found, shared_town.violations.found = shared_town.violations.found, []
    assert not found, found


def _town(folder: Path, storage: dict[str, str], *, worker: bool) -> Iterator[Town]:
    town = Town(folder, storage, worker=worker)
    try:
        town.start()
        yield town
    finally:
        town.stop()


def _redis() -> Iterator[str]:
    """A database that no other run uses just now and that holds nothing, emptied afterwards."""
    for number in DATABASES:
        url = f"{REDIS}/{number}"
        client = redis.Redis.from_url(url, socket_connect_timeout=1)
        try:
            mine = client.set(TAKEN, os.getpid(), nx=True, ex=TAKEN_SECONDS)
        except redis.RedisError:
            _absent(f"no Redis answers at {url}")
        if not mine:
            continue
        try:
            if client.dbsize() == 1:
                try:
                    yield url
                finally:
                    client.flushdb()
                return
        finally:
            client.delete(TAKEN)
            client.close()
    _absent(f"every Redis database of {DATABASES} holds something")


def _postgresql() -> Iterator[str]:
    """A database of this run's own, dropped afterwards."""
    server = create_engine(f"{POSTGRESQL}/postgres", isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"elsewhere_{uuid4().hex[:12]}"
    try:
        connection = server.connect()
    except OperationalError:
        _absent("no PostgreSQL answers at 127.0.0.1:5432")
    with connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{POSTGRESQL}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def _absent(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI has to have one")
    pytest.skip(reason)
