"""What stands in the real tables, read back as the model sees it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from storage.orders.columns import ATTEMPT, EXPORT, LEDGER, LINE, NOTICE, ORDER, PAYMENT, REFUND
from tests.model.books import News
from tests.model.state import OWING, RUNNING, SETTLED, Attempt, Order
from tests.storage.counter import payable

OURS = "O1"
PAYABLES = {1: payable("wang"), 2: payable("li", 20000)}
BIT = {one.key: bit for bit, one in PAYABLES.items()}
PRICE = {bit: one.amount for bit, one in PAYABLES.items()}
STATE_OF_REFUND = {"refund_due": "due", "refunding": "refunding", "refunded": "refunded"}
TABLES = (ORDER, LINE, ATTEMPT, PAYMENT, LEDGER, EXPORT, REFUND)
_SELECTS = {one.name: str(select(one).order_by(*one.primary_key.columns)) for one in (*TABLES, NOTICE)}
_ROWS: dict[str, Any] = {
    one.name: namedtuple("Row", [column.name for column in one.columns]) for one in (*TABLES, NOTICE)
}


def ours(order: Order) -> Order:
    """What of an order our own tables hold: what WeChat Pay has of it they cannot know."""
    seen = [Attempt(one.state, one.called if one.state in RUNNING else False, kept=one.kept) for one in order.attempts]
    return order._replace(attempts=tuple(seen))


def bits(several: int) -> list[int]:
    """The payables of a set."""
    return [bit for bit in PAYABLES if several & bit]


def amount(several: int) -> int:
    """What a set of payables comes to, in fen."""
    return sum(PRICE[bit] for bit in bits(several))


def number(place: int) -> str:
    """The `out_trade_no` of the attempt at this place."""
    return f"{OURS}-{place + 1}"


@dataclass(frozen=True)
class Books:
    """Every row of every table of money."""

    tables: Mapping[str, list[Any]]

    def order(self) -> Order:
        """Our order as the model sees it; asserts that the books of money say the same as the rows of state."""
        [row] = [one for one in self.tables[ORDER.name] if one.no == OURS]
        lines = [one for one in self.tables[LINE.name] if one.order_no == OURS]
        basket = sum(BIT[line.payable_key] for line in lines)
        found = [one for one in self.tables[ATTEMPT.name] if one.order_no == OURS]
        tries = tuple(self._attempt(one, basket) for one in sorted(found, key=lambda one: str(one.out_trade_no)))
        holds = sum(BIT[line.holds] for line in lines if line.holds)
        return Order(basket, row.state, holds, tries, due=row.due_at is not None)

    def _attempt(self, row: Any, basket: int) -> Attempt:
        payments = self.tables[PAYMENT.name]
        mine = [one for one in payments if row.transaction_id and one.receipt_no == row.transaction_id]
        kept = sum(BIT[one.payable_key] for one in mine)
        told = [one.payment_id for one in self.tables[EXPORT.name]]
        assert all(told.count(one.id) == 1 for one in mine)
        booked = {one.reason: one.amount for one in self.tables[LEDGER.name] if one.out_trade_no == row.out_trade_no}
        back = amount(basket & ~kept)
        expected = {row.transaction_id: amount(basket)} if row.state in SETTLED else {}
        expected |= {f"{row.out_trade_no}-R": -back} if row.state == "refunded" else {}
        assert booked == expected
        owed = [one for one in self.tables[REFUND.name] if one.out_trade_no == row.out_trade_no]
        assert [one.amount for one in owed] == ([back] if row.state in OWING | {"refunded"} else [])
        assert all(one.state in (STATE_OF_REFUND[row.state], "abnormal") for one in owed)
        assert bool(row.runs) == (row.state in RUNNING)
        return Attempt(row.state, row.called_at is not None and row.state in RUNNING, kept=kept)

    def news(self) -> News:
        """What was written for the citizen, in the model's words."""
        return tuple(sorted(_news(row.reason) for row in self.tables[NOTICE.name]))

    def others(self) -> list[Any]:
        """Everything that is not our order's."""
        names = ((ORDER, "no"), (LINE, "order_no"), (ATTEMPT, "order_no"), (PAYMENT, "order_no"))
        return [[row for row in self.tables[table.name] if getattr(row, column) != OURS] for table, column in names]


def read_back(connection: Connection) -> Books:
    """Everything that is money, as the driver gives it: thousands of these are read."""
    cursor = connection.connection.cursor()
    found = {}
    for name, query in _SELECTS.items():
        cursor.execute(query)
        found[name] = [_ROWS[name](*row) for row in cursor.fetchall()]
    return Books(found)


def _news(reason: str) -> str:
    kind, _, of = reason.partition(":")
    return f"{kind} {int(of.rpartition('-')[2]) - 1}" if "-" in of else kind
