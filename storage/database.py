"""The one database: opening it, and the two ways to use it, `reading` and `writing`.

SQLite is the embedded default: WAL, synchronous=FULL (a commit that was answered survives a power cut, which money
needs), and write transactions that begin as writers, because a reader that turns writer halfway fails where it cannot
wait. PostgreSQL is for many machines, through psycopg 3. Nothing else in the project opens a connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import SQLModel

from dialogs.world import Unavailable
from storage.readers import Readers

BUSY_SECONDS = 10  # how long a SQLite writer waits for another, and a PostgreSQL statement for a lock
TURN_LOCK_SECONDS = 3.0  # the same for all waits of one turn together: WeChat waits 5 s, a turn has 4
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
PING_AFTER_SECONDS = 1.0  # a PostgreSQL connection that rested so long is asked whether it still works
IDLE_SECONDS = 120  # a PostgreSQL transaction that says nothing for so long is ended by the server

# Primary SQLite result codes that mean "not just now" or "not this disk"; SQLITE_ERROR (1) is a mistake of ours.
_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_BEGIN = "sqlite_begin"
_BUSY = "busy_seconds"  # execution option of a SQLite engine
_LOCK_DEADLINE: ContextVar[float | None] = ContextVar("lock deadline", default=None)
_USED_AT = "used_at"
_WRITER, _READERS = "writer", "readers"  # execution options: what belongs to an engine and is not made anew each time


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or cannot work just now; the message holds no password and no row.

    Raised by a commit it leaves open whether the commit took place: what writes must be safe to repeat.
    """


class BadDatabaseUrl(ValueError):
    """The setting `storage.database` is no URL of SQLite or PostgreSQL; says what is wrong with it."""


