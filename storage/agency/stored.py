"""Rows of one table as they stand within an import's transaction: loaded by key, changed in memory, written at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, or_, select, update

from storage.agency.desk import Op, Outcome
from storage.agency.refusals import RowRefused
from storage.agency.staging import Staging

Key = tuple[Any, ...]
Item = TypeVar("Item")
MOST_ALTERNATIVES = 200  # SQLite takes expressions of at most 1,000 levels


def batched(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """The items in lists of `most`, the last one shorter."""
    source = iter(items)
    while some := list(islice(source, most)):
        yield some


class Stored:
    """A chunk of one table, by primary key."""

    def __init__(self, connection: Connection, table: Table, staging: Staging | None = None) -> None:
        """`staging`: what changes is staged, and staged rows count as written."""
        self._connection = connection
        self._staging = staging
        self._table = table
        self._key = tuple(table.primary_key.columns)
        self._before: dict[Key, dict[str, Any]] = {}
        self._now: dict[Key, dict[str, Any]] = {}

    def load(self, keys: Iterable[Key]) -> None:
        """Forget the chunk before, and look these keys up."""
        alike: dict[Key, set[Any]] = {}  # last parts of the keys, by the parts before
        for *rest, last in set(keys):
            alike.setdefault(tuple(rest), set()).add(last)
        self._before = {}
        for some in batched(alike.items(), MOST_ALTERNATIVES):
            self._before |= {self._key_of(row): row for row in self._find(self._table, some)}
            if self._staging is not None:
                self._count_staged(self._find(self._staging.table_of(self._table), some))
        self._now = dict(self._before)

    def _count_staged(self, staged: Iterable[dict[str, Any]]) -> None:
        """Staged rows count as if they were in the table."""
        for row in staged:
            if row["gone"]:
                self._before.pop(self._key_of(row), None)
            else:
                self._before[self._key_of(row)] = {name: value for name, value in row.items() if name != "gone"}

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[part.name] for part in self._key)

    def _find(self, table: Table, alike: Iterable[tuple[Key, set[Any]]]) -> list[dict[str, Any]]:
        """`(a = 1 and b in (…)) or (a = 2 and b in (…))`, which PostgreSQL answers from the index; `(a, b) in (…)` it
        does not."""
        *before, last = (table.c[part.name] for part in self._key)
        chosen = or_(
            *(
                and_(*(part == value for part, value in zip(before, rest, strict=True)), last.in_(list(values)))
                for rest, values in alike
            )
        )
        return [dict(row) for row in self._connection.execute(select(table).where(chosen)).mappings()]

    def get(self, *key: Any) -> Mapping[str, Any] | None:
        return self._now.get(key)

    def put(self, row: dict[str, Any]) -> None:
        """The whole row, with its key."""
        self._now[tuple(row[part.name] for part in self._key)] = row

    def drop(self, *key: Any) -> None:
        self._now.pop(key, None)

    def apply(self, op: Op, row: dict[str, Any], source: str | None = None) -> Outcome:
        """The usual answer to A, U and D; raises RowRefused for an A that differs from what is there.

        `source` is kept with a row that is written; where it alone differs nothing is written.
        """
        key = tuple(row[part.name] for part in self._key)
        there = self._now.get(key)
        if op is Op.DELETE:
            self.drop(*key)
            return Outcome.DELETED if there else Outcome.ALREADY
        if there and all(there[name] == value for name, value in row.items()):
            return Outcome.ALREADY
        if there and op is Op.ADD:
            raise RowRefused("已经登记过，内容不同；要改请用 U")
        self.put(row if source is None else row | {"source": source})
        return Outcome.CHANGED if there else Outcome.ADDED

    def flush(self) -> None:
        """Write what changed since `load`."""
        gone = [key for key in self._before if key not in self._now]
        added = [row for key, row in self._now.items() if key not in self._before]
        changed = [row for key, row in self._now.items() if key in self._before and self._before[key] != row]
        if self._staging is not None:
            keys = [{part.name: value for part, value in zip(self._key, key, strict=True)} for key in gone]
            self._staging.keep(self._table, [*added, *changed], keys)
            self._before = dict(self._now)
            return
        this_one = and_(*(part == bindparam(f"key_{part.name}") for part in self._key))
        if gone:
            named = [{f"key_{part.name}": value for part, value in zip(self._key, key, strict=True)} for key in gone]
            self._connection.execute(delete(self._table).where(this_one), named)
        if changed:
            statement = update(self._table).where(this_one)
            rest: dict[str, Any] = {c.name: bindparam(f"new_{c.name}") for c in self._table.c if not c.primary_key}
            values = [
                {f"key_{part.name}": row[part.name] for part in self._key} | {f"new_{name}": row[name] for name in rest}
                for row in changed
            ]
            self._connection.execute(statement.values(rest), values)
        if added:
            self._connection.execute(insert(self._table), added)
        self._before = dict(self._now)
