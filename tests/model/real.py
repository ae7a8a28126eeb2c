"""The real store put into a state of the model, one real transaction done on it, and the state it is in then.

Everything happens inside one database transaction that is never committed: a savepoint takes back what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from dialogs.terms.insurance import Payable
from storage.orders import attempts, refunds
from storage.orders.columns import ATTEMPT, EXPORT, LEDGER, LINE, ORDER, PAYMENT, REFUND
from storage.orders.settling import Received, Settled, Settler
from tests.model.read_back import OURS, PAYABLES, STATE_OF_REFUND, Books, amount, bits, number, read_back
from tests.model.state import RUNNING, SETTLED, Around, Attempt, Order
from tests.storage.counter import LAST_DAY, NOON, ZONE, received, seconds

NOW = seconds(NOON)
TOO_LATE = seconds(NOON + timedelta(days=60))
THEIRS = "O9"


@dataclass(frozen=True)
class Store:
    """One open transaction of the real store."""

    connection: Connection
    settler: Settler

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What is done inside is taken back."""
        cursor = self.connection.connection.cursor()  # the driver's own: thousands of these are taken back
        cursor.execute("SAVEPOINT before")  # of several with this name the newest is meant
        try:
            yield
        finally:
            cursor.execute("ROLLBACK TO before")
            cursor.execute("RELEASE before")

    def put(self, order: Order, around: Around, reason: str) -> None:
        """Rows for an order as the model has it, and for what stands around it."""
        for bit in bits(around.paid):
            self._add(PAYMENT, _payment(PAYABLES[bit], "bank", f"R{bit}"))
        if around.held:
            other = Order(around.held, "open", around.held, (Attempt("placed", called=True),), due=True)
            self._put(THEIRS, "oTheirs", other, "")
        self._put(OURS, "oOurs", order, reason)

    def _put(self, no: str, payer: str, order: Order, reason: str) -> None:
        row: dict[str, Any] = {"no": no, "payer": payer, "service": "pay.pension", "state": order.state}
        row |= {"channel": "jsapi", "amount": amount(order.basket), "opened_at": NOW - 60, "expires_at": NOW + 1740}
        row |= {"due_at": NOW if order.due else None, "close_reason": "" if order.state == "open" else reason}
        self._add(ORDER, row)
        for line_no, bit in enumerate(bits(order.basket), 1):
            line = _columns(PAYABLES[bit]) | {"order_no": no, "line_no": line_no, "masked_name": "王*"}
            line |= {"institution_name": "东湖区", "last_day": LAST_DAY}
            self._add(LINE, line | {"holds": PAYABLES[bit].key if order.holds & bit else None})
        for place, attempt in enumerate(order.attempts):
            self._put_attempt(no, place, order, attempt)

    def _put_attempt(self, no: str, place: int, order: Order, attempt: Attempt) -> None:
        mine, transaction = f"{no}-{place + 1}", f"T-{no}-{place + 1}"
        whole, back = amount(order.basket), amount(order.basket & ~attempt.kept)
        row: dict[str, Any] = {"out_trade_no": mine, "order_no": no, "state": attempt.state, "amount": whole}
        row |= {"runs": no if attempt.state in RUNNING else None, "channel": "jsapi", "openid": "oOurs"}
        row |= {"description": "-", "expires_at": NOW + 1740, "made_at": NOW - 60 + place, "refund_amount": 0}
        row |= {"called_at": NOW - 30 if attempt.called else None, "transaction_id": None, "paid_at": None}
        if attempt.state not in SETTLED:
            self._add(ATTEMPT, row)
            return
        self._add(ATTEMPT, row | {"transaction_id": transaction, "paid_at": NOW - 20, "refund_amount": back})
        booked: dict[str, Any] = {
            "kind": "payment",
            "order_no": no,
            "out_trade_no": mine,
            "transaction_id": transaction,
        }
        booked |= {"at": NOW - 20, "booked_at": NOW - 20}
        self._add(LEDGER, booked | {"reason": transaction, "amount": whole})
        for line_no, bit in enumerate(bits(order.basket), 1):
            if attempt.kept & bit:
                paid = _payment(PAYABLES[bit], "wechat", transaction) | {"order_no": no, "line_no": line_no}
                paid_id = self._add(PAYMENT, paid)
                line = {"payment_id": paid_id, "status": "PAID", "reason": f"{transaction}:{line_no}"}
                self._add(EXPORT, line | {"settle_date": NOON.date()})
        if back:
            refund: dict[str, Any] = {"out_refund_no": f"{mine}-R", "out_trade_no": mine, "order_no": no}
            refund |= {"owes": f"{mine}:R", "amount": back, "asked_at": NOW - 20, "look_at": NOW - 10}
            self._add(REFUND, refund | {"state": STATE_OF_REFUND[attempt.state]})
        if attempt.state == "refunded":
            self._add(LEDGER, booked | {"kind": "refund", "reason": f"{mine}-R", "amount": -back})

    def _add(self, table: Table, row: dict[str, Any]) -> Any:
        done = self.connection.execute(insert(table), row)
        return done.inserted_primary_key[0] if done.inserted_primary_key else None

    def books(self) -> Books:
        """Everything that is money, as it is now."""
        return read_back(self.connection)

    def settle(self, place: int, order: Order, *, late: bool = False, **said: Any) -> Settled:
        """WeChat Pay says that it took the money of an attempt."""
        at = TOO_LATE if late else NOW
        told = {"amount": amount(order.basket), "paid_at": at} | said
        return self.settler._settle(self.connection, received(number(place), **told), NOW)


