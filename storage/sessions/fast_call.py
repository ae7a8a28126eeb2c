"""The short way to Redis: one connection kept per thread, redis-py's connection but not its command layer.

facts/performance.md: the usual call path is the largest cost of a turn. Time-outs, authentication and TLS are those of
the client passed in; its retries are not used, because a turn has 4 seconds in all.
"""

import os
import threading
import weakref
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError
from redis.retry import Retry

from storage.sessions.contract import StoreUnavailable

Word = str | bytes | int | float


@dataclass(frozen=True)
class Script:
    """A Lua script over one key. `repeatable`: running it twice with the same words is as good as once."""

    text: str
    repeatable: bool
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()  # the name Redis gives a script
        object.__setattr__(self, "digest", digest)


def read_script(name: str, *, repeatable: bool, constants: str = "") -> Script:
    """The script `lua/<name>.lua` beside this file, after `constants`: "NAME = value", in Lua."""
    text = (Path(__file__).parent / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return Script("".join(f"local {one.strip()}\n" for one in constants.split(";") if one) + text, repeatable)


class _Connection(Protocol):
    """What is used of redis-py's connection, whose own methods carry no types."""

    is_connected: bool

    def send_packed_command(self, command: list[bytes]) -> None: ...
    def read_response(self) -> Any: ...
    def can_read(self, timeout: float) -> bool: ...
    def disconnect(self) -> None: ...


class FastCall:
    """Commands and scripts on the Redis that `client` talks to; safe over threads and after a fork."""

    def __init__(self, client: redis.Redis) -> None:
        pool = client.connection_pool
        if pool.connection_kwargs.get("decode_responses"):
            raise ValueError("the session stores keep bytes: make the Redis client with decode_responses=False")
        self._connection_class = pool.connection_class
        self._settings = {**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        self._own = threading.local()
        itself = weakref.WeakMethod(self._forget_connections)
        os.register_at_fork(after_in_child=lambda: (forget := itself()) and forget())

    def run(self, script: Script, key: str, *words: Word) -> Any:
        """Run a script; a Redis that does not know it yet (restart, SCRIPT FLUSH) is given its text.

        Raises `StoreUnavailable` when Redis does not answer.
        """
        try:
            try:
                return self._exchange(script.repeatable, "EVALSHA", script.digest, 1, key, *words)
            except NoScriptError:
                return self._exchange(script.repeatable, "EVAL", script.text, 1, key, *words)
        except RedisError as error:
            raise StoreUnavailable(f"Redis could not answer: {type(error).__name__}") from error

    def command(self, *words: Word) -> Any:
        """Send one plain command, which must be safe to repeat. Raises `StoreUnavailable`."""
        try:
            return self._exchange(True, *words)
        except RedisError as error:
            raise StoreUnavailable(f"Redis could not answer: {type(error).__name__}") from error

    def _exchange(self, repeatable: bool, *words: Word) -> Any:
        connection, packed = self._connection(), _packed(words)
        was_open = connection.is_connected
        if was_open and not repeatable and _stale(connection):
            connection.disconnect()
            was_open = False
        sent = False
        try:
            connection.send_packed_command([packed])
            sent = True
            return connection.read_response()
        except ReadOnlyError:  # a primary that became a replica: it executed nothing
            connection.disconnect()
        except RedisConnectionError:
            connection.disconnect()
            # A new connection that fails at once would fail again; and what was sent may have been executed.
            if not was_open or (sent and not repeatable):
                raise
        connection.send_packed_command([packed])
        return connection.read_response()

    def _connection(self) -> _Connection:
        try:
            return cast(_Connection, self._own.connection)
        except AttributeError:
            self._own.connection = self._connection_class(**self._settings)
            return cast(_Connection, self._own.connection)

    def _forget_connections(self) -> None:
        """A forked child must not speak on its parent's sockets."""
        self._own = threading.local()


def _packed(words: tuple[Word, ...]) -> bytes:
    """A command as Redis reads it; redis-py's own packing is a third of a call's Python."""
    raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n%b" % (len(raw), b"".join([b"$%d\r\n%b\r\n" % (len(one), one) for one in raw]))


def _stale(connection: _Connection) -> bool:
    """Whether the server closed the connection, or left something unread on it."""
    try:
        return connection.can_read(timeout=0)
    except RedisError:
        return True
