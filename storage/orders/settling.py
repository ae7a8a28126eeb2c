"""`settle`: what WeChat Pay says it took becomes payments, ledger, notice and export lines, in one transaction.

The only function that books money. Called by the callback, by the query after a lost callback, by the sweep and by
reconciliation. The same facts again change nothing; other facts are a discrepancy for a person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.world import OrderState
from storage.database import writing
from storage.notices import paid_notice, refund_due_notice, write_notice
from storage.orders.attempts import close_running, is_unfinished
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, LINE, PAID, PAYMENT, REFUND_DUE
from storage.orders.debts import owe
from storage.orders.events import note_event
from storage.orders.rows import attempt_of, change_attempt, change_order, lines_of, locked_order, release

# Built once: every payment asks these.
_BOOKED = select(LEDGER.c.out_trade_no).where(LEDGER.c.reason == bindparam("which"))
_SETTLED = select(PAYMENT.c.id).where(PAYMENT.c.settles == bindparam("which"))
_SETTLED_BY = select(PAYMENT.c.settles).where(PAYMENT.c.order_no == bindparam("which"))
_HOLDER = select(LINE.c.order_no).where(LINE.c.holds == bindparam("which"))
_NOTED = select(DISCREPANCY.c.id).where(DISCREPANCY.c.reason == bindparam("which"))

RACES = 4


class Settled(StrEnum):
    """What came of it."""

    DONE = "done"  # booked now; some of it may be due for refund
    AGAIN = "again"  # the same facts had been booked before
    DISCREPANCY = "discrepancy"  # does not fit ours: nothing booked, noted for a person


@dataclass(frozen=True, slots=True)
class Received:
    """What WeChat Pay says it took; amount in fen, time in unix seconds."""

    out_trade_no: str
    transaction_id: str
    mch_id: str
    app_id: str
    amount: int
    currency: str
    paid_at: int


@dataclass(frozen=True, slots=True)
class Settler:
    """Books money for one merchant and one account."""

    engine: Engine
    zone: tzinfo
    mch_id: str
    app_id: str

    def settle(self, received: Received, now: int, by: str = "") -> Settled:
        """Book it; `by` is who says so (callback, query, reconcile), kept for an operator.

        Raises DatabaseUnavailable; then whoever asked asks again.
        """
        for race in range(1, RACES + 1):
            try:
                with writing(self.engine) as connection:
                    return self._settle(connection, received, now, by)
            except IntegrityError:  # somebody else booked between our look and our insert
                if race == RACES:
                    raise
        raise AssertionError("unreachable")

    def _settle(self, connection: Connection, received: Received, now: int, by: str = "") -> Settled:
        order = locked_order(connection, received.out_trade_no)
        attempt = attempt_of(connection, received.out_trade_no)
        if wrong := self._does_not_fit(connection, attempt, received):
            return _discrepancy(connection, wrong, received, now)
        assert attempt is not None
        assert order is not None
        if attempt.transaction_id:
            return Settled.AGAIN
        lines = lines_of(connection, order.no)
        _book(connection, attempt, received, now)
        taken = [line for line in lines if self._is_free(connection, order, line, received)]
        for line in taken:
            self._pay_line(connection, line, received)
        refund = attempt.amount - sum(line.amount for line in taken)
        self._close_books(connection, order, attempt, received, refund, now)
        note_event(connection, order.no, "settled", now, attempt.out_trade_no, by=by, refund=refund)
        if taken:
            write_notice(connection, paid_notice(order, taken, now))
        if refund:
            apart = [line for line in lines if line not in taken]
            write_notice(connection, refund_due_notice(order, attempt, refund, now, apart))
        return Settled.DONE

    def _does_not_fit(self, connection: Connection, attempt: Row[Any] | None, received: Received) -> str:
        if attempt is None:
            return "unknown_number"
        if (received.mch_id, received.app_id, received.currency) != (self.mch_id, self.app_id, "CNY"):
            return "not_ours"
        if received.amount != attempt.amount:
            return "amount"
        if attempt.transaction_id and attempt.transaction_id != received.transaction_id:
            return "second_transaction"
        if connection.execute(_BOOKED, {"which": received.transaction_id}).scalar() not in (None, attempt.out_trade_no):
            return "transaction_of_another"
        return ""

    def _is_free(self, connection: Connection, order: Row[Any], line: Row[Any], received: Received) -> bool:
        """Whether this money may settle the line: nothing else has, nobody else is about to, and it was in time."""
        if order.state in (OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED):
            return False
        if connection.execute(_SETTLED, {"which": line.payable_key}).first():
            return False
        holder = connection.execute(_HOLDER, {"which": line.payable_key}).scalar()
        if holder not in (None, order.no):
            return False
        paid_on = datetime.fromtimestamp(received.paid_at, self.zone).date()
        return bool(paid_on <= line.last_day)

    def _pay_line(self, connection: Connection, line: Row[Any], received: Received) -> None:
        names = (
            "payable_key",
            "person",
            "insurance",
            "institution",
            "person_no",
            "pay_kind",
            "assess_no",
            "cover_year",
        )
        more = ("period_from", "period_to", "tier_code", "tier_name", "amount", "order_no", "line_no")
        payment = {name: getattr(line, name) for name in (*names, *more)} | {
            "settles": line.payable_key,
            "paid_at": received.paid_at,
            "channel": "wechat",
            "receipt_no": received.transaction_id,
            "status": "paid",
        }
        payment_id = connection.execute(insert(PAYMENT).returning(PAYMENT.c.id), payment).scalar_one()
        export = {
            "payment_id": payment_id,
            "status": "PAID",
            "reason": f"{received.transaction_id}:{line.line_no}",
            "settle_date": datetime.fromtimestamp(received.paid_at, self.zone).date(),
        }
        connection.execute(insert(EXPORT), export)

    def _close_books(
        self, connection: Connection, order: Row[Any], attempt: Row[Any], received: Received, refund: int, now: int
    ) -> None:
        state = REFUND_DUE if refund else PAID
        changes = {
            "state": state,
            "runs": None,
            "transaction_id": received.transaction_id,
            "paid_at": received.paid_at,
            "refund_amount": refund,
        }
        change_attempt(connection, attempt.out_trade_no, **changes)
        if refund:
            owe(connection, attempt, refund, now)
        close_running(connection, order.no)  # a newer one, for which nobody may pay any more
        order_changes: dict[str, object] = {"due_at": now if is_unfinished(connection, order.no) else None}
        if refund < attempt.amount:
            order_changes |= {"state": OrderState.PAID, "paid_at": received.paid_at}
            keys = connection.execute(_SETTLED_BY, {"which": order.no}).scalars().all()
            lines = LINE.c.order_no == order.no
            connection.execute(update(LINE).where(lines & LINE.c.payable_key.not_in(keys)).values(holds=None))
            connection.execute(
                update(LINE).where(lines & LINE.c.payable_key.in_(keys)).values(holds=LINE.c.payable_key)
            )
        elif order.state in (OrderState.OPEN, OrderState.CLOSING):
            order_changes |= {"state": OrderState.REFUNDING}
            release(connection, order.no)
        change_order(connection, order.no, **order_changes)


def _book(connection: Connection, attempt: Row[Any], received: Received, now: int) -> None:
    entry = {
        "reason": received.transaction_id,
        "kind": "payment",
        "order_no": attempt.order_no,
        "out_trade_no": attempt.out_trade_no,
        "transaction_id": received.transaction_id,
        "amount": received.amount,
        "at": received.paid_at,
        "booked_at": now,
    }
    connection.execute(insert(LEDGER), entry)


def _discrepancy(connection: Connection, kind: str, received: Received, now: int) -> Settled:
    reason = f"settle:{kind}:{received.out_trade_no[:64]}:{received.transaction_id[:64]}"
    if not connection.execute(_NOTED, {"which": reason}).first():
        facts: dict[str, str | int] = {
            "transaction_id": received.transaction_id,
            "mch_id": received.mch_id,
            "app_id": received.app_id,
            "amount": received.amount,
            "currency": received.currency,
            "paid_at": received.paid_at,
        }
        row = {
            "reason": reason,
            "kind": kind,
            "out_trade_no": received.out_trade_no[:64],
            "key": received.transaction_id[:64],
            "facts": json.dumps(facts),
            "found_at": now,
        }
        connection.execute(insert(DISCREPANCY), row)
    return Settled.DISCREPANCY
