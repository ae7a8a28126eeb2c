"""What the model remembers: orders, their attempts, what WeChat Pay has of them. Frozen, small, hashable.

Payables are bits of a whole number, so that a set of them is one: 1 and 2 are two payables, 3 is both.
"""

from __future__ import annotations

from typing import NamedTuple

RUNNING = frozenset({"placing", "placed", "closing"})
OWING = frozenset({"refund_due", "refunding"})
SETTLED = frozenset({"paid", "refund_due", "refunding", "refunded"})


class Attempt(NamedTuple):
    """One try. `there`: what WeChat Pay has of it; `back`: of its refund."""

    state: str = "placing"
    called: bool = False  # WeChat Pay was asked to place it
    there: str = "none"  # none, flying (the call that places it is under way), open, closed, paid
    late: bool = False  # paid after the payables' last day
    kept: int = 0  # the payables its money paid for
    back: str = ""  # asked, stuck (for a person), done


class Order(NamedTuple):
    """One order; `due`: the worker will look at it again."""

    basket: int
    state: str
    holds: int
    attempts: tuple[Attempt, ...]
    due: bool

    @property
    def kept(self) -> int:
        """The payables this order's money paid for."""
        found = 0
        for one in self.attempts:
            found |= one.kept
        return found

    @property
    def running(self) -> tuple[int, ...]:
        """The places of the attempts for which WeChat Pay may still take money."""
        return tuple(place for place, one in enumerate(self.attempts) if one.state in RUNNING)

    @property
    def unfinished(self) -> bool:
        """Whether something is still to be closed or given back."""
        return any(one.state in RUNNING or one.state in OWING for one in self.attempts)


class Around(NamedTuple):
    """What an order finds around it: payables others have paid, payables others hold, whether the last day is over."""

    paid: int = 0
    held: int = 0
    over: bool = False


class World(NamedTuple):
    """Everything: the orders (None: not opened yet), what banks took, whether the last day is over."""

    orders: tuple[Order | None, ...]
    bank: int = 0
    over: bool = False

    def around(self, place: int) -> Around:
        """What stands around the order at this place."""
        paid, held = self.bank, 0
        for other, order in enumerate(self.orders):
            if order is not None and other != place:
                paid |= order.kept
                held |= order.holds
        return Around(paid, held, self.over)


def changed(order: Order, place: int, **changes: object) -> Order:
    """The order with one attempt changed."""
    attempts = list(order.attempts)
    attempts[place] = attempts[place]._replace(**changes)  # type: ignore[arg-type]
    return order._replace(attempts=tuple(attempts))
