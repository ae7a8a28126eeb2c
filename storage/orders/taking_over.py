"""我来缴: another payer takes over what an open order holds and nobody has paid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from dialogs.world import TAKE_OVER_SECONDS, OrderState, TakingOver
from storage.orders.attempts import begin_closing
from storage.orders.columns import LINE, ORDER

TAKEN_OVER = "taken_over"  # the close_reason of an order that was taken over
MOST_AN_HOUR, HOUR_SECONDS = 3, 3600  # take-overs of one payable
_HOLDER = select(ORDER).join(LINE, LINE.c.order_no == ORDER.c.no).where(LINE.c.holds == bindparam("key"))
_RECENT = (
    select(func.count())
    .select_from(ORDER)
    .join(LINE, LINE.c.order_no == ORDER.c.no)
    .where(LINE.c.payable_key == bindparam("key"), ORDER.c.close_reason == TAKEN_OVER)
    .where(ORDER.c.closed_at > bindparam("since"))
)


def holder_of(connection: Connection, payable_key: str) -> Row[Any] | None:
    """The order that holds this payable; None where it is free."""
    return connection.execute(_HOLDER, {"key": payable_key}).first()


def begin(connection: Connection, holder: Row[Any], payable_key: str, now: int) -> TakingOver | None:
    """Begin to close the order for the one who takes over; what is in the way, or None. `now` in unix seconds."""
    if holder.state == OrderState.CLOSING:
        return None
    if holder.state != OrderState.OPEN:
        return TakingOver.PAID
    if now - holder.opened_at < TAKE_OVER_SECONDS:
        return TakingOver.EARLY
    recent = connection.execute(_RECENT, {"key": payable_key, "since": now - HOUR_SECONDS}).scalar_one()
    if recent >= MOST_AN_HOUR:
        return TakingOver.OFTEN
    begin_closing(connection, holder.no, TAKEN_OVER, now)
    return None
