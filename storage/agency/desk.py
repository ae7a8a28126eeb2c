"""What a kind of file must bring: how a row is read, and how rows are taken into the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from sqlalchemy import Connection
from sqlmodel import SQLModel

from storage.agency.cells import Cells
from storage.agency.staging import Staging
from storage.sealing import FieldSeal

Row = TypeVar("Row")
Taken = TypeVar("Taken", contravariant=True)


class Op(StrEnum):
    """What the agency wants done with a row.

    A differing row that is already there refuses an A and is replaced by a U; a U of something unknown adds it; a D of
    something unknown has been done already.
    """

    ADD = "A"
    UPDATE = "U"
    DELETE = "D"


class Outcome(StrEnum):
    """What came of one row."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a desk works with: the transaction of the import, the seal, the bureau's day."""

    connection: Connection
    seal: FieldSeal
    today: date
    staging: Staging | None = None  # where rows are staged first (`Kind.staged`, on SQLite)


class Desk(Protocol[Taken]):
    """Takes rows a chunk at a time: `prepare` looks up what the tables know of them, `take` decides row by row without
    touching the database and raises RowRefused, `flush` writes what changed."""

    def prepare(self, rows: Sequence[Taken]) -> None: ...

    def take(self, op: Op, row: Taken) -> Outcome: ...

    def flush(self) -> None: ...


@runtime_checkable
class CorrectingDesk(Desk[Taken], Protocol[Taken]):
    """A desk that can put right what a row had registered that was read wrongly before."""

    def replace(self, op: Op, row: Taken) -> Outcome:
        """Put it right where nothing else has changed it since and no money depends on it; raises RowRefused."""
        ...


@runtime_checkable
class FinishingDesk(Desk[Taken], Protocol[Taken]):
    """A desk that has something to do once all rows are written, in the same transaction."""

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Kind(Generic[Row]):
    """One kind of file. `amount` is the column whose sum the `.ctl` carries; files without `batch_no`, `row_no` and
    `op` among their columns are taken as updates of the rows they name. `tables` are those the desk fills."""

    name: str
    columns: tuple[str, ...]
    amount: str | None
    read_row: Callable[[Cells], Row]
    desk: Callable[[Setting], Desk[Row]]
    tables: tuple[type[SQLModel], ...]
    staged: bool = False  # the desk writes by `Stored` alone and passes `Setting.staging` on
    optional: tuple[str, ...] = ()  # columns that a file may leave out; their cells are then empty

    @property
    def numbered(self) -> bool:
        return self.columns[:3] == NUMBERED


NUMBERED = ("batch_no", "row_no", "op")
AnyKind = Kind[Any]
