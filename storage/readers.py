"""Connections kept for single statements, lent and given back without a pool's ceremony.

A turn looks two things up, and a pool's check-out and check-in cost as much as either. So some connections stay out of
the pool, each with single statements alone: it sees what is committed when one starts, and holds no lock after it.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

IDLE_SECONDS = 60.0  # one that rested longer goes back to the pool, which asks whether it still works


class Reader:
    """A cursor of the driver's own, on a connection checked out of the pool; `autocommits`: SQLite does by itself."""

    __slots__ = ("_autocommits", "_pooled", "cursor", "rested_at")

    def __init__(self, pooled: PoolProxiedConnection, *, autocommits: bool) -> None:
        self._pooled = pooled
        self._autocommits = autocommits
        self.rested_at = 0.0
        connection: Any = pooled.dbapi_connection
        if not autocommits:
            connection.autocommit = True
        self.cursor: DBAPICursor = connection.cursor()  # one for all its selects: a new one costs a tenth of a look-up

    def close(self) -> None:
        """Back to the pool, as it was lent."""
        connection: Any = self._pooled.dbapi_connection
        self.cursor.close()
        if not self._autocommits and connection is not None and not connection.closed:
            connection.autocommit = False
        self._pooled.close()

    def discard(self) -> None:
        """Close it: it failed, or its pool is gone."""
        self._pooled.invalidate()


class Readers:
    """The readers of one engine that rest; the last one used is lent first. Safe over threads."""

    def __init__(self, engine: Engine, most: int) -> None:
        """At most `most` rest; what is given back beyond goes to the pool."""
        self._engine = engine
        self._most = most
        self._autocommits = engine.dialect.name == "sqlite"
        self._resting: deque[Reader] = deque()
        event.listen(engine, "engine_disposed", self._close)

    def take(self) -> Reader:
        """One of them, or one more from the pool; raises what the pool raises."""
        while True:
            try:
                reader = self._resting.pop()
            except IndexError:
                return Reader(self._engine.raw_connection(), autocommits=self._autocommits)
            if monotonic() - reader.rested_at < IDLE_SECONDS:
                return reader
            reader.close()

    def give(self, reader: Reader) -> None:
        """It is not needed any more, and worked."""
        if len(self._resting) < self._most:
            reader.rested_at = monotonic()
            self._resting.append(reader)
        else:
            reader.close()

    def _close(self, _engine: Engine) -> None:
        while self._resting:
            self._resting.pop().discard()  # the pool it came from is gone
