"""What the tests of reconciliation share: a day with payments and refunds in the room, and the morning after."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from bot.reconciling.reconciler import Reconciler, Report
from bot.sandbox.bills import Cells, trade_bill
from storage.database import reading
from storage.orders.columns import DISCREPANCY
from tests.bot.room import PAYER, Room, placed
from tests.storage.counter import NOON, PEOPLE, ZONE, payable

DAY = NOON.date()
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=ZONE)


def paid(room: Room, insured: str = "wang", amount: int = 50000) -> str:
    """Somebody pays; the order's number."""
    no = room.counter.open(PAYER, payable(insured, amount))
    placed(room, no)
    room.sheet(no).pay()
    room.work()
    return no


def paid_twice(room: Room, insured: str = "li") -> str:
    """One payable, paid once at a window while the order is open and once here: the second is given back by itself."""
    no = room.counter.open(PAYER, payable(insured, 30000))
    placed(room, no)
    room.counter.paid_elsewhere(payable(insured, 30000))
    room.sheet(no).pay()
    room.work()
    room.wait(1)
    return no


def a_day(room: Room) -> None:
    """Three payments and a refund."""
    for insured, amount in (("wang", 50000), ("zhao", 40000), ("sun", 1)):
        paid(room, insured, amount)
        room.wait(60)
    paid_twice(room)
    room.wait(120)
    assert len(PEOPLE) == 4


def next_morning(room: Room, at: datetime = TEN) -> None:
    """The clock stands at ten of the day after."""
    room.sandbox.clock.pin(at.timestamp())


def reconciled(room: Room, day: date = DAY, **files: Path) -> Report:
    return Reconciler(room.app.till).reconcile(day, **files)


def open_kinds(room: Room) -> list[str]:
    return [row.kind for row in room.counter.rows(DISCREPANCY, state="open")]


def verdicts(report: Report) -> dict[tuple[str, str], int]:
    """Rows by kind and verdict."""
    return {(one.kind, one.verdict): one.rows for one in report.figures.by}


def dumped(room: Room) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that money or reconciliation writes."""
    with reading(room.app.engine) as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for name, table in SQLModel.metadata.tables.items()
            if name != "routine"
        }


def rows_of(room: Room) -> list[Cells]:
    """The rows WeChat Pay's bill of the day has."""
    found: list[Cells] = []

    def look(rows: list[Cells]) -> list[Cells]:
        found.extend(rows)
        return rows

    before, room.pay.bills.alter = room.pay.bills.alter, look
    room.app.till.gateway.trade_bill(DAY)
    room.pay.bills.alter = before
    return found


def written(path: Path, rows: list[Cells], kind: str = "ALL") -> Path:
    """A bill of these rows in a file."""
    text = trade_bill(kind, rows)
    assert text
    path.write_text(text, "utf-8")
    return path


def yesterday(at: datetime) -> date:
    return (at - timedelta(days=1)).date()
