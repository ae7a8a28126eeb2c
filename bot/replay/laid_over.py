"""What a scene lays over the bot from outside: look-ups that fail, a release with other questions, a count of turns."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from unittest.mock import patch

from bot.app import App, build
from bot.sandbox.faults import Faults
from bot.settings import Settings
from bot.turns.threads import Begin, TurnThreads
from dialogs.flows import SERVICES
from dialogs.step import Flow, Service
from dialogs.terms.insurance import Insurance, Person, Standing
from storage.database import DatabaseUnavailable
from storage.registry import StoredRegistry

LONGEST_TURN = 30.0  # seconds; no turn of a scene waits for anything so long
REGISTRY = "registry"  # the endpoint of `[故障]`; whichever the fault, the look-up finds no database


class UnderWay:
    """Counts turns and what they leave for after their answer: scene and clock go on when all of it is over."""

    def __init__(self) -> None:
        self._left = 0
        self._changed = threading.Condition()

    def counted(self, work: Callable[[], None]) -> Callable[[], None]:
        """This work, which is under way from now until it was done."""
        with self._changed:
            self._left += 1

        def done() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._left -= 1
                    self._changed.notify_all()

        return done

    def wait(self) -> None:
        """Until nothing is under way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left, LONGEST_TURN)


def built(
    settings: Settings, clock: Callable[[], float], faults: Faults, *, next_release: bool
) -> tuple[App, UnderWay]:
    """The bot, with these laid over it, and what is under way in it."""
    under_way = UnderWay()

    class Threads(TurnThreads):
        def begin(self, work: Callable[[], None]) -> Begin:
            return super().begin(under_way.counted(work))

        def wait(self, work: Callable[[], None]) -> None:
            super().wait(under_way.counted(work))

    class Registry(StoredRegistry):
        def confirm(self, key: str, name: str) -> Person | None:
            _may_fail(faults)
            return super().confirm(key, name)

        def standing(self, key: str, insurance: Insurance) -> Standing:
            _may_fail(faults)
            return super().standing(key, insurance)

    services: Mapping[str, Service] = _asking_otherwise() if next_release else SERVICES
    with (
        patch("bot.app.StoredRegistry", Registry),
        patch("bot.app.SERVICES", services),
        patch("bot.turns.answering.TurnThreads", Threads),
    ):
        return build(settings, clock=clock, wakes=False), under_way


def _may_fail(faults: Faults) -> None:
    if faults.take(REGISTRY).faults:
        raise DatabaseUnavailable(REGISTRY)


def _asking_otherwise() -> Mapping[str, Service]:
    """The services of a release in which every flow has changed: what began before has another shape."""
    return {key: replace(service, flow=_changed(service.flow)) for key, service in SERVICES.items()}


def _changed(flow: Flow) -> Flow:
    anew = copy.copy(flow)
    anew.shape = f"{flow.shape}-next"
    return anew
