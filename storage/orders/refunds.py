"""Giving money back: each refund passes due, refunding, refunded, or stays abnormal or closed until a person decides.

One `out_refund_no` for ever, stored with the debt itself, so that a repeated call gives the money back once. Two kinds
of money go back: what settled nothing (a duplicate, a late payment), by itself; and payments an operator has refunded.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from storage.notices import refunded_notice, write_notice
from storage.orders.attempts import wind_up
from storage.orders.columns import (
    ABNORMAL,
    DROPPED,
    DUE,
    EXPORT,
    LEDGER,
    LINE,
    OUTSTANDING,
    PAYMENT,
    REFUND,
    REFUND_DUE,
    REFUNDED,
    REFUNDING,
)
from storage.orders.debts import (
    STUCK,
    close_notes,
    note,
    schedule,
    state_of_order,
)
from storage.orders.events import note_event
from storage.orders.rows import change_attempt, change_refund, locked_refund, the_attempt

LOOK_AGAIN_SECONDS = 60
STUCK_SECONDS = 6 * 3600
APART_SECONDS = 65  # WeChat Pay wants a minute between two refunds of one transaction (facts/wechat.md B4)


def mark_called(connection: Connection, out_refund_no: str, now: int) -> int:
    """Committed before WeChat Pay is asked to pay it; returns 0, or the seconds to wait before that may be asked."""
    refund = locked_refund(connection, out_refund_no)
    if refund is None or refund.state != DUE:
        return LOOK_AGAIN_SECONDS
    of_same = (REFUND.c.out_trade_no == refund.out_trade_no) & (REFUND.c.out_refund_no != out_refund_no)
    last = connection.execute(
        select(REFUND.c.called_at).where(of_same & REFUND.c.called_at.is_not(None)).order_by(REFUND.c.called_at.desc())
    ).scalar()
    if last is not None and last + APART_SECONDS > now:
        return int(last + APART_SECONDS - now)
    change_refund(connection, out_refund_no, called_at=now)
    note_event(connection, refund.order_no, "refund_called", now, refund.out_trade_no, refund=out_refund_no)
    return 0


def mark_refunding(connection: Connection, out_refund_no: str, now: int) -> None:
    """WeChat Pay has accepted the refund; it is not yet through. Nothing where it is through already."""
    refund = locked_refund(connection, out_refund_no)
    if refund is None or refund.state not in (DUE, REFUNDING, ABNORMAL):
        return
    change_refund(connection, out_refund_no, state=REFUNDING, look_at=now + LOOK_AGAIN_SECONDS)
    if refund.state != REFUNDING:
        note_event(connection, refund.order_no, "refund_accepted", now, refund.out_trade_no, refund=out_refund_no)
    if refund.payment_id is None:
        change_attempt(connection, refund.out_trade_no, (REFUND_DUE,), state=REFUNDING)
    schedule(connection, refund.order_no)


def mark_refunded(
    connection: Connection, out_refund_no: str, refunded_at: int, zone: tzinfo, now: int, account: str = ""
) -> None:
    """The money is back: booked once, whoever says so and however often. `account` is where it went."""
    refund = locked_refund(connection, out_refund_no)
    if refund is None or refund.state == REFUNDED:
        if refund is not None and refund.given_back_by:
            _book_second(connection, refund, refunded_at, now)
        return
    change_refund(connection, out_refund_no, state=REFUNDED, refunded_at=refunded_at, account=account)
    note_event(connection, refund.order_no, "refunded", now, refund.out_trade_no, refund=out_refund_no)
    book_refund(connection, refund, refunded_at, now)
    if refund.owes is None:  # WeChat Pay had said that it was closed: the money is booked, the rest is for a person
        note(connection, refund, "refunded_after_closed", now)
        return
    take_back(connection, refund, datetime.fromtimestamp(refunded_at, zone))
    close_notes(connection, refund, "退款到账", now)
    schedule(connection, refund.order_no)
    order = state_of_order(connection, refund.order_no)
    wind_up(connection, order)  # unless another attempt's money has to go back too
    of_line = (LINE.c.order_no == refund.order_no) & (LINE.c.line_no == refund.line_no)
    line = connection.execute(select(LINE).where(of_line)).first()
    write_notice(connection, refunded_notice(order, refund, account, now, line))


def book_refund(connection: Connection, refund: Row[Any], refunded_at: int, now: int) -> None:
    """Enter in the ledger that WeChat Pay gave this back; its number is unique there. Hold the order's lock."""
    attempt = the_attempt(connection, refund.out_trade_no)
    entry = {
        "reason": refund.out_refund_no,
        "kind": "refund",
        "order_no": refund.order_no,
        "out_trade_no": refund.out_trade_no,
        "transaction_id": attempt.transaction_id,
        "amount": -refund.amount,
        "at": refunded_at,
        "booked_at": now,
    }
    connection.execute(insert(LEDGER), entry)


