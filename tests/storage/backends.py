"""The backends a store can stand on in the contract suites, each opened as often as a test wants."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine, create_engine, event

from storage.sessions.contract import DEFAULT_LIMITS, Limits, SharedStore, TurnStore
from storage.sessions.embedded import EmbeddedTurnStore
from storage.sessions.embedded_shared import EmbeddedSharedStore
from storage.sessions.on_redis import RedisTurnStore
from storage.sessions.on_redis_shared import RedisSharedStore

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")


class Backend(Protocol):
    """Each call opens the same store anew, with an engine or a client of its own, as another process would."""

    def turn_store(self, limits: Limits = DEFAULT_LIMITS) -> TurnStore: ...
    def shared_store(self) -> SharedStore: ...


@dataclass(frozen=True)
class Embedded:
    path: Path

    def turn_store(self, limits: Limits = DEFAULT_LIMITS) -> TurnStore:
        store = EmbeddedTurnStore(self.engine(), limits)
        store.create()
        return store

    def shared_store(self) -> SharedStore:
        store = EmbeddedSharedStore(self.engine())
        store.create()
        return store

    def engine(self) -> Engine:
        engine = create_engine(f"sqlite:///{self.path}", connect_args={"timeout": 20})

        @event.listens_for(engine, "connect")
        def set_pragmas(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

        return engine


@dataclass(frozen=True)
class OnRedis:
    prefix: str

    def turn_store(self, limits: Limits = DEFAULT_LIMITS) -> TurnStore:
        return RedisTurnStore(self.client(), limits, prefix=f"{self.prefix}turn:")

    def shared_store(self) -> SharedStore:
        return RedisSharedStore(self.client(), prefix=f"{self.prefix}shared:")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(REDIS_URL, socket_timeout=5, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


@contextmanager
def on_redis() -> Iterator[OnRedis]:
    """Keys of its own in the test database, deleted afterwards. Skips without a Redis, but fails where CI=true."""
    backend = OnRedis(prefix=f"test:{uuid.uuid4().hex}:")
    client = backend.client()
    try:
        client.ping()
    except redis.RedisError as error:
        reason = f"no Redis answers at {REDIS_URL}: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield backend
    finally:
        for key in client.scan_iter(f"{backend.prefix}*", count=1000):
            client.delete(key)
        client.close()
