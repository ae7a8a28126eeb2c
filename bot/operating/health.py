"""What must be well for citizens to be served: told by /healthz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from bot.background.worker import Worker
from bot.web.services import Check
from storage.database import reading
from storage.migrate import is_current
from storage.sessions.contract import StoreUnavailable, TurnStore


@dataclass(frozen=True)
class Health:
    """The parts that are asked."""

    engine: Engine
    store: TurnStore
    worker: Worker

    def checks(self) -> Sequence[Check]:
        """What must be well for citizens to be served."""
        return [self._database(), self._sessions(), Check("worker", not self.worker.trouble, self.worker.trouble)]

    def _database(self) -> Check:
        try:
            with reading(self.engine) as connection:
                connection.execute(text("SELECT 1"))
            if not is_current(self.engine):
                return Check("database", False, "not of this release: run `run.py db upgrade`")
        except Exception as gone:
            return Check("database", False, f"{type(gone).__name__}: no turn can be served")
        return Check("database", True)

    def _sessions(self) -> Check:
        try:
            self.store.peek("healthz")
        except StoreUnavailable as gone:
            return Check("sessions", False, f"{str(gone)[:100]}: no turn can be served")
        return Check("sessions", True)
