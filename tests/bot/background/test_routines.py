"""The routines: each run by one worker at its time, taken over from the dead, and none in the way of another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.background import routines as module
from bot.background.routine_states import OVERDUE_SECONDS, RoutineGauges, routine_states
from bot.background.routines import AGAIN_AFTER, AWAY_AFTER, LEASE_SECONDS, ROUTINE, Routine, Routines
from bot.wechat.account_errors import AccountUnreachable
from storage.database import DatabaseUnavailable, reading, writing
from storage.sessions.contract import StoreUnavailable
from tests.storage.counter import at_once

DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def running(engine: Engine, clock: Clock, *runs: Callable[[int], int]) -> Routines:
    return Routines(engine, [Routine(f"one {number}", run) for number, run in enumerate(runs)], clock)


def row(engine: Engine, number: int = 0) -> Any:
    with reading(engine) as connection:
        return connection.execute(ROUTINE.select().where(ROUTINE.c.name == f"one {number}")).one()


def test_a_routine_runs_at_first_sight_and_then_when_it_said(engine: Engine, clock: Clock) -> None:
    seen: list[int] = []

    def daily(now: int) -> int:
        seen.append(now)
        return now + DAY

    first, second = running(engine, clock, daily), running(engine, clock, daily)
    assert (first.run_due(), second.run_due()) == (1, 0)
    clock.now += DAY - 1
    assert (first.run_due(), second.run_due()) == (0, 0)
    clock.now += 1
    assert (second.run_due(), first.run_due()) == (1, 0)
    assert seen == [1_790_000_000, 1_790_000_000 + DAY]
    assert (row(engine).last_ok_at, row(engine).leased_until, row(engine).last_error) == (seen[1], 0, "")


def test_many_workers_at_once_run_it_once(engine: Engine, clock: Clock) -> None:
    seen: list[int] = []
    all_of_them = threading.Barrier(4, timeout=10)

    def daily(now: int) -> int:
        seen.append(now)
        return now + DAY

    def work() -> int:
        all_of_them.wait()
        return running(engine, clock, daily).run_due()

    for _ in range(5):
        at_once(work, work, work, work)
        clock.now += DAY
    assert len(seen) == 5


def test_a_worker_that_died_is_taken_over_when_its_lease_is_over(engine: Engine, clock: Clock) -> None:
    class Killed(BaseException):
        pass

    def dies(_: int) -> int:
        raise Killed

    with pytest.raises(Killed):
        running(engine, clock, dies).run_due()
    other = running(engine, clock, lambda now: now + DAY)
    clock.now += LEASE_SECONDS - 1
    assert other.run_due() == 0
    clock.now += 1
    assert other.run_due() == 1


def test_a_long_run_keeps_its_lease(engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    other = running(engine, clock, lambda now: now + DAY)
    taken: list[int] = []

    def takes_an_hour(now: int) -> int:
        for _ in range(3600 // (LEASE_SECONDS - 1)):
            clock.now += LEASE_SECONDS - 1
            wanted = int(clock.now) + LEASE_SECONDS
            renewed = threading.Event()
            while row(engine).leased_until < wanted:
                renewed.wait(0.005)
            taken.append(other.run_due())
        return now + DAY

    assert running(engine, clock, takes_an_hour).run_due() == 1
    assert set(taken) == {0}
    assert (row(engine).leased_until, row(engine).last_ok_at) == (0, int(clock.now))


def test_who_lost_the_lease_changes_nothing_of_who_has_it(engine: Engine, clock: Clock) -> None:
    def overtaken(now: int) -> int:
        with writing(engine) as connection:
            connection.execute(ROUTINE.update().values(leased_until=now + 1000))
        return now + DAY

    running(engine, clock, overtaken).run_due()
    assert (row(engine).leased_until, row(engine).due_at) == (int(clock.now) + 1000, int(clock.now))


def test_a_failing_routine_waits_longer_each_time_and_keeps_no_other_waiting(engine: Engine, clock: Clock) -> None:
    ran: list[int] = []
    fails = [True]

    def stumbles(now: int) -> int:
        if fails[0]:
            raise KeyError("369902198511030032")
        return now + DAY

    def goes_well(now: int) -> int:
        ran.append(now)
        return now

    both = running(engine, clock, stumbles, goes_well)
    for waits in (*AGAIN_AFTER, AGAIN_AFTER[-1]):
        assert both.run_due() == 2
        assert row(engine).due_at == int(clock.now) + waits
        assert row(engine).last_error == "KeyError"  # its words may be a citizen's
        clock.now += waits - 1
        assert both.run_due() == 1
        clock.now += 1
    fails[0] = False
    both.run_due()
    assert (row(engine).failures, row(engine).last_error, row(engine).due_at) == (0, "", int(clock.now) + DAY)
    assert len(ran) == 2 * len(AGAIN_AFTER) + 3


@pytest.mark.parametrize("away", [DatabaseUnavailable("gone"), StoreUnavailable("gone")])
def test_a_store_that_was_away_is_no_failure(engine: Engine, clock: Clock, away: Exception) -> None:
    def waits(_: int) -> int:
        raise away

    running(engine, clock, waits).run_due()
    assert (row(engine).failures, row(engine).due_at) == (0, int(clock.now) + AWAY_AFTER)


def test_what_our_own_code_says_is_kept_for_the_operator(engine: Engine, clock: Clock) -> None:
    def unanswered(_: int) -> int:
        raise AccountUnreachable("no answer")

    running(engine, clock, unanswered).run_due()
    assert row(engine).last_error == "AccountUnreachable: no answer"


def test_a_routine_that_fails_or_that_nobody_runs_is_named_and_counted(engine: Engine, clock: Clock) -> None:
    def stumbles(_: int) -> int:
        raise AccountUnreachable("no answer")

    running(engine, clock, stumbles, lambda now: now + 60).run_due()
    gauges = RoutineGauges(engine, clock)
    failing, well = routine_states(engine, int(clock()))
    assert (str(failing), failing.is_well) == ("one 0 连续失败 1 次：AccountUnreachable: no answer", False)
    assert (str(well), well.is_well) == ("one 1", True)
    clock.now += 60 + OVERDUE_SECONDS
    assert [state.is_well for state in routine_states(engine, int(clock()))] == [False, False]
    late, failures = gauges.collect()
    assert [(one.labels["routine"], one.value) for one in late.samples] == [("one 0", 600.0), ("one 1", 600.0)]
    assert [one.value for one in failures.samples] == [1.0, 0.0]
    with writing(engine) as connection:
        connection.execute(ROUTINE.update().values(leased_until=int(clock()) + 1, failures=0))
    assert [state.is_well for state in routine_states(engine, int(clock()))] == [True, True]