def do(store: Store, name: str, place: int, order: Order, late: bool) -> None:
    """The real transaction of this name, as the bot calls it."""
    connection, mine = store.connection, number(place)
    calls: dict[str, Callable[[], object]] = {
        "called": lambda: attempts.mark_called(connection, mine, NOW),
        "placed": lambda: attempts.mark_placed(connection, mine, NOW, prepay_id="wx"),
        "closing": lambda: attempts.begin_closing(connection, OURS, "expired", NOW),
        "switched": lambda: attempts.begin_switch(connection, OURS, "native", NOW),
        "anew": lambda: attempts.begin_anew(connection, OURS, NOW),
        "refused": lambda: attempts.replace_refused(connection, mine),
        "closed": lambda: attempts.mark_closed(connection, mine, ZONE, NOW),
        "found_closed": lambda: found_closed(connection, mine),
        "settled": lambda: store.settle(place, order, late=late),
        "refunding": lambda: refunds.mark_refunding(connection, f"{mine}-R", NOW),
        "refunded": lambda: refunds.mark_refunded(connection, f"{mine}-R", NOW, ZONE, NOW),
        "stuck": lambda: refunds.mark_stuck(connection, f"{mine}-R", "ABNORMAL", NOW),
    }
    calls[name]()


def _columns(one: Payable) -> dict[str, Any]:
    names = ("insurance", "person_no", "pay_kind", "assess_no", "cover_year", "period_from", "period_to")
    row = {name: getattr(one, name) for name in (*names, "tier_code", "tier_name", "amount")}
    return row | {"payable_key": one.key, "person": one.insured, "institution": one.institution_code}


def _payment(one: Payable, channel: str, receipt: str) -> dict[str, Any]:
    status = "booked" if channel == "bank" else "paid"
    row = {"settles": one.key, "paid_at": NOW - 20, "channel": channel, "receipt_no": receipt, "status": status}
    return _columns(one) | row


def found_closed(connection: Connection, mine: str) -> None:
    """What the till does when a query says that nobody can pay it any more."""
    attempts.replace_refused(connection, mine)
    attempts.mark_closed(connection, mine, ZONE, NOW)


def forged(order: Order) -> list[Received]:
    """What WeChat Pay never said, for each attempt."""
    found = []
    for place in range(len(order.attempts)):
        told = received(number(place), amount=amount(order.basket))
        found += [
            replace(told, amount=told.amount - 1),
            replace(told, mch_id="1900000002"),
            replace(told, app_id="wxother"),
            replace(told, currency="USD"),
            replace(told, out_trade_no=f"{OURS}-9"),
        ]
        if order.attempts[place].state in SETTLED:
            found.append(replace(told, transaction_id="T-another"))
    return found
