"""The life of an attempt: placing, placed, closing, closed. Each step is one guarded update, safe to repeat.

A new attempt of an order is added only in the transaction in which the one before it is closed, and the unique `runs`
keeps a second one out. Whoever changes an order or one of its attempts locks the order's row first: so nobody closes
an order while somebody else adds an attempt to it, and two transactions never wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from dialogs.texts import say
from dialogs.world import OrderState
from storage.notices import closed_notice, write_notice
from storage.orders.columns import (
    ATTEMPT,
    CLOSED,
    CLOSING,
    LOOK_AFTER,
    ORDER,
    OUTSTANDING,
    PLACED,
    PLACING,
    REFUND,
    RUNNING,
)
from storage.orders.events import events_since, note_event
from storage.orders.rows import (
    change_attempt,
    change_order,
    change_running,
    lines_of,
    lock_order,
    locked_order,
    order_of,
    release,
    running,
    the_order,
)

# Built once: every step asks these.
_HOW_MANY = select(func.count()).select_from(ATTEMPT).where(ATTEMPT.c.order_no == bindparam("which"))
_ALL_OF_ORDER = select(ATTEMPT).where(ATTEMPT.c.order_no == bindparam("which"))
_OWING = select(REFUND.c.out_refund_no).where(
    REFUND.c.order_no == bindparam("which"), REFUND.c.state.in_(OUTSTANDING), REFUND.c.owes.is_not(None)
)
_CALL_ALONE = update(ATTEMPT).where(
    ATTEMPT.c.out_trade_no == bindparam("which"),
    ATTEMPT.c.state == bindparam("placing", PLACING),
    ATTEMPT.c.called_at.is_(None) | (ATTEMPT.c.called_at <= bindparam("before")),
)

CALL_SECONDS = 8  # a call that places has answered or given up by then (the gateway waits two and three)
PREPAY_SECONDS = 2 * 3600  # how long a prepay_id and a code_url live, whatever time_expire says (facts/wechat.md)
OLD_SECONDS = PREPAY_SECONDS - 60  # one this old may end before the password is typed: a new attempt follows
SHORTEST_SECONDS = 90  # WeChat Pay refuses a time_expire less than a minute away
MOST_RENEWALS, RENEWAL_SECONDS = 10, 600  # new attempts of one order that may be asked for, in how many seconds
CHECK_SECONDS = 10  # a payer's word that it is paid has WeChat Pay asked once in so many seconds


def is_unfinished(connection: Connection, order_no: str) -> bool:
    """Whether WeChat Pay may still take money for the order, or money of it is still to go back."""
    if running(connection, order_no) is not None:
        return True
    return connection.execute(_OWING, {"which": order_no}).first() is not None


def add_attempt(connection: Connection, order_no: str, now: int) -> str:
    """A new try, not yet known to WeChat Pay, on the order's channel; returns its `out_trade_no`."""
    order, lines = the_order(connection, order_no), lines_of(connection, order_no)
    before = connection.execute(_HOW_MANY, {"which": order_no}).scalar_one()
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


def mark_called(connection: Connection, out_trade_no: str, now: int) -> bool:
    """Committed before WeChat Pay is asked to place it: from here on it may exist there. False where it is too late.

    Also False while another call that places it may be under way: placing the same number again gives another
    prepay_id or code_url, and the one that was given before may be void (facts/wechat.md B0).
    """
    locked_order(connection, out_trade_no)
    bound = {"which": out_trade_no, "before": now - CALL_SECONDS, "called_at": now}
    return bool(connection.execute(_CALL_ALONE, bound).rowcount)


def mark_unplaced(connection: Connection, out_trade_no: str, now: int) -> None:
    """The call that places it is over without success: the next one need not wait CALL_SECONDS."""
    locked_order(connection, out_trade_no)
    change_attempt(connection, out_trade_no, (PLACING,), called_at=now - CALL_SECONDS)


def mark_placed(
    connection: Connection, out_trade_no: str, now: int, *, prepay_id: str = "", code_url: str = ""
) -> bool:
    """WeChat Pay has it; False where it has moved on meanwhile (placed by another, closing, paid), which stands."""
    order = locked_order(connection, out_trade_no)
    changes = {"state": PLACED, "prepay_id": prepay_id or None, "code_url": code_url or None}
    if order is None or not change_attempt(connection, out_trade_no, (PLACING,), **changes):
        return False
    schedule_look(connection, order.no, now)
    note_event(connection, order.no, "placed", now, out_trade_no)
    return True


def begin_closing(connection: Connection, order_no: str, reason: str, now: int) -> bool:
    """The order is to end without payment; False where it is not open any more."""
    changes = {"state": OrderState.CLOSING, "close_reason": reason, "due_at": now}
    if not change_order(connection, order_no, (OrderState.OPEN,), **changes):
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


