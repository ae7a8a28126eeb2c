"""Money that is owed back: the refund that owes it, when WeChat Pay is asked about it next, what a person must know.

The unique `owes` keeps two refunds of the same money from both being paid.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from dialogs.world import OrderState
from storage.orders.attempts import look_again
from storage.orders.columns import DISCREPANCY, DUE, OUTSTANDING, PAYMENT, REFUND, REFUNDED, REFUNDING
from storage.orders.rows import change_order, order_of, running, the_order

STUCK = {"ABNORMAL": "abnormal", "CLOSED": "closed"}  # WeChat Pay's words for what needs a person, and ours

# Built once: every step of a refund asks these.
_OUTSTANDING = (
    select(REFUND)
    .where(REFUND.c.order_no == bindparam("which"), REFUND.c.state.in_(OUTSTANDING), REFUND.c.owes.is_not(None))
    .order_by(REFUND.c.out_refund_no)
)
_STATUSES = select(PAYMENT.c.status).where(PAYMENT.c.order_no == bindparam("which"))
_NOTED = select(DISCREPANCY.c.id).where(DISCREPANCY.c.reason == bindparam("which"))


def owe(connection: Connection, attempt: Row[Any], amount: int, now: int, payment: Row[Any] | None = None) -> str:
    """This money goes back: a payment, or what settled nothing. Returns its `out_refund_no`. Hold the order's lock."""
    kind = "R" if payment is None else f"L{payment.line_no}"
    values = {
        "out_refund_no": f"{attempt.out_trade_no}-{kind}",
        "owes": f"{attempt.out_trade_no}:{kind}",
        "out_trade_no": attempt.out_trade_no,
        "order_no": attempt.order_no,
        "payment_id": payment.id if payment else None,
        "line_no": payment.line_no if payment else None,
        "amount": amount,
        "state": DUE,
        "asked_at": now,
        "look_at": now,
    }
    connection.execute(insert(REFUND), values)
    return str(values["out_refund_no"])


def outstanding(connection: Connection, order_no: str) -> list[Row[Any]]:
    """Refunds of an order that are still to be brought to their end."""
    return list(connection.execute(_OUTSTANDING, {"which": order_no}))


def schedule(connection: Connection, order_no: str) -> None:
    """Have the worker look when the first of the outstanding refunds is to be looked at."""
    looks = [refund.look_at for refund in outstanding(connection, order_no)]
    order = order_of(connection, order_no)
    if order is not None and order.due_at is not None and running(connection, order_no) is not None:
        looks = [*looks, order.due_at] if looks else []
    if looks:
        look_again(connection, order_no, min(looks))


def state_of_order(connection: Connection, order_no: str) -> Row[Any]:
    """The order, `refunding` once every payment of it goes back or is back. Hold its lock."""
    statuses = connection.execute(_STATUSES, {"which": order_no}).scalars().all()
    if statuses and all(status in (REFUNDING, REFUNDED) for status in statuses):
        change_order(connection, order_no, (OrderState.PAID,), state=OrderState.REFUNDING)
    return the_order(connection, order_no)


def note(connection: Connection, refund: Row[Any], state: str, now: int) -> None:
    """A refund that needs a person, told once."""
    reason = f"refund:{state}:{refund.out_refund_no}"
    if not connection.execute(_NOTED, {"which": reason}).first():
        facts = json.dumps({"out_refund_no": refund.out_refund_no, "amount": refund.amount, "state": state})
        row = {"reason": reason, "kind": "refund", "out_trade_no": refund.out_trade_no, "key": refund.out_refund_no}
        row |= {"facts": facts, "found_at": now}
        connection.execute(insert(DISCREPANCY), row)


def close_notes(connection: Connection, refund: Row[Any], why: str, now: int) -> None:
    """What was noted about this refund is settled."""
    mine = (DISCREPANCY.c.out_trade_no == refund.out_trade_no) & (DISCREPANCY.c.kind == "refund")
    mine &= DISCREPANCY.c.reason.endswith(f":{refund.out_refund_no}", autoescape=True)
    closed = {"state": "closed", "closed_at": now, "closed_why": why}
    connection.execute(update(DISCREPANCY).where(mine & (DISCREPANCY.c.state != "closed")).values(closed))
