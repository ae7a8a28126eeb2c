"""What our own transactions do to an order: the specification that `storage/orders` is held against, word for word.

Each takes an order and gives it as it is afterwards, with the news that is written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tests.model.state import OWING, RUNNING, SETTLED, Around, Attempt, Order, changed

News: TypeAlias = tuple[str, ...]
Done: TypeAlias = tuple[Order, News]


def opened(basket: int) -> Order:
    """A new order with its first attempt."""
    return Order(basket, "open", basket, (Attempt(),), due=True)


def called(order: Order, place: int, around: Around) -> Done:
    """Committed before WeChat Pay is asked to place it."""
    if order.attempts[place].state != "placing":
        return order, ()
    return changed(order, place, called=True), ()


def placed(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay answers that it has it."""
    if order.attempts[place].state != "placing":
        return order, ()
    after = changed(order, place, state="placed")
    return (after._replace(due=True) if order.state == "open" else after), ()


def closing(order: Order, place: int, around: Around) -> Done:
    """The order is to end without payment: expired, or cancelled."""
    if order.state != "open":
        return order, ()
    return _stopped(order)._replace(state="closing", due=True), ()


def switched(order: Order, place: int, around: Around) -> Done:
    """Another way to the cashier is wanted."""
    if order.state != "open":
        return order, ()
    return _stopped(order)._replace(due=True), ()


def anew(order: Order, place: int, around: Around) -> Done:
    """A fresh number on the same way is wanted: only where the present one is placed."""
    running = [place for place in order.running if order.attempts[place].state == "placed"]
    if not running:
        return order, ()
    return changed(order, running[0], state="closing")._replace(due=True), ()


def refused(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay will not take this number any more."""
    if order.attempts[place].state not in RUNNING:
        return order, ()
    return changed(order, place, state="closing"), ()


def closed(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay has closed it: the order goes on with a new attempt, ends, or has nothing left to do."""
    if order.attempts[place].state != "closing":
        return order, ()
    after = changed(order, place, state="closed", called=False)
    if order.state == "open":
        return after._replace(attempts=(*after.attempts, Attempt()), due=True), ()
    if order.state == "closing":
        return after._replace(state="closed", holds=0, due=False), ("closed",)
    return _wound_up(after), ()


def found_closed(order: Order, place: int, around: Around) -> Done:
    """The query says that nobody can pay it any more."""
    after, news = refused(order, place, around)
    after, more = closed(after, place, around)
    return after, (*news, *more)


def settled(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay says that it took the money: what is free is paid for, the rest goes back."""
    attempt = order.attempts[place]
    if attempt.state in SETTLED:
        return order, ()
    may = order.state in ("open", "closing", "closed") and not attempt.late
    kept = order.basket & ~(around.paid | around.held | order.kept) if may else 0
    back = order.basket & ~kept
    state = "refund_due" if back else "paid"
    after = _stopped(changed(order, place, state=state, kept=kept, called=False, late=False))
    after = after._replace(due=after.unfinished)
    news = ("paid",) * bool(kept) + (f"refund_due {place}",) * bool(back)
    if kept:
        return after._replace(state="paid", holds=kept), news
    if order.state in ("open", "closing"):
        return after._replace(state="refunding", holds=0), news
    return after, news


def refunding(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay has taken the refund; it is not through yet."""
    if order.attempts[place].state not in OWING:
        return order, ()
    return changed(order, place, state="refunding")._replace(due=True), ()


def refunded(order: Order, place: int, around: Around) -> Done:
    """The money is back."""
    if order.attempts[place].state not in OWING:
        return order, ()
    return _wound_up(changed(order, place, state="refunded")), (f"refunded {place}",)


def stuck(order: Order, place: int, around: Around) -> Done:
    """WeChat Pay cannot give it back by itself: a person has to, and one goes on asking."""
    if order.attempts[place].state not in OWING:
        return order, ()
    return order._replace(due=True), ()


def _stopped(order: Order) -> Order:
    """The running attempt is to be closed at WeChat Pay."""
    for place in order.running:
        order = changed(order, place, state="closing")
    return order


def _wound_up(order: Order) -> Order:
    """Nothing left to close or to give back: not looked at any more."""
    if order.unfinished:
        return order
    return order._replace(due=False, state="refunded" if order.state == "refunding" else order.state)


TRANSACTIONS: Mapping[str, Callable[[Order, int, Around], Done]] = {
    "called": called,
    "placed": placed,
    "closing": closing,
    "switched": switched,
    "anew": anew,
    "refused": refused,
    "closed": closed,
    "found_closed": found_closed,
    "settled": settled,
    "refunding": refunding,
    "refunded": refunded,
    "stuck": stuck,
}
