"""Every state that payers, WeChat Pay, the net, crashes and our worker bring about keeps I1 to I5, and comes to rest.

With MODEL=full in the environment larger worlds are explored as well: half a million states, about a minute.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.model import books, steps
from tests.model.books import Done
from tests.model.explore import Explored, explore
from tests.model.promises import broken_by, broken_by_step
from tests.model.state import Around, Order, changed
from tests.model.steps import Bounds

WORLDS = {
    "two payers of one payable, two attempts each": Bounds((1, 1), banks=1),
    "two payers, calls that arrive long after they were given up": Bounds((1, 1), flying_calls=True),
    "two payers on the last day": Bounds((1, 1), day_ends=True),
    "one order of two payables, everything": Bounds(
        (3,), banks=3, day_ends=True, stuck_refunds=True, flying_calls=True
    ),
    "two orders that share a payable": Bounds((3, 2), attempts=1, banks=3, day_ends=True, stuck_refunds=True),
    "three payers of one payable": Bounds((1, 1, 1), attempts=1, banks=1, day_ends=True),
    "three orders that share payables": Bounds((3, 2, 1), attempts=1),
}
LARGE = {
    "two payers, everything": Bounds((1, 1), banks=1, day_ends=True, stuck_refunds=True, flying_calls=True),
    "two orders that share a payable, two attempts each": Bounds((3, 2), banks=3, day_ends=True),
}
FULL = os.environ.get("MODEL") == "full"


@pytest.mark.parametrize("name", [*WORLDS, *(LARGE if FULL else {})])
def test_every_state_keeps_the_promises_and_comes_to_rest(name: str) -> None:
    found = explore((WORLDS | LARGE)[name], broken_by, broken_by_step)
    print(f"{name}: {len(found.came_from)} states, {found.steps} steps")
    assert not found.wrong, "\n\n".join(found.wrong)
    assert len(found.came_from) > 1000


def test_nothing_the_model_knows_of_goes_unused() -> None:
    used: set[str] = set()
    for bounds in WORLDS.values():
        used |= set(explore(bounds, lambda _: iter(()), lambda *_: iter(())).by_name)
    never = set(books.TRANSACTIONS) - used
    assert not never - {"called", "stuck"}  # a call is one with what it does there; stuck changes no state
    assert {"opens", "pays closed", "call is lost", "cannot give back", "a bank takes it"} <= used


# -- what a mistake would look like: each of these is found


def _explored_with(
    monkeypatch: pytest.MonkeyPatch, name: str, mistake: Callable[[Order, int, Around], Done]
) -> Explored:
    monkeypatch.setitem(books.TRANSACTIONS, name, mistake)
    steps.of_order.cache_clear()
    try:
        return explore(WORLDS["two payers of one payable, two attempts each"], broken_by, broken_by_step)
    finally:
        monkeypatch.undo()
        steps.of_order.cache_clear()


def _settles_whatever_others_paid(order: Order, place: int, around: Around) -> Done:
    return books.settled(order, place, around._replace(paid=0))


def _settles_what_others_hold(order: Order, place: int, around: Around) -> Done:
    return books.settled(order, place, around._replace(held=0))


def _settles_a_paid_order_again(order: Order, place: int, around: Around) -> Done:
    return books.settled(order._replace(state="open") if order.state == "paid" else order, place, around)


def _forgets_the_running_attempt(order: Order, place: int, around: Around) -> Done:
    after, news = books.settled(order, place, around)
    for other in order.running:
        if other != place:
            after = changed(after, other, state=order.attempts[other].state)
    return after, news


def _looks_no_more_once_settled(order: Order, place: int, around: Around) -> Done:
    after, news = books.settled(order, place, around)
    return after._replace(due=after.attempts[place].state == "refund_due" or bool(after.running)), news


def _drops_late_money(order: Order, place: int, around: Around) -> Done:
    return (order, ()) if order.state == "closed" else books.settled(order, place, around)


MISTAKES = {
    "I1": ("settled", _settles_whatever_others_paid),
    "held twice": ("settled", _settles_what_others_hold),
    "an attempt runs for an order that is over": ("settled", _forgets_the_running_attempt),
    "I3: the worker": ("settled", _looks_no_more_once_settled),
    "I3: money was taken that no book knows": ("settled", _drops_late_money),
}


@pytest.mark.parametrize("promise", MISTAKES)
def test_a_mistake_is_found(monkeypatch: pytest.MonkeyPatch, promise: str) -> None:
    found = _explored_with(monkeypatch, *MISTAKES[promise])
    assert any(promise in one.partition("\n")[0] for one in found.wrong), found.wrong
