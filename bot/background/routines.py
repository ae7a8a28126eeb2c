"""Background work with a time of its own: token, bills, sweeping. Rows say when it is due, leases say who does it."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.world import Unavailable
from storage.database import reading, table_of, writing
from storage.lookup import Lookup
from storage.sessions.contract import StoreUnavailable
from storage.tables import RoutineRow

ROUTINE = table_of(RoutineRow)
LEASE_SECONDS = 48  # renewed while the routine runs: a worker that died is taken over within a minute
RENEW_SECONDS = LEASE_SECONDS / 4
LONGEST_SECONDS = 4 * 3600  # of one run: a lease is not renewed for a routine that hangs
AGAIN_AFTER = (60, 120, 300, 900, 3600)  # seconds after the first failure, the second, ...
AWAY_AFTER = 10  # seconds, where the database or the store of shared values was away: no fault of the routine

LOG = structlog.get_logger("routines")
_KNOWN = Lookup(  # every five seconds for each routine, in every worker
    select(ROUTINE.c.due_at, ROUTINE.c.leased_until).where(ROUTINE.c.name == bindparam("routine"))
)


@dataclass(frozen=True, slots=True)
class Routine:
    """One kind of background work.

    `run` gets the moment (unix seconds), does what is due then and returns the unix second at which it is due next.
    It may be repeated, as a worker may die in the midst of it; whatever it raises is logged and it is run again later.
    It is run at the first sight of its name, which stands in the database: another name is another routine.
    """

    name: str
    run: Callable[[int], int]


@dataclass(frozen=True)
class Routines:
    """All of them; run by any number of threads and processes at once, each by one. `clock` gives unix seconds."""

    engine: Engine
    routines: Sequence[Routine]
    clock: Callable[[], float]

    def run_due(self) -> int:
        """Run every routine that is due, once, one after another on this thread; returns how many ran.

        Raises DatabaseUnavailable; what was running then is due again when its lease is over.
        """
        return sum(self.run_if_due(routine) for routine in self.routines)

    def run_if_due(self, routine: Routine) -> int:
        """1 where it was due and nobody else was at it: it was run, well or not. Raises DatabaseUnavailable."""
        now = self._now()
        known = _KNOWN.first(self.engine, routine=routine.name)
        if known is None:
            self._add(routine.name, now)
        elif known.due_at > now or known.leased_until > now:
            return 0
        lease = Lease(self.engine, routine.name, self.clock)
        if not lease.take(now):
            return 0
        with lease.renewed():
            changes = self._outcome(routine, now)
        lease.end(changes)
        return 1

    def _outcome(self, routine: Routine, now: int) -> dict[str, object]:
        """What its row says after it ran."""
        try:
            due_at = routine.run(now)
        except (Unavailable, StoreUnavailable) as away:
            LOG.warning("a routine waits", routine=routine.name, why=str(away)[:200])
            return {"due_at": self._now() + AWAY_AFTER, "last_error": str(away)[:200]}
        except Exception as wrong:  # it stops neither the others nor the orders
            LOG.error("a routine failed", routine=routine.name, error=_told(wrong), at=_place(wrong))
            failures = self._failures(routine.name)
            later = AGAIN_AFTER[min(failures, len(AGAIN_AFTER) - 1)]
            return {"due_at": self._now() + later, "failures": failures + 1, "last_error": _told(wrong)}
        return {"due_at": due_at, "failures": 0, "last_error": "", "last_ok_at": self._now()}

    def _failures(self, name: str) -> int:
        with reading(self.engine) as connection:
            return int(connection.execute(select(ROUTINE.c.failures).where(ROUTINE.c.name == name)).scalar_one())

    def _add(self, name: str, now: int) -> None:
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(ROUTINE).values(name=name, due_at=now, failures=0, last_error=""))
        except IntegrityError:
            return  # another worker saw it first

    def _now(self) -> int:
        return int(self.clock())


@dataclass
class Lease:
    """One worker's claim on a routine's row, known by the second it ends at; whoever finds another second lost it."""

    engine: Engine
    name: str
    clock: Callable[[], float]
    until: int = 0

    def take(self, now: int) -> bool:
        """False where it is not due, or another was quicker."""
        self.until = now + LEASE_SECONDS
        where = (ROUTINE.c.name == self.name) & (ROUTINE.c.due_at <= now) & (ROUTINE.c.leased_until <= now)
        with writing(self.engine) as connection:
            taken = connection.execute(update(ROUTINE).where(where).values(leased_until=self.until))
        return bool(taken.rowcount)

    def end(self, changes: dict[str, object]) -> None:
        """Write how it went and let go; nothing where the lease ran out and is another's by now."""
        with writing(self.engine) as connection:
            self._update(connection, changes | {"leased_until": 0})

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """A second thread keeps the lease alive inside the block, for as long as a run may take."""
        over = threading.Event()
        renewer = threading.Thread(target=self._renew_until, args=(over,), name=f"lease {self.name}", daemon=True)
        renewer.start()
        try:
            yield
        finally:
            over.set()
            renewer.join()

    def _renew_until(self, over: threading.Event) -> None:
        for _ in range(int(LONGEST_SECONDS / RENEW_SECONDS)):
            if over.wait(RENEW_SECONDS):
                return
            until = int(self.clock()) + LEASE_SECONDS
            try:
                with writing(self.engine) as connection:
                    if not self._update(connection, {"leased_until": until}):
                        return
            except Exception as trouble:  # tried again at its next time; three may fail
                LOG.warning("a lease could not be renewed", routine=self.name, why=type(trouble).__name__)
            else:
                self.until = until

    def _update(self, connection: Connection, changes: dict[str, object]) -> bool:
        where = (ROUTINE.c.name == self.name) & (ROUTINE.c.leased_until == self.until)
        return bool(connection.execute(update(ROUTINE).where(where).values(changes)).rowcount)


def _told(wrong: Exception) -> str:
    """For the operator: the kind of error, and its words only where they are ours (a driver's may hold a row)."""
    ours = type(wrong).__module__.startswith(("bot.", "storage.", "dialogs."))
    return f"{type(wrong).__name__}: {wrong}"[:200] if ours else type(wrong).__name__


def _place(wrong: Exception) -> str:
    """Where it was raised."""
    last = traceback.extract_tb(wrong.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
