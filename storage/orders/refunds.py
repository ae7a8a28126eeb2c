"""Giving money back: an attempt whose money found no open order passes refund_due, refunding, refunded.

One `out_refund_no` for ever, stored with the debt itself, so that a repeated call gives the money back once.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, insert, select, update

from storage.notices import refunded_notice, write_notice
from storage.orders.attempts import locked_order, look_again, wind_up
from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER, REFUND_DUE, REFUNDED, REFUNDING

LOOK_AGAIN_SECONDS = 60
STUCK_SECONDS = 6 * 3600


def mark_refunding(connection: Connection, out_trade_no: str, now: int) -> None:
    """WeChat Pay has accepted the refund; it is not yet through. Nothing where it is through already."""
    order = locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & ATTEMPT.c.state.in_((REFUND_DUE, REFUNDING))
    if order and connection.execute(update(ATTEMPT).where(where).values(state=REFUNDING)).rowcount:
        look_again(connection, order.no, now + LOOK_AGAIN_SECONDS)


def mark_refunded(connection: Connection, out_trade_no: str, refunded_at: int, now: int) -> None:
    """The money is back: booked once, whoever says so and however often."""
    order = locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & ATTEMPT.c.state.in_((REFUND_DUE, REFUNDING))
    if order is None or not connection.execute(update(ATTEMPT).where(where).values(state=REFUNDED)).rowcount:
        return
    attempt = connection.execute(select(ATTEMPT).where(ATTEMPT.c.out_trade_no == out_trade_no)).one()
    entry = {
        "reason": attempt.out_refund_no,
        "kind": "refund",
        "order_no": attempt.order_no,
        "out_trade_no": attempt.out_trade_no,
        "transaction_id": attempt.transaction_id,
        "amount": -attempt.refund_amount,
        "at": refunded_at,
        "booked_at": now,
    }
    connection.execute(insert(LEDGER).values(entry))
    wind_up(connection, order)  # unless another attempt's money has to go back too
    write_notice(connection, refunded_notice(order, attempt, now))


def mark_stuck(connection: Connection, out_trade_no: str, state: str, now: int) -> None:
    """WeChat Pay could not give it back by itself (ABNORMAL, CLOSED): noted once for a person, asked again later."""
    locked_order(connection, out_trade_no)
    attempt = connection.execute(select(ATTEMPT).where(ATTEMPT.c.out_trade_no == out_trade_no)).one()
    if attempt.state not in (REFUND_DUE, REFUNDING):
        return
    reason = f"refund:{state}:{attempt.out_refund_no}"
    if not connection.execute(select(DISCREPANCY.c.id).where(DISCREPANCY.c.reason == reason)).first():
        facts = json.dumps({"out_refund_no": attempt.out_refund_no, "amount": attempt.refund_amount, "state": state})
        row = {"reason": reason, "kind": "refund", "out_trade_no": out_trade_no, "facts": facts, "found_at": now}
        connection.execute(insert(DISCREPANCY).values(row))
    look_again(connection, attempt.order_no, now + STUCK_SECONDS)
