"""What is due: orders to look at, notices to deliver. Rows say what, leases say who, and every duty may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, bindparam, select, update

from bot.notices.messenger import Messenger
from bot.pay.till import Till
from dialogs.world import OrderState, Unavailable
from storage.database import writing
from storage.lookup import Lookup
from storage.orders.attempts import is_unfinished
from storage.orders.columns import ORDER
from storage.orders.rows import change_order, lock_order

LEASE_SECONDS = 50  # more than one look takes: six calls of at most five seconds, and their commits
AT_ONCE = 50
ROUNDS = 20
BUSY_SECONDS = 15  # an order whose look sets no other time waits so long for its next one

LOG = structlog.get_logger("duties")
_DUE = Lookup(  # every second, in every worker
    select(ORDER.c.no)
    .where(ORDER.c.due_at <= bindparam("now"), ORDER.c.leased_until <= bindparam("now"))
    .order_by(ORDER.c.due_at)
    .limit(AT_ONCE)
)
_TAKE = (
    update(ORDER)
    .where(ORDER.c.no == bindparam("which"))
    .where(ORDER.c.leased_until <= bindparam("now"), ORDER.c.due_at <= bindparam("now"))
    .values(looks=ORDER.c.looks + 1)
)


@dataclass(frozen=True)
class Duties:
    """The background work; run by any number of threads and processes at once. `clock` gives unix seconds."""

    engine: Engine
    till: Till
    messenger: Messenger
    clock: Callable[[], float]

    def run_due(self) -> int:
        """Everything that is due now, and what follows from it at once; returns how many duties were done.

        Raises DatabaseUnavailable; then nothing is lost, the rows are still due.
        """
        done = 0
        for _ in range(ROUNDS):
            looked = sum(self._look(no) for no in self._due_orders())
            told = self.messenger.deliver_due()
            if not looked and not told:
                break
            done += looked + told
        return done

    def _due_orders(self) -> list[str]:
        return [row.no for row in _DUE.rows(self.engine, now=self._now())]

    def _look(self, no: str) -> bool:
        """One look under a lease. It uses up the time it was due at, so what anybody sets meanwhile holds."""
        now = self._now()
        lease = now + LEASE_SECONDS
        taken = {"which": no, "now": now, "leased_until": lease, "due_at": now + BUSY_SECONDS}
        with writing(self.engine) as connection:
            mine = connection.execute(_TAKE, taken).rowcount
        if not mine:
            return False
        try:
            self.till.advance(no, ask=True)
        except Unavailable:
            raise
        except Exception as wrong:  # one order that cannot be brought on does not keep the others waiting
            LOG.error("an order could not be looked at", order=no, error=type(wrong).__name__)
        self._hand_back(no, lease)
        return True

    def _hand_back(self, no: str, lease: int) -> None:
        """End the lease, unless it ran out and is another's; what is over is not looked at again."""
        with writing(self.engine) as connection:
            order = lock_order(connection, no)
            if order is None or order.leased_until != lease:
                return
            alive = order.state in (OrderState.OPEN, OrderState.CLOSING) or is_unfinished(connection, no)
            change_order(connection, no, leased_until=0, due_at=order.due_at if alive else None)

    def _now(self) -> int:
        return int(self.clock())
