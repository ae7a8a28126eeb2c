"""How the routines go, from their rows: for `run.py doctor` and for /metrics, whichever process runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, select

from bot.background.routines import ROUTINE
from dialogs.world import Unavailable
from storage.database import reading

OVERDUE_SECONDS = 600  # a worker looks every few seconds; a failing routine waits an hour at the longest, by its row


@dataclass(frozen=True, slots=True)
class RoutineState:
    """One routine: seconds since it should have begun (0 while somebody runs it), and failures in a row."""

    name: str
    late: int
    failures: int
    trouble: str

    @property
    def is_well(self) -> bool:
        """Whether nobody need look at it."""
        return self.late < OVERDUE_SECONDS and not self.failures

    def __str__(self) -> str:
        late = f" 晚了 {self.late // 60} 分钟" if self.late >= OVERDUE_SECONDS else ""
        return f"{self.name}{late}" + (f" 连续失败 {self.failures} 次：{self.trouble}" if self.failures else "")


def routine_states(engine: Engine, now: int) -> list[RoutineState]:
    """All that were ever seen, by name. `now` in unix seconds; raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(select(ROUTINE).order_by(ROUTINE.c.name)).all()
    return [
        RoutineState(row.name, 0 if row.leased_until > now else max(0, now - row.due_at), row.failures, row.last_error)
        for row in rows
    ]


@dataclass(frozen=True)
class RoutineGauges(Collector):
    """`bot_routine_late_seconds` and `bot_routine_failures`, read when they are asked for; none without a database."""

    engine: Engine
    clock: Callable[[], float]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Both gauges, a value for each routine."""
        late = GaugeMetricFamily("bot_routine_late_seconds", "Seconds a routine is late", labels=["routine"])
        failures = GaugeMetricFamily("bot_routine_failures", "Failures of a routine in a row", labels=["routine"])
        try:
            states = routine_states(self.engine, int(self.clock()))
        except Unavailable:
            states = []
        for state in states:
            late.add_metric([state.name], state.late)
            failures.add_metric([state.name], state.failures)
        return [late, failures]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is read while it is registered: the database may come later."""
        return []