def _book_second(connection: Connection, refund: Row[Any], refunded_at: int, now: int) -> None:
    """This money had been given back by other means, and now by WeChat Pay too: in the ledger, and for a person."""
    booked = select(LEDGER.c.id).where(LEDGER.c.reason == refund.out_refund_no)
    if connection.execute(booked).first() is None:
        book_refund(connection, refund, refunded_at, now)
        note(connection, refund, "REFUNDED_TWICE", now)


def mark_stuck(connection: Connection, out_refund_no: str, state: str, now: int) -> None:
    """WeChat Pay could not give it back by itself (ABNORMAL, CLOSED, or why it refuses): noted once for a person.

    It is asked again now and then: an ABNORMAL one is brought to its end in the merchant console.
    """
    refund = locked_refund(connection, out_refund_no)
    if refund is None or refund.state not in OUTSTANDING or refund.owes is None:
        return
    change_refund(connection, out_refund_no, state=STUCK.get(state, refund.state), look_at=now + STUCK_SECONDS)
    note(connection, refund, state, now)
    schedule(connection, refund.order_no)


def look_later(connection: Connection, out_refund_no: str, at: int) -> None:
    """WeChat Pay is asked about it then."""
    if refund := locked_refund(connection, out_refund_no):
        change_refund(connection, out_refund_no, look_at=at)
        schedule(connection, refund.order_no)


def drop(connection: Connection, out_refund_no: str) -> None:
    """Never to be used: the one it was to replace is alive at WeChat Pay after all, and owes the money again."""
    refund = locked_refund(connection, out_refund_no)
    if refund is None or refund.state != DUE or refund.called_at is not None or refund.replaces is None:
        return
    change_refund(connection, out_refund_no, state=DROPPED, owes=None)
    change_refund(connection, refund.replaces, state=REFUNDING, owes=refund.owes)


def _settle_by_another(connection: Connection, refund: Row[Any]) -> None:
    """What was paid a second time through another channel settles the payable from now on: it is not owed again."""
    key = connection.execute(select(PAYMENT.c.payable_key).where(PAYMENT.c.id == refund.payment_id)).scalar_one()
    others = (PAYMENT.c.payable_key == key) & PAYMENT.c.status.not_in((REFUNDED, REFUNDING))
    first = connection.execute(select(PAYMENT.c.id).where(others).order_by(PAYMENT.c.id)).scalar()
    if first is not None:
        connection.execute(update(PAYMENT).where(PAYMENT.c.id == first).values(settles=key))


def take_back(connection: Connection, refund: Row[Any], at: datetime) -> None:
    """The money of this refund is back: its payment is refunded, its payable free, and the agency gets a row of it."""
    if refund.payment_id is None:
        change_attempt(connection, refund.out_trade_no, state=REFUNDED)
        return
    settled = (PAYMENT.c.id == refund.payment_id) & (PAYMENT.c.status != REFUNDED)
    connection.execute(update(PAYMENT).where(settled).values(status=REFUNDED, settles=None))
    line = (LINE.c.order_no == refund.order_no) & (LINE.c.line_no == refund.line_no)
    connection.execute(update(LINE).where(line).values(holds=None))
    _settle_by_another(connection, refund)
    row = {
        "payment_id": refund.payment_id,
        "status": "REFUNDED",
        "reason": f"{refund.out_refund_no}:{refund.line_no}",
        "settle_date": at.date(),
    }
    connection.execute(insert(EXPORT), row)
