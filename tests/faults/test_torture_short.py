"""The torture in its short form: a few seconds of every fault on each storage, and mistakes that it has to find."""

from __future__ import annotations

import pytest

from bot.torture.printed import lines_of
from bot.torture.torture import torture
from bot.torture.weather import forecast

SECONDS, CITIZENS = 6.0, 30


def test_on_embedded_storage_every_promise_is_kept() -> None:
    verdict = torture(seed=11, seconds=SECONDS, storage="embedded", citizens=CITIZENS)
    said = "\n".join(lines_of(verdict))
    assert verdict.found == [], said
    assert verdict.money["our payments"], said
    assert verdict.processes["serve killed"], said


@pytest.mark.usefixtures("postgresql_server")
def test_on_redis_and_postgresql_with_two_of_each_every_promise_is_kept() -> None:
    verdict = torture(seed=12, seconds=SECONDS, storage="services", citizens=CITIZENS)
    said = "\n".join(lines_of(verdict))
    assert verdict.found == [], said
    assert verdict.money["our payments"], said


def test_a_broken_settle_is_found() -> None:
    verdict = torture(21, 4.0, "embedded", CITIZENS, "tells nobody", reconcile=False)
    assert any(one.startswith("I3: no notice says") for one in verdict.found), "\n".join(lines_of(verdict))


def test_the_same_seed_gives_the_same_faults() -> None:
    plans = [forecast(5, 60, services=True, processes=4) for _ in range(2)]
    assert plans[0] == plans[1] != forecast(6, 60, services=True, processes=4)
