"""The tables of the embedded stores, and one way to open a write transaction on SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import cast

from sqlalchemy import Column, Engine, Float, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from storage.sessions.contract import StoreUnavailable

SESSION_TABLES = MetaData()

TURNS = Table(
    "session_turns",
    SESSION_TABLES,
    Column("openid", Text, primary_key=True),
    Column("session", LargeBinary),
    Column("session_until", Float, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("running", Text),  # message key of the claim; NULL: no turn runs
    Column("ticket", Text),
    Column("running_until", Float, nullable=False, server_default="0"),
    Column("line", Text, nullable=False, server_default="[]"),  # JSON [[message, last asked], …], first come first
    Column("windows", Text, nullable=False, server_default="[]"),  # JSON [[seconds, until, left], …]
    Column("no_news_until", Float, nullable=False, server_default="0"),
    Column("expires", Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)

ANSWERS = Table(
    "session_answers",
    SESSION_TABLES,
    Column("openid", Text, primary_key=True),
    Column("message", Text, primary_key=True),
    Column("fence", Integer, nullable=False),
    Column("answered_at", Float, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

SHARED = Table(
    "session_shared",
    SESSION_TABLES,
    Column("kind", Text, primary_key=True),  # value, lease, count
    Column("name", Text, primary_key=True),
    Column("content", Text, nullable=False, server_default=""),  # the value, or the owner of a lease
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("until", Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)


def create_tables(engine: Engine) -> None:
    """Create what is missing; `engine` must be SQLite. Safe for processes that start at once.

    `MetaData.create_all` is not: it looks first and creates afterwards, and another process may come between.
    """
    if engine.dialect.name != "sqlite":
        raise ValueError(f"the embedded session stores need SQLite, not {engine.dialect.name}")
    with writing(engine) as cursor:
        for statement in _creating():
            cursor.execute(statement)


@cache
def _creating() -> list[str]:
    """The statements that create what is missing."""
    statements: list[CreateTable | CreateIndex] = []
    for table in SESSION_TABLES.sorted_tables:
        statements.append(CreateTable(table, if_not_exists=True))
        statements.extend(CreateIndex(index, if_not_exists=True) for index in table.indexes)
    return [str(statement.compile(dialect=sqlite.dialect())) for statement in statements]


@contextmanager
def writing(engine: Engine) -> Iterator[sqlite3.Cursor]:
    """One BEGIN IMMEDIATE transaction: the write lock is taken at once, so that what was read cannot be stale.

    The driver's own connection is used: SQLAlchemy's costs more than the statements themselves, and an explicit BEGIN
    is left alone by the driver in each of its isolation levels.
    """
    with reading(engine) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[sqlite3.Cursor]:
    """A cursor for single reads."""
    with _unavailable_when_it_fails():
        connection = engine.raw_connection()
        try:
            yield cast(sqlite3.Cursor, connection.cursor())
        finally:
            connection.close()  # back to the pool, which rolls back what an error left open


@contextmanager
def _unavailable_when_it_fails() -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, SQLAlchemyError) as error:
        raise StoreUnavailable(f"SQLite could not answer: {type(error).__name__}") from error