def begin_anew(connection: Connection, order_no: str, now: int, failed: str = "") -> bool:
    """Close the placed attempt at WeChat Pay, and follow it with a new number on the same channel.

    `failed` is the number of the attempt whose cashier failed; nothing is done where another attempt runs by now.
    False where nothing was begun: not placed, too little time left to place another, or too many in RENEWAL_SECONDS.
    """
    lock_order(connection, order_no)
    attempt, order = running(connection, order_no), order_of(connection, order_no)
    if attempt is None or order is None or order.state != OrderState.OPEN:
        return False
    if failed and attempt.out_trade_no != failed:
        return False
    if order.expires_at - now < SHORTEST_SECONDS:
        return False
    if events_since(connection, order_no, "anew", now - RENEWAL_SECONDS) >= MOST_RENEWALS:
        return False
    if not change_running(connection, order_no, (PLACED,), state=CLOSING):
        return False
    look_again(connection, order_no, now)
    note_event(connection, order_no, "anew", now, attempt.out_trade_no)
    return True


def is_placed(connection: Connection, order_no: str) -> bool:
    """Whether the order is open and its running attempt is placed: it can be paid as it is."""
    attempt, order = running(connection, order_no), order_of(connection, order_no)
    return bool(order and order.state == OrderState.OPEN and attempt and attempt.state == PLACED)


def may_check(connection: Connection, order_no: str, now: int) -> bool:
    """Whether WeChat Pay may be asked on the payer's word; False where it was within CHECK_SECONDS.

    Then the worker looks when those seconds are over, so that a payment made meanwhile is told soon.
    """
    lock_order(connection, order_no)
    if events_since(connection, order_no, "check", now - CHECK_SECONDS):
        order = the_order(connection, order_no)
        if order.due_at is not None and order.due_at > now + CHECK_SECONDS:
            look_again(connection, order_no, now + CHECK_SECONDS)
        return False
    note_event(connection, order_no, "check", now)
    return True


def is_old(attempt: Row[Any], now: int) -> bool:
    """Whether the attempt's prepay_id or code_url, given about `called_at`, has ended or is about to."""
    return bool(attempt.state == PLACED and now - (attempt.called_at or attempt.made_at) >= OLD_SECONDS)


def attempt_place(out_trade_no: str) -> int:
    """The place of an attempt among those of its order: 1 for the first."""
    return int(out_trade_no.rpartition("-")[2])


def replace_refused(connection: Connection, out_trade_no: str) -> None:
    """WeChat Pay will not take this number any more: it is closed there, and a new one follows."""
    locked_order(connection, out_trade_no)
    change_attempt(connection, out_trade_no, RUNNING, state=CLOSING)


def refused_in_a_row(connection: Connection, order_no: str) -> int:
    """How many of the order's newest attempts were given to WeChat Pay and never placed there."""
    newest_first = sorted(
        connection.execute(_ALL_OF_ORDER, {"which": order_no}).all(),
        key=lambda attempt: attempt_place(attempt.out_trade_no),
        reverse=True,
    )
    unplaced = takewhile(
        lambda attempt: attempt.called_at and not attempt.prepay_id and not attempt.code_url, newest_first
    )
    return sum(1 for _ in unplaced)


def mark_closed(connection: Connection, out_trade_no: str, zone: tzinfo, now: int) -> None:
    """WeChat Pay has closed it. The order ends with it, or goes on with a new attempt."""
    order = locked_order(connection, out_trade_no)
    if order is None or not change_attempt(connection, out_trade_no, (CLOSING,), state=CLOSED, runs=None):
        return
    note_event(connection, order.no, "closed", now, out_trade_no)
    if order.state == OrderState.OPEN:
        add_attempt(connection, order.no, now)
    elif order.state == OrderState.CLOSING:
        change_order(connection, order.no, state=OrderState.CLOSED, closed_at=now, due_at=None)
        release(connection, order.no)
        write_notice(connection, closed_notice(order, zone, now))
    else:
        wind_up(connection, order)


def wind_up(connection: Connection, order: Row[Any]) -> None:
    """A paid or refunding order for which nothing is left to be closed or given back is not looked at any more."""
    if not is_unfinished(connection, order.no):
        state = OrderState.REFUNDED if order.state == OrderState.REFUNDING else order.state
        change_order(connection, order.no, due_at=None, state=state)


def schedule_look(connection: Connection, order_no: str, now: int) -> None:
    """When the worker looks at the order next: by the schedule after placing, and at its expiry."""
    order = the_order(connection, order_no)
    if order.state != OrderState.OPEN:
        return
    attempt = running(connection, order_no)
    placed = attempt.called_at if attempt is not None and attempt.called_at else now
    looks = [placed + after for after in LOOK_AFTER if placed + after > now]
    look_again(connection, order_no, min([*looks, order.expires_at]))


def look_again(connection: Connection, order_no: str, at: int) -> None:
    """Have the worker look at the order then."""
    change_order(connection, order_no, due_at=at)


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
    lock_order(connection, attempt.order_no)
    now_running = running(connection, attempt.order_no)
    return now_running is not None and (now_running.out_trade_no, now_running.state) == (
        attempt.out_trade_no,
        attempt.state,
    )


def close_running(connection: Connection, order_no: str) -> bool:
    """The running attempt is to be closed at WeChat Pay; whether there is one. Hold the order's lock."""
    change_running(connection, order_no, (PLACING, PLACED), state=CLOSING)
    return running(connection, order_no) is not None
