"""What a scene lays over the bot from outside: look-ups that fail on purpose, and a release with other questions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from unittest.mock import patch

from bot.app import App, build
from bot.sandbox.faults import Faults
from bot.settings import Settings
from dialogs.flows import SERVICES
from dialogs.step import Flow, Service
from dialogs.terms.insurance import Insurance, Person, Standing
from storage.database import DatabaseUnavailable
from storage.registry import StoredRegistry

REGISTRY = "registry"  # the endpoint of `[故障]`; whichever the fault, the look-up finds no database


def built(settings: Settings, clock: Callable[[], float], faults: Faults, *, next_release: bool) -> App:
    """The bot, with these laid over it."""

    class Registry(StoredRegistry):
        def confirm(self, key: str, name: str) -> Person | None:
            _may_fail(faults)
            return super().confirm(key, name)

        def standing(self, key: str, insurance: Insurance) -> Standing:
            _may_fail(faults)
            return super().standing(key, insurance)

    services: Mapping[str, Service] = _asking_otherwise() if next_release else SERVICES
    with patch("bot.app.StoredRegistry", Registry), patch("bot.app.SERVICES", services):
        return build(settings, clock=clock, wakes=False)


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
