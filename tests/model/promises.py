"""I1 to I5 of design 5, and that nothing is ever stuck, as sentences about the model's states and steps."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.state import OWING, RUNNING, SETTLED, Order, World

OVER = frozenset({"closed", "paid", "refunded"})
STATES = ("placing", "placed", "closing", "closed", "paid", "refund_due", "refunding", "refunded")
THERE = ("flying", "none", "open", "closed", "paid")
BACK = ("", "asked", "stuck", "done")


def broken_by(world: World) -> Iterator[str]:
    """Every promise this state breaks."""
    paid, held = world.bank, 0
    for order in filter(None, world.orders):
        for attempt in order.attempts:
            if attempt.kept & paid:
                yield "I1: a payable is settled twice"
            paid |= attempt.kept
            if attempt.kept and attempt.there != "paid":
                yield "I2: paid for by money that WeChat Pay did not take"
            if attempt.state == "paid" and attempt.kept != order.basket:
                yield "I2: money is neither paid for anything nor on its way back"
            if attempt.state in OWING | {"refunded"} and attempt.kept == order.basket:
                yield "I2: money goes back that paid for everything"
            if attempt.state == "refunded" and attempt.back != "done":
                yield "I2: given back in our books only"
        if order.holds & held:
            yield "I1: a payable is held twice"
        held |= order.holds
        yield from _of_order(order)


def _of_order(order: Order) -> Iterator[str]:
    running = order.running
    if len(running) > 1:
        yield "two attempts run at once"
    if order.state in ("open", "closing") and not (running and order.holds == order.basket):
        yield "an order waits that nobody can pay, or that holds nothing"
    if order.state != "open" and any(order.attempts[place].state != "closing" for place in running):
        yield "an attempt runs for an order that is over"
    if order.state == "paid" and order.holds != order.kept:
        yield "a paid order holds something else than it paid"
    if order.state in ("closed", "refunding", "refunded") and (order.holds or order.kept):
        yield "an order without payment holds or pays something"
    if order.due != (bool(running) or any(one.state in OWING for one in order.attempts)):
        yield "I3: the worker looks when nothing is to be done, or does not look when something is"


def rank(world: World) -> int:
    """How far everything has come; each quiet step makes it greater, so that quiet steps come to an end."""
    total = 0
    for order in filter(None, world.orders):
        total += ("open", "closing").index(order.state) if order.state in ("open", "closing") else 2
        for one in order.attempts:
            total += STATES.index(one.state) + THERE.index(one.there) + BACK.index(one.back)
    return total


def broken_by_step(before: World, name: str, after: World, quiet: bool, rests: bool) -> Iterator[str]:
    """Every promise a step breaks; with `rests`, what a state leaves undone in which nothing quiet can happen."""
    if quiet and rank(after) <= rank(before):
        yield "quiet steps could go on for ever"
    for old, new in zip(before.orders, after.orders, strict=True):
        if old is None or new is None or not name:
            continue
        for was, became in zip(old.attempts, new.attempts, strict=False):
            if was.state in SETTLED and (became.kept != was.kept or became.state not in SETTLED):
                yield "I5: what was booked has changed"
            if was.late and became.kept:
                yield "I4: paid for after the last day"
            if was.state == "refunded" and became != was:
                yield "I5: given back twice"
    if rests:
        yield from _left_undone(after)


def _left_undone(world: World) -> Iterator[str]:
    for order in filter(None, world.orders):
        if order.state not in OVER:
            yield f"I3: an order is stuck ({order.state})"
        for attempt in order.attempts:
            if attempt.state in RUNNING or attempt.state in OWING:
                yield f"I3: an attempt is stuck ({attempt.state})"
            if attempt.there == "paid" and attempt.state not in SETTLED:
                yield "I3: money was taken that no book knows"
