"""A statement made ready once, for what many turns ask or note: `Lookup` a select, `Deed` a write.

Core writes the statement and knows the columns' types; the driver's own cursor runs it, because Core's way to run a
statement costs several times what SQLite takes to answer it. What the cursor cannot do, Core does again: it reconnects
and tells one error from another.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Dialect, Engine, Insert, Label, Select, null
from sqlalchemy.engine import Compiled
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from storage.database import readers_of, reading, set_busy_timeout, writing

Processor = Callable[[Any], Any]


class Lookup:
    """One select with `bindparam`s; safe to share between threads. Texts and whole numbers are what may be bound."""

    def __init__(self, query: Select[Any] | CompoundSelect[Any]) -> None:
        self._query = query
        self._ready: dict[str, _Ready] = {}

    def rows(self, where: Engine | Connection, **values: str | int) -> Sequence[Any]:
        """Every row, its columns by name; inside a transaction where it is given that one's connection.

        With an engine, raises DatabaseUnavailable.
        """
        ready = self._ready.get(where.dialect.name)
        if ready is None:
            ready = self._ready[where.dialect.name] = _Ready(self._query, where.dialect)
        if isinstance(where, Connection):
            return where.execute(self._query, values).all()
        readers = readers_of(where)
        try:
            reader = readers.take()
            try:
                found = ready.rows(reader.cursor, values)
            except BaseException:
                reader.discard()
                raise
        except (where.dialect.loaded_dbapi.Error, SQLAlchemyError):
            with reading(where) as again:
                return again.execute(self._query, values).all()
        readers.give(reader)
        return found

    def first(self, where: Engine | Connection, **values: str | int) -> Any | None:
        """The first row, or None."""
        rows = self.rows(where, **values)
        return rows[0] if rows else None


class Deed:
    """One write, whole in itself, that may be done twice: nothing by which money moves. Safe to share over threads."""

    def __init__(self, statement: Insert) -> None:
        self._statement = statement
        self._ready: dict[str, _Statement] = {}

    def do(self, engine: Engine, **values: str | int) -> None:
        """Do it, and it is committed; `values` are columns, the same ones each time. Raises DatabaseUnavailable."""
        ready = self._ready.get(engine.dialect.name)
        if ready is None:
            compiled = self._statement.compile(dialect=engine.dialect, column_keys=list(values))
            ready = self._ready[engine.dialect.name] = _Statement(compiled)
        readers = readers_of(engine)
        try:
            reader = readers.take()
            try:
                if engine.dialect.name == "sqlite":
                    set_busy_timeout(reader.cursor)
                reader.cursor.execute(ready.text, ready.arguments(values))
            except BaseException:
                reader.discard()
                raise
        except (engine.dialect.loaded_dbapi.Error, SQLAlchemyError):
            with writing(engine) as again:
                again.execute(self._statement, values)
            return
        readers.give(reader)


def no_columns(like: Sequence[ColumnElement[Any]]) -> list[Label[Any]]:
    """Nothing, in place of these columns: for the part of a union that has none."""
    return [null().label(str(column.key)) for column in like]


class _Statement:
    """A statement as one driver wants it."""

    def __init__(self, compiled: Compiled) -> None:
        self.text = str(compiled)
        self._names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}  # a limit

    def arguments(self, values: dict[str, str | int]) -> Any:
        """What the driver binds."""
        if self._fixed:
            values = self._fixed | values
        return [values[name] for name in self._names] if self._names else values


class _Ready(_Statement):
    """A select as one driver wants it."""

    def __init__(self, query: Select[Any] | CompoundSelect[Any], dialect: Dialect) -> None:
        super().__init__(query.compile(dialect=dialect))
        columns = list(query.selected_columns)
        row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
        self._made: Callable[[Iterable[Any]], Any] = row._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._processors: dict[int, Processor] = {place: one for place, one in enumerate(found) if one is not None}

    def rows(self, cursor: DBAPICursor, values: dict[str, str | int]) -> list[Any]:
        cursor.execute(self.text, self.arguments(values))
        found = cursor.fetchall()
        if not self._processors:
            return [self._made(row) for row in found]
        return [self._made(map(self._read, enumerate(row))) for row in found]

    def _read(self, cell: tuple[int, Any]) -> Any:
        processor = self._processors.get(cell[0])
        return cell[1] if processor is None else processor(cell[1])
