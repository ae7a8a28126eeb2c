"""The life of an attempt: placing, placed, closing, closed. Each step is one guarded update, safe to repeat.

A new attempt of an order is added only in the transaction in which the one before it is closed, and the unique `runs`
keeps a second one out. Whoever changes an order or one of its attempts locks the order's row first: so nobody closes
an order while somebody else adds an attempt to it, and two transactions never wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from dialogs.texts import say
from dialogs.world import OrderState
from storage.notices import closed_notice, write_notice
from storage.orders.columns import (
    ATTEMPT,
    CLOSED,
    CLOSING,
    LINE,
    LOOK_AFTER,
    ORDER,
    OUTSTANDING,
    PLACED,
    PLACING,
    REFUND,
    RUNNING,
)
from storage.orders.events import note_event

_ORDER_NO = select(ATTEMPT.c.order_no).where(ATTEMPT.c.out_trade_no == bindparam("number")).scalar_subquery()
_LOCKED_ORDER = select(ORDER).where(ORDER.c.no == _ORDER_NO).with_for_update()  # built once: every step asks this

CALL_SECONDS = 8  # a call that places has answered or given up by then (the gateway waits two and three)


def locked_order(connection: Connection, out_trade_no: str) -> Row[Any] | None:
    """The order of an attempt, locked until the transaction ends (SQLite has one writer anyway)."""
    return connection.execute(_LOCKED_ORDER, {"number": out_trade_no}).first()


def is_unfinished(connection: Connection, order_no: str) -> bool:
    """Whether WeChat Pay may still take money for the order, or money of it is still to go back."""
    if running(connection, order_no) is not None:
        return True
    owing = (REFUND.c.order_no == order_no) & REFUND.c.state.in_(OUTSTANDING) & REFUND.c.owes.is_not(None)
    return connection.execute(select(REFUND.c.out_refund_no).where(owing)).first() is not None


def running(connection: Connection, order_no: str) -> Row[Any] | None:
    """The attempt for which WeChat Pay may still take money."""
    return connection.execute(select(ATTEMPT).where(ATTEMPT.c.runs == order_no)).first()


def add_attempt(connection: Connection, order_no: str, now: int) -> str:
    """A new try, not yet known to WeChat Pay, on the order's channel; returns its `out_trade_no`."""
    order = connection.execute(select(ORDER).where(ORDER.c.no == order_no)).one()
    lines = connection.execute(select(LINE).where(LINE.c.order_no == order_no).order_by(LINE.c.line_no)).all()
    before = connection.execute(
        select(func.count()).select_from(ATTEMPT).where(ATTEMPT.c.order_no == order_no)
    ).scalar_one()
    out_trade_no = f"{order_no}-{before + 1}"
    attempt = {
        "out_trade_no": out_trade_no,
        "order_no": order_no,
        "runs": order_no,
        "channel": order.channel,
        "state": PLACING,
        "openid": order.payer,
        "amount": order.amount,
        "description": _description(lines),
        "expires_at": order.expires_at,
        "made_at": now,
    }
    connection.execute(insert(ATTEMPT), attempt)
    look_again(connection, order_no, now)
    return out_trade_no


def _description(lines: Sequence[Row[Any]]) -> str:
    """What WeChat Pay shows beside the amount; nobody's name."""
    if len(lines) > 1:
        return say("pay.description_several", people=len({line.person for line in lines}), count=len(lines))
    insurance = say(f"insurance.{lines[0].insurance}_short")
    return say("pay.description", year=lines[0].cover_year, insurance=insurance)


def mark_called(connection: Connection, out_trade_no: str, now: int, *, alone: bool = False) -> bool:
    """Committed before WeChat Pay is asked to place it: from here on it may exist there. False where it is too late.

    `alone`: also False while another call that places it may be under way. Placing a Native order again voids the
    code that was given before (facts/wechat.md B0); a JSAPI order gives the same prepay_id to both.
    """
    locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & (ATTEMPT.c.state == PLACING)
    if alone:
        where &= ATTEMPT.c.called_at.is_(None) | (ATTEMPT.c.called_at <= now - CALL_SECONDS)
    return bool(connection.execute(update(ATTEMPT).where(where).values(called_at=now)).rowcount)


def mark_placed(
    connection: Connection, out_trade_no: str, now: int, *, prepay_id: str = "", code_url: str = ""
) -> bool:
    """WeChat Pay has it; False where it has moved on meanwhile (placed by another, closing, paid), which stands."""
    order = locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & (ATTEMPT.c.state == PLACING)
    changes = {"state": PLACED, "prepay_id": prepay_id or None, "code_url": code_url or None}
    if order is None or not connection.execute(update(ATTEMPT).where(where).values(changes)).rowcount:
        return False
    schedule_look(connection, order.no, now)
    note_event(connection, order.no, "placed", now, out_trade_no)
    return True


def begin_closing(connection: Connection, order_no: str, reason: str, now: int) -> bool:
    """The order is to end without payment; False where it is not open any more."""
    where = (ORDER.c.no == order_no) & (ORDER.c.state == OrderState.OPEN)
    changes = {"state": OrderState.CLOSING, "close_reason": reason, "due_at": now}
    if not connection.execute(update(ORDER).where(where).values(changes)).rowcount:
        return False
    close_running(connection, order_no)
    note_event(connection, order_no, "closing", now, reason=reason)
    return True


