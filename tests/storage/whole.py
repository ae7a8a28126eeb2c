"""Tables as the driver gives them: machines of states read every row of every table of money after each step."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Connection, Date, Engine, Table, select

from storage.database import reading


class Books:
    """Every row of some tables, as one moment's reading; what is asked of it costs the database nothing more."""

    def __init__(self, engine: Engine, *tables: Table) -> None:
        with reading(engine) as connection:
            self._rows = {one.name: every_row(connection, one) for one in tables}

    def rows(self, table: Table, **where: Any) -> list[Any]:
        """The rows in which these columns have these values, in the order of the primary key."""
        return having(self._rows[table.name], where)


def every_row(connection: Connection, table: Table) -> list[Any]:
    """The whole table in the order of its primary key; a row has its columns as attributes."""
    query, row = _read(table, connection.dialect.name)
    cursor = connection.connection.cursor()
    cursor.execute(query)
    return [row(*values) for values in cursor.fetchall()]


def having(rows: list[Any], where: dict[str, Any]) -> list[Any]:
    """Those of the rows in which these columns have these values; None is NULL."""
    for name, value in where.items():
        rows = [row for row in rows if getattr(row, name) == value]
    return rows


@cache
def _read(table: Table, dialect: str) -> tuple[str, Callable[..., Any]]:
    """The query, and what makes a row of what it gives: SQLite keeps dates as text."""
    kind = namedtuple("Row", [column.name for column in table.columns])  # type: ignore[misc]
    query = str(select(table).order_by(*table.primary_key.columns))
    dates = [place for place, column in enumerate(table.columns) if isinstance(column.type, Date)]
    if dialect != "sqlite" or not dates:
        return query, kind

    def dated(*values: Any) -> Any:
        told = list(values)
        for place in dates:
            told[place] = told[place] and date.fromisoformat(told[place])
        return kind(*told)

    return query, dated
