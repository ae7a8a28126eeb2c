"""Three books side by side, a day a row: WeChat Pay's bill, our ledger, and what the agencies have of it.

What must tie: the bill's payments and the ledger's; and the ledger, in and out, with the agencies' rows and the money
that settled nothing. The bill's refunds stand on the day they were asked for, ours on the day they were through, so
those two are shown and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, func, select

from storage.database import reading
from storage.orders.columns import EXPORT, LEDGER, PAYMENT, REFUND, TRANSFER
from storage.reconciliation.columns import BILL, BILL_LINE, TRADE
from storage.reconciliation.days import Day


@dataclass(frozen=True, slots=True)
class Sum:
    """How many, and how much in fen; never negative."""

    rows: int = 0
    amount: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.rows + other.rows, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class DayInThree:
    """One day. `bill_paid` and `bill_back` are None as long as the day is not reconciled (未对账)."""

    day: date
    bill_paid: Sum | None
    bill_back: Sum | None
    ledger_paid: Sum
    ledger_back: Sum
    surplus: Sum  # came in, settled nothing, goes back
    surplus_back: Sum  # of the day's refunds those of such money
    transferred: Sum  # given back outside WeChat Pay, so not in the ledger
    agency_paid: Sum  # rows for the agencies, by their settle_date
    agency_back: Sum
    exported: Sum  # of these rows, payments and refunds, those that stand in a file
    booked: Sum  # answered 已入库
    refused: Sum

    @property
    def unanswered(self) -> Sum:
        """In a file, and the agency has not said anything yet."""
        answered = self.booked + self.refused
        return Sum(self.exported.rows - answered.rows, self.exported.amount - answered.amount)

    @property
    def ties(self) -> bool:
        """Whether what must be equal is equal."""
        inner = self.ledger_paid.amount == self.agency_paid.amount + self.surplus.amount
        back = self.ledger_back.amount + self.transferred.amount == self.agency_back.amount + self.surplus_back.amount
        return inner and back and self.bill_paid in (None, self.ledger_paid)


def in_three(engine: Engine, first: date, last: date, zone: tzinfo) -> Iterator[DayInThree]:
    """The days from `first` to `last`. Raises DatabaseUnavailable."""
    for number in range((last - first).days + 1):
        with reading(engine) as connection:
            yield _day(connection, Day.of(first + timedelta(days=number), zone))


def total_of(days: list[DayInThree]) -> DayInThree:
    """All of them as one, under the first day's name; the bill's side only where every day has it."""
    summed: dict[str, Any] = {
        one.name: _added([getattr(day, one.name) for day in days]) for one in fields(DayInThree) if one.name != "day"
    }
    return DayInThree(day=days[0].day, **summed)


def _added(sums: list[Sum | None]) -> Sum | None:
    return None if None in sums else sum((one for one in sums if one), Sum())


def _day(connection: Connection, day: Day) -> DayInThree:
    booked_then = (LEDGER.c.at >= day.begins) & (LEDGER.c.at < day.ends)
    settled_nothing = REFUND.c.payment_id.is_(None) & REFUND.c.owes.is_not(None)
    by_number = (REFUND.c.out_refund_no == LEDGER.c.reason) & (REFUND.c.given_back_by == "")
    back = LEDGER.join(REFUND, by_number | (REFUND.c.given_back_by == LEDGER.c.reason))
    by_transfer = (REFUND.c.given_back_by == TRANSFER) & REFUND.c.payment_id.is_not(None)
    transferred_then = (REFUND.c.refunded_at >= day.begins) & (REFUND.c.refunded_at < day.ends)
    came = LEDGER.join(REFUND, REFUND.c.out_trade_no == LEDGER.c.out_trade_no)
    mine = EXPORT.join(PAYMENT, PAYMENT.c.id == EXPORT.c.payment_id)
    of_day, amount = EXPORT.c.settle_date == day.date, PAYMENT.c.amount
    had = (BILL.c.day == day.date) & (BILL.c.kind == TRADE)
    reconciled = connection.execute(select(BILL.c.day).where(had)).first() is not None
    in_bill = BILL_LINE.c.day == day.date

    def bill(kind: str) -> Sum | None:
        where = in_bill & (BILL_LINE.c.kind == kind)
        return _sum(connection, BILL_LINE, BILL_LINE.c.amount, where) if reconciled else None

    return DayInThree(
        day=day.date,
        bill_paid=bill("payment"),
        bill_back=bill("refund"),
        ledger_paid=_sum(connection, LEDGER, LEDGER.c.amount, booked_then & (LEDGER.c.kind == "payment")),
        ledger_back=_sum(connection, LEDGER, LEDGER.c.amount, booked_then & (LEDGER.c.kind == "refund")),
        surplus=_sum(connection, came, REFUND.c.amount, booked_then & (LEDGER.c.kind == "payment") & settled_nothing),
        surplus_back=_sum(connection, back, REFUND.c.amount, booked_then & settled_nothing),
        transferred=_sum(connection, REFUND, REFUND.c.amount, by_transfer & transferred_then),
        agency_paid=_sum(connection, mine, amount, of_day & (EXPORT.c.status == "PAID")),
        agency_back=_sum(connection, mine, amount, of_day & (EXPORT.c.status == "REFUNDED")),
        exported=_sum(connection, mine, amount, of_day & EXPORT.c.file_no.is_not(None)),
        booked=_sum(connection, mine, amount, of_day & (EXPORT.c.result == "BOOKED")),
        refused=_sum(connection, mine, amount, of_day & (EXPORT.c.result == "REFUSED")),
    )


def _sum(connection: Connection, source: FromClause, amount: ColumnElement[int], where: ColumnElement[bool]) -> Sum:
    query = select(func.count(), func.coalesce(func.sum(amount), 0)).select_from(source).where(where)
    rows, summed = connection.execute(query).one()
    return Sum(int(rows), abs(int(summed)))
