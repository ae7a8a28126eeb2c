"""A select made ready once, for the looks that every turn takes.

Core writes the statement and knows the columns' types; the driver's own cursor runs it, because Core's way to run a
statement costs several times what SQLite takes to answer it. What the cursor cannot do, Core does again: it reconnects
and tells one error from another.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Dialect, Engine, Select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from storage.database import readers_of, reading

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


class _Ready:
    """The select as one driver wants it."""

    def __init__(self, query: Select[Any] | CompoundSelect[Any], dialect: Dialect) -> None:
        compiled = query.compile(dialect=dialect)
        self._text = str(compiled)
        self._names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}  # a limit
        columns = list(query.selected_columns)
        row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
        self._made: Callable[[Iterable[Any]], Any] = row._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._processors: dict[int, Processor] = {place: one for place, one in enumerate(found) if one is not None}

    def rows(self, cursor: DBAPICursor, values: dict[str, str | int]) -> list[Any]:
        if self._fixed:
            values = self._fixed | values
        arguments = [values[name] for name in self._names] if self._names else values
        cursor.execute(self._text, arguments)
        found = cursor.fetchall()
        if not self._processors:
            return [self._made(row) for row in found]
        return [self._made(map(self._read, enumerate(row))) for row in found]

    def _read(self, cell: tuple[int, Any]) -> Any:
        processor = self._processors.get(cell[0])
        return cell[1] if processor is None else processor(cell[1])
