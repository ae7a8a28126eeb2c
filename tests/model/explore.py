"""Every state that can be reached, however everything is interleaved; and what is wrong in any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.model.state import World
from tests.model.steps import Bounds, of_world


@dataclass
class Explored:
    """What was found: all states, each with the step and the state it was first reached by."""

    came_from: dict[World, tuple[str, World] | None] = field(default_factory=dict)
    steps: int = 0
    wrong: list[str] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)

    def way_to(self, world: World) -> list[str]:
        """The shortest way there, a line a step."""
        way: list[str] = []
        while (back := self.came_from[world]) is not None:
            way.append(f"{back[0]} -> {world}")
            world = back[1]
        return way[::-1]


def explore(
    bounds: Bounds,
    promises: Callable[[World], Iterator[str]],
    kept_by: Callable[[World, str, World, bool, bool], Iterator[str]],
    *,
    most_wrong: int = 3,
) -> Explored:
    """Breadth first, so that a counterexample is as short as can be.

    `promises` says what is wrong with a state, `kept_by` with a step (before, name, after, quiet, False) and, with
    name "", with a state in which, where the last is True, nothing quiet is left to happen.
    """
    same = len(set(bounds.baskets)) == 1
    start = World((None,) * len(bounds.baskets))
    found = Explored({start: None})
    frontier = [start]
    while frontier:
        following: list[World] = []
        for world in frontier:
            rests = True
            for name, after, quiet in of_world(world, bounds):
                found.steps += 1
                found.by_name[name] = found.by_name.get(name, 0) + 1
                rests = rests and not quiet
                for why in kept_by(world, name, after, quiet, False):
                    found.wrong.append("\n".join([why, *found.way_to(world), f"{name} -> {after}"]))
                if same:  # the payers are alike: who of them came first makes no difference
                    after = _alike(after)
                if after not in found.came_from:
                    found.came_from[after] = (name, world)
                    following.append(after)
                    for why in promises(after):
                        found.wrong.append("\n".join([why, *found.way_to(after)]))
            for why in kept_by(world, "", world, False, rests):
                found.wrong.append("\n".join([why, *found.way_to(world)]))
            if len(found.wrong) >= most_wrong:
                return found
        frontier = following
    return found


def _alike(world: World) -> World:
    orders = tuple(sorted(world.orders, key=lambda order: (order is None, order or ())))
    return world if orders == world.orders else world._replace(orders=orders)