def open_database(url: str, *, pool_size: int = 10, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`; connects on first use, so a late database does no harm.

    The folder of a SQLite file is made. `busy_seconds`: how long its writers wait for another. Raises BadDatabaseUrl.
    """
    try:
        where = make_url(url)
        backend = where.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadDatabaseUrl("storage.database is not a database URL such as sqlite:///var/bot.db") from error
    if backend == "sqlite":
        return _open_sqlite(where, pool_size, busy_seconds)
    if where.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _open_postgresql(where.set(drivername="postgresql+psycopg"), pool_size)
    raise BadDatabaseUrl(f"storage.database: {where.drivername} is not supported, use sqlite or postgresql+psycopg")


def _only_for_this_user(database: Path) -> None:
    """Take other users' access away from a file that an earlier release made; -wal and -shm follow its mode."""
    for file in (database, database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")):
        with suppress(OSError):  # not there yet, or another user's: `doctor` looks at modes
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _open_sqlite(url: URL, pool_size: int, busy_seconds: float) -> Engine:
    if not url.database or url.database == ":memory:" or "mode" in url.query:
        raise BadDatabaseUrl("storage.database: SQLite needs a file, in memory everything would be forgotten")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadDatabaseUrl(f"storage.database: the folder of {url.database} cannot be made") from error
    _only_for_this_user(Path(url.database))
    busy_seconds = float(str(url.query.get("timeout", busy_seconds)))
    engine = create_engine(
        url,
        connect_args={"timeout": busy_seconds},
        pool_size=pool_size,
        max_overflow=2 * pool_size,  # turns that wait for a lock keep their connections
        pool_timeout=TURN_LOCK_SECONDS,
    )
    engine.update_execution_options(**{_BUSY: busy_seconds})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return _equipped(engine, pool_size)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 begins nothing by itself: `_begin_sqlite` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if begin := options.get(_BEGIN, "BEGIN"):
        set_busy_timeout(connection.connection.dbapi_connection, options[_BUSY])
        connection.exec_driver_sql(begin)


def set_busy_timeout(connection: Any, busy_seconds: float = BUSY_SECONDS) -> None:
    """Limit how long the next statement on this SQLite connection or cursor waits for another writer, in seconds."""
    connection.execute(f"PRAGMA busy_timeout={int(1000 * lock_seconds(busy_seconds))}")


@contextmanager
def lock_deadline(seconds: float) -> Iterator[None]:
    """Within the block every wait of this thread for another writer ends when these seconds are over, with
    DatabaseUnavailable: a turn then still has time to say so."""
    token = _LOCK_DEADLINE.set(monotonic() + seconds)
    try:
        yield
    finally:
        _LOCK_DEADLINE.reset(token)


def lock_seconds(otherwise: float) -> float:
    """How long the next wait for a lock may last; never 0, which means for ever to PostgreSQL."""
    deadline = _LOCK_DEADLINE.get()
    return otherwise if deadline is None else min(otherwise, max(0.05, deadline - monotonic()))


def _open_postgresql(url: URL, pool_size: int) -> Engine:
    limits = {
        "statement_timeout": STATEMENT_SECONDS,
        "lock_timeout": BUSY_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "insurance-bot"}
    arguments["options"] = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
    arguments |= {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    for name in arguments.keys() & url.query.keys():
        del arguments[name]  # what the operator wrote into the URL wins
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=3,  # seconds: a turn has four
        pool_recycle=1800,
        pool_use_lifo=True,
    )
    event.listen(engine, "checkin", _remember_when)
    event.listen(engine, "checkout", _ping_when_idle)
    return _equipped(engine, pool_size)


def _equipped(engine: Engine, pool_size: int) -> Engine:
    writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
    engine.update_execution_options(**{_WRITER: writer, _READERS: Readers(engine, most=pool_size // 2)})
    return engine


def readers_of(engine: Engine) -> Readers:
    """The connections that `storage.lookup` uses, for an engine of `open_database`."""
    readers: Readers = engine.get_execution_options()[_READERS]
    return readers


def _remember_when(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = monotonic()


def _ping_when_idle(connection: DBAPIConnection | None, record: ConnectionPoolEntry, _fairy: object) -> None:
    """A restarted server costs a reconnect, not a citizen's answer; a connection used just now is not asked."""
    if connection is None or monotonic() - record.info.get(_USED_AT, monotonic()) < PING_AFTER_SECONDS:
        return
    try:
        connection.cursor().execute("")
        connection.rollback()
    except Exception as gone:
        raise DisconnectionError from gone  # the pool then gives a new one


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: committed at the end of the block, rolled back by any exception.

    Raises DatabaseUnavailable; IntegrityError and mistakes in SQL pass through as they are.
    """
    writer: Engine = engine.get_execution_options()[_WRITER]
    with told_as_unavailable(), writer.connect() as connection:
        if engine.dialect.name != "sqlite":
            _replace_when_dead(connection)
        with connection.begin():
            yield connection


@contextmanager
def beginning_as_writer(connection: Connection) -> Iterator[None]:
    """A write transaction on a connection that has read before, committed at the end of the block."""
    connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
    try:
        with connection.begin():
            yield
    finally:
        connection.execution_options(**{_BEGIN: "BEGIN"})


def _replace_when_dead(connection: Connection) -> None:
    """What is written is worth a question each time: it is not done again as a select is. The question begins it."""
    limit = ""
    if _LOCK_DEADLINE.get() is not None:
        limit = f"SET LOCAL lock_timeout = {int(1000 * lock_seconds(BUSY_SECONDS))}"
    try:
        connection.connection.cursor().execute(limit)
    except connection.dialect.loaded_dbapi.Error:
        connection.invalidate()  # the next statement connects anew


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for single selects, each seeing what is committed when it starts; no transaction round trips.

    Raises DatabaseUnavailable.
    """
    with told_as_unavailable(), _reader(engine) as connection:
        yield connection


def _reader(engine: Engine) -> Connection:
    connection = engine.connect()
    if engine.dialect.name == "sqlite":
        return connection.execution_options(**{_BEGIN: ""})
    return connection.execution_options(isolation_level="AUTOCOMMIT")


def table_of(row: type[SQLModel]) -> Table:
    """The Core table of a row class, for hot paths."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """Turns the drivers' errors that mean "not just now" into DatabaseUnavailable."""
    try:
        yield
    except NoConnectionFree as error:
        raise DatabaseUnavailable("every connection to the database is in use") from error
    except (OperationalError, InterfaceError) as error:
        if not _is_unavailable(error):
            raise
        raise DatabaseUnavailable(f"the database does not work just now ({type(error.orig).__name__})") from error


def _is_unavailable(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN)
        return code & 0xFF in _SQLITE_UNAVAILABLE
    return True
