"""Every morning yesterday's bill is fetched and reconciled, and whatever day before it was missed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

import structlog
from sqlalchemy import Engine, func, select

from bot.background.routines import Routine
from bot.reconciling.fetching import NotKept, ready_at
from bot.reconciling.reconciler import Reconciler
from bot.reconciling.refusal import NoBillYet
from storage.database import reading
from storage.orders.columns import LEDGER
from storage.reconciliation.bills import stored_bill
from storage.reconciliation.columns import TRADE

AGAIN_SECONDS = 1800  # where the bill is still being made (facts/wechat.md B2)
MISSED_DAYS = 30  # how far back days are looked for whose bill was never had
AFTER_READY = 300  # everybody asks at ten

LOG = structlog.get_logger("reconciling")


def reconciling(reconciler: Reconciler) -> Routine:
    """The routine; it is due again the next morning, or in half an hour where something was not there yet."""
    till = reconciler.till

    def run(now: int) -> int:
        yesterday = datetime.fromtimestamp(now, till.zone).date() - timedelta(days=1)
        if now < (ready := ready_at(yesterday, till.zone) + AFTER_READY):
            return ready
        complete = True
        for day in (*missed(till.engine, yesterday, till.zone), yesterday):
            complete = _reconciled(reconciler, day) and complete
        return ready_at(yesterday + timedelta(days=1), till.zone) + AFTER_READY if complete else now + AGAIN_SECONDS

    return Routine("reconciliation", run)


def missed(engine: Engine, before: date, zone: tzinfo) -> list[date]:
    """Days before this one, since the first entry of the ledger, whose trade bill was never had; oldest first."""
    with reading(engine) as connection:
        first = connection.execute(select(func.min(LEDGER.c.at))).scalar()
        if first is None:
            return []
        begun = max(datetime.fromtimestamp(first, zone).date(), before - timedelta(days=MISSED_DAYS))
        days = [begun + timedelta(days=after) for after in range((before - begun).days)]
        return [day for day in days if stored_bill(connection, day, TRADE) is None]


def _reconciled(reconciler: Reconciler, day: date) -> bool:
    """False where it is to be tried again soon. Raises BillRefused, DatabaseUnavailable."""
    try:
        report = reconciler.reconcile(day)
    except NoBillYet as none:
        LOG.warning("no bill yet", day=str(day), why=str(none)[:200])
        return False
    except NotKept as gone:
        LOG.error("a bill cannot be had any more", day=str(day), why=str(gone)[:200])
        return True
    if report.open:
        LOG.error("discrepancies wait for a person", day=str(day), open=report.open)
    return not report.unanswered and not report.no_flow
