"""A select made ready once, for the looks that every turn takes.

Core writes the statement and knows the columns' types; the driver's own cursor runs it, because Core's way to run a
statement costs several times what SQLite takes to answer it. What the cursor cannot do, Core does again: it reconnects
and tells one error from another.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select

Processor = Callable[[Any], Any]


class Lookup:
    """One select with `bindparam`s; safe to share between threads. Texts and whole numbers are what may be bound."""

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._ready: dict[str, _Ready] = {}

    def rows(self, connection: Connection, **values: str | int) -> Sequence[Any]:
        """Every row, its columns by name. `connection` comes from `reading`, which tells errors too."""
        ready = self._ready.get(connection.dialect.name)
        if ready is None:
            ready = self._ready[connection.dialect.name] = _Ready(self._query, connection.dialect)
        try:
            return ready.rows(connection, values)
        except connection.dialect.loaded_dbapi.Error:
            return connection.execute(self._query, values).all()

    def first(self, connection: Connection, **values: str | int) -> Any | None:
        """The first row, or None."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None


class _Ready:
    """The select as one driver wants it."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        compiled = query.compile(dialect=dialect)
        self._text = str(compiled)
        self._names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        columns = list(query.selected_columns)
        row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
        self._made: Callable[[Iterable[Any]], Any] = row._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._processors: dict[int, Processor] = {place: one for place, one in enumerate(found) if one is not None}

    def rows(self, connection: Connection, values: dict[str, str | int]) -> list[Any]:
        arguments = [values[name] for name in self._names] if self._names else values
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._text, arguments)
            found = cursor.fetchall()
        finally:
            cursor.close()
        if not self._processors:
            return [self._made(row) for row in found]
        return [self._made(map(self._read, enumerate(row))) for row in found]

    def _read(self, cell: tuple[int, Any]) -> Any:
        processor = self._processors.get(cell[0])
        return cell[1] if processor is None else processor(cell[1])