def begin_switch(connection: Connection, order_no: str, channel: str, now: int) -> bool:
    """Another way to the cashier is wanted: the running attempt is to be closed, a new one follows it.

    False where the order is not open, or already goes that way.
    """
    where = (ORDER.c.no == order_no) & (ORDER.c.state == OrderState.OPEN) & (ORDER.c.channel != channel)
    if not connection.execute(update(ORDER).where(where).values(channel=channel, due_at=now)).rowcount:
        return False
    close_running(connection, order_no)
    note_event(connection, order_no, "switched", now, channel=channel)
    return True


def begin_anew(connection: Connection, order_no: str, now: int) -> None:
    """A fresh number on the same channel is wanted: the placed attempt is closed first, as in a switch."""
    connection.execute(select(ORDER.c.no).where(ORDER.c.no == order_no).with_for_update())
    where = (ATTEMPT.c.runs == order_no) & (ATTEMPT.c.state == PLACED)
    if connection.execute(update(ATTEMPT).where(where).values(state=CLOSING)).rowcount:
        look_again(connection, order_no, now)
        note_event(connection, order_no, "anew", now)


def replace_refused(connection: Connection, out_trade_no: str) -> None:
    """WeChat Pay will not take this number any more: it is closed there, and a new one follows."""
    locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & ATTEMPT.c.state.in_(RUNNING)
    connection.execute(update(ATTEMPT).where(where).values(state=CLOSING))


def mark_closed(connection: Connection, out_trade_no: str, zone: tzinfo, now: int) -> None:
    """WeChat Pay has closed it. The order ends with it, or goes on with a new attempt."""
    order = locked_order(connection, out_trade_no)
    where = (ATTEMPT.c.out_trade_no == out_trade_no) & (ATTEMPT.c.state == CLOSING)
    if order is None or not connection.execute(update(ATTEMPT).where(where).values(state=CLOSED, runs=None)).rowcount:
        return
    note_event(connection, order.no, "closed", now, out_trade_no)
    if order.state == OrderState.OPEN:
        add_attempt(connection, order.no, now)
    elif order.state == OrderState.CLOSING:
        changes = {"state": OrderState.CLOSED, "closed_at": now, "due_at": None}
        connection.execute(update(ORDER).where(ORDER.c.no == order.no).values(changes))
        connection.execute(update(LINE).where(LINE.c.order_no == order.no).values(holds=None))
        write_notice(connection, closed_notice(order, zone, now))
    else:
        wind_up(connection, order)


def wind_up(connection: Connection, order: Row[Any]) -> None:
    """A paid or refunding order for which nothing is left to be closed or given back is not looked at any more."""
    if not is_unfinished(connection, order.no):
        state = OrderState.REFUNDED if order.state == OrderState.REFUNDING else order.state
        connection.execute(update(ORDER).where(ORDER.c.no == order.no).values(due_at=None, state=state))


def schedule_look(connection: Connection, order_no: str, now: int) -> None:
    """When the worker looks at the order next: by the schedule after placing, and at its expiry."""
    order = connection.execute(select(ORDER).where(ORDER.c.no == order_no)).one()
    if order.state != OrderState.OPEN:
        return
    attempt = running(connection, order_no)
    placed = attempt.called_at if attempt is not None and attempt.called_at else now
    looks = [placed + after for after in LOOK_AFTER if placed + after > now]
    look_again(connection, order_no, min([*looks, order.expires_at]))


def look_again(connection: Connection, order_no: str, at: int) -> None:
    """Have the worker look at the order then."""
    connection.execute(update(ORDER).where(ORDER.c.no == order_no).values(due_at=at))


def look_later(connection: Connection, attempt: Row[Any], at: int) -> bool:
    """Have the worker look at its order then; False where the attempt moved on since it was read, which is due at once.

    Whoever moves it on meanwhile (another way to the cashier, 不缴了) must not wait until then.
    """
    if not _stands(connection, attempt):
        return False
    look_again(connection, attempt.order_no, at)
    return True


def look_by_schedule(connection: Connection, attempt: Row[Any], now: int) -> bool:
    """As `schedule_look`; False as in `look_later`."""
    if not _stands(connection, attempt):
        return False
    schedule_look(connection, attempt.order_no, now)
    return True


def _stands(connection: Connection, attempt: Row[Any]) -> bool:
    """Whether it runs still, in the state it was read in. Locks its order."""
    connection.execute(select(ORDER.c.no).where(ORDER.c.no == attempt.order_no).with_for_update())
    now_running = running(connection, attempt.order_no)
    return now_running is not None and (now_running.out_trade_no, now_running.state) == (
        attempt.out_trade_no,
        attempt.state,
    )


def close_running(connection: Connection, order_no: str) -> bool:
    """The running attempt is to be closed at WeChat Pay; whether there is one. Hold the order's lock."""
    where = (ATTEMPT.c.runs == order_no) & ATTEMPT.c.state.in_((PLACING, PLACED))
    connection.execute(update(ATTEMPT).where(where).values(state=CLOSING))
    return running(connection, order_no) is not None
