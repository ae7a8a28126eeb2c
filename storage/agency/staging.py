"""An import on SQLite that keeps others waiting for a moment only: its rows are staged, then written all at once.

SQLite has one write lock. Rows are read, checked and sealed while nothing waits: what they change goes into temporary
tables, which belong to the connection alone. Then one short transaction writes them, so a file is taken whole or not at
all as everywhere else. Meanwhile no other import runs (`only_import`), and nothing else writes these tables.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert

from storage.database import BUSY_SECONDS, DatabaseUnavailable, lock_seconds

PAUSE_SECONDS = 0.1


class Staging:
    """The staged rows of one connection: a temporary table for each table that is written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._staged: dict[str, tuple[Table, Table]] = {}

    def table_of(self, table: Table) -> Table:
        """The temporary table with the same columns, and `gone`: 1 for a row that is to be deleted."""
        if table.name not in self._staged:
            columns = [Column(one.name, one.type, primary_key=one.primary_key) for one in table.c]
            gone = Column("gone", Integer)
            staged = Table(f"staged_{table.name}", MetaData(), *columns, gone, prefixes=["TEMPORARY"])
            staged.create(self._connection)
            self._staged[table.name] = table, staged
        return self._staged[table.name][1]

    def keep(self, table: Table, rows: Sequence[Mapping[str, Any]], gone: Sequence[Mapping[str, Any]]) -> None:
        """Stage whole rows, and the keys of rows that are to be deleted; the last word on a key counts."""
        empty = {column.name: None for column in table.c}
        values = [*({**empty, **row, "gone": 0} for row in rows), *({**empty, **key, "gone": 1} for key in gone)]
        if values:
            self._connection.execute(insert(self.table_of(table)).prefix_with("OR REPLACE"), values)

    def write(self) -> None:
        """Write everything into the tables, in the order in which they were staged first."""
        for table, staged in self._staged.values():
            key = [column.name for column in table.primary_key.columns]
            dropped = select(*(staged.c[name] for name in key)).where(staged.c.gone == 1)
            self._connection.execute(delete(table).where(tuple_(*(table.c[name] for name in key)).in_(dropped)))
            names = [column.name for column in table.c]
            kept = select(*(staged.c[name] for name in names)).where(staged.c.gone == 0)
            statement = insert(table).from_select(names, kept)
            changed = {name: statement.excluded[name] for name in names if name not in key}
            self._connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))

    def drop(self) -> None:
        """Take the temporary tables away: the connection goes back to its pool."""
        for _, staged in self._staged.values():
            staged.drop(self._connection, checkfirst=True)
        self._staged.clear()


@contextmanager
def only_import(engine: Engine) -> Iterator[None]:
    """One import at a time on a SQLite file, over all processes; raises DatabaseUnavailable after BUSY_SECONDS.

    The lock is of the operating system: it ends with the process that has it.
    """
    deadline = time.monotonic() + lock_seconds(BUSY_SECONDS)
    try:
        file = open(f"{engine.url.database}-import.lock", "a")  # noqa: SIM115
    except OSError as error:
        raise DatabaseUnavailable("the lock of imports beside the database cannot be opened") from error
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable("another import is running on this database") from None
                time.sleep(PAUSE_SECONDS)
        yield
