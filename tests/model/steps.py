"""Everything that can happen next, to one order and around it: citizens, our worker, WeChat Pay, the net, the clock.

A crash between what WeChat Pay did and our commit, and an answer that is lost, are the same thing: the one has
happened, the other has not, and whoever comes next finds it so. So what WeChat Pay does and what we hear of it are
steps of their own, and what it knows may be heard late, twice, in any order, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.model.books import TRANSACTIONS, opened
from tests.model.state import OWING, SETTLED, Around, Order, World, changed


class Bounds(NamedTuple):
    """How much of the world is let in."""

    baskets: tuple[int, ...]  # of each order, in the order of payers
    attempts: int = 2  # of each order
    banks: int = 0  # payables that another channel may take
    day_ends: bool = False
    stuck_refunds: bool = False
    flying_calls: bool = False  # calls that arrive long after they were given up


class Step(NamedTuple):
    """One thing that happened. `quiet`: it brings the order nearer to its end, and nobody can prevent it for ever."""

    name: str
    after: Order
    quiet: bool


@cache
def of_order(order: Order, around: Around, bounds: Bounds) -> tuple[Step, ...]:
    """What can happen to one order next."""
    return tuple(step for step in _all(order, around, bounds) if step.after != order)


def _all(order: Order, around: Around, bounds: Bounds) -> Iterator[Step]:
    more = len(order.attempts) < bounds.attempts
    if order.state == "open":
        yield _ours("closing", order, 0, around, quiet=order.due)
        if more:
            yield _ours("switched", order, 0, around)
            yield _ours("anew", order, 0, around)
    for place in range(len(order.attempts)):
        yield from _at_wechat(order, place, around, bounds)
        yield from _placing(order, place, around, bounds, more=more)
        yield from _ending(order, place, around, more=more)
        yield from _refund(order, place, around, bounds)


def _at_wechat(order: Order, place: int, around: Around, bounds: Bounds) -> Iterator[Step]:
    """What WeChat Pay and those who pay do: also for a number it has said to be closed, for no document forbids it."""
    there = order.attempts[place].there
    if there in ("open", "closed"):
        yield Step(f"pays {there}", changed(order, place, there="paid", late=around.over), quiet=False)
    if there == "open":
        yield Step("closes by itself", changed(order, place, there="closed"), quiet=False)
    if there == "flying":
        yield Step("call arrives", changed(order, place, there="open"), quiet=True)
        yield Step("call is lost", changed(order, place, there="none"), quiet=True)


def _placing(order: Order, place: int, around: Around, bounds: Bounds, *, more: bool) -> Iterator[Step]:
    attempt = order.attempts[place]
    if attempt.state != "placing":
        return
    if order.state == "open" and order.due:
        called = _ours("called", order, place, around).after
        if attempt.there == "none":
            yield (
                Step("call", changed(called, place, there="flying"), quiet=False)
                if bounds.flying_calls
                else Step("call, no answer", called, quiet=False)
            )
            yield Step("call arrives, no answer", changed(called, place, there="open"), quiet=False)
        elif attempt.there == "closed" and more:
            yield _ours("refused", order, place, around)
    if attempt.there in ("open", "closed", "paid"):
        yield _ours("placed", order, place, around)


def _ending(order: Order, place: int, around: Around, *, more: bool) -> Iterator[Step]:
    """Callback, query, closing. Money is told of by callback, query, closing or the bill, some time or other."""
    attempt = order.attempts[place]
    looked_at = order.due
    if attempt.there == "paid" and attempt.state not in SETTLED:
        yield _ours("settled", order, place, around, quiet=True)
    if attempt.state in ("placing", "placed") and attempt.there == "closed" and more:
        yield _ours("found_closed", order, place, around)
    if attempt.state == "closing" and looked_at:
        if attempt.called and attempt.there == "open":
            yield Step("closed there, no answer", changed(order, place, there="closed"), quiet=True)
        elif attempt.there in ("none", "closed"):
            yield _ours("closed", order, place, around, quiet=True)


def _refund(order: Order, place: int, around: Around, bounds: Bounds) -> Iterator[Step]:
    attempt = order.attempts[place]
    if attempt.state not in OWING:
        return
    if attempt.back == "" and order.due and not order.running:
        yield Step("refund asked, no answer", changed(order, place, back="asked"), quiet=True)
    if attempt.back == "asked":
        yield Step("gives back", changed(order, place, back="done"), quiet=True)
        if bounds.stuck_refunds:
            yield Step("cannot give back", changed(order, place, back="stuck"), quiet=False)
    if attempt.back == "stuck":
        yield Step("a person gives back", changed(order, place, back="done"), quiet=True)
        yield _ours("stuck", order, place, around)
    if attempt.back == "asked":
        yield _ours("refunding", order, place, around)
    if attempt.back == "done":  # a refund event, or the worker's question
        yield _ours("refunded", order, place, around, quiet=True)


def _ours(name: str, order: Order, place: int, around: Around, *, quiet: bool = False) -> Step:
    return Step(name, TRANSACTIONS[name](order, place, around)[0], quiet)


def of_world(world: World, bounds: Bounds) -> Iterator[tuple[str, World, bool]]:
    """What can happen next: a name, the world after it, whether it is quiet."""
    for place, order in enumerate(world.orders):
        around = world.around(place)
        before, behind = world.orders[:place], world.orders[place + 1 :]
        if order is None:
            basket = bounds.baskets[place]
            if not (basket & (around.paid | around.held) or world.over):
                yield "opens", world._replace(orders=(*before, opened(basket), *behind)), False
            continue
        for step in of_order(order, around, bounds):
            yield step.name, world._replace(orders=(*before, step.after, *behind)), step.quiet
    if bounds.day_ends and not world.over:
        yield "the last day is over", world._replace(over=True), False
    paid = world.bank
    for order in world.orders:
        paid |= order.kept if order else 0
    for one in (1, 2):
        if bounds.banks & one & ~paid:
            yield "a bank takes it", world._replace(bank=world.bank | one), False
