"""What a day comes to: the bill's rows and the ledger's entries by verdict, and whether every sum ties."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from storage.orders.columns import LEDGER
from storage.reconciliation.bills import FundSummary, TradeSummary
from storage.reconciliation.columns import BILL_LINE, BILL_SUM, DUPLICATE, OURS_ONLY, PAYMENT, REFUND
from storage.reconciliation.days import Day
from storage.reconciliation.findings import Whole
from storage.reconciliation.matching import judged


@dataclass(frozen=True, slots=True)
class Figure:
    """Rows of one kind and verdict: how many, what the bill and what we say of them (fen; refunds are negative)."""

    kind: str
    verdict: str
    rows: int
    theirs: int
    ours: int
    booked_rows: int = 0  # of these, in the ledger on this very day
    booked: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger's entries of one kind of the day, and those of them that stand in another day's bill."""

    kind: str
    rows: int
    amount: int
    elsewhere_rows: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One day. `summed` is what the bill's rows come to in the words of its summary row."""

    by: tuple[Figure, ...]
    ledger: tuple[Ledger, ...]
    summed: TradeSummary
    summary: TradeSummary
    fee_of_refunds: int  # thousandths of a fen, negative: what came back with refunds

    def of(self, kind: str) -> tuple[Figure, ...]:
        """The figures of payments, or of refunds."""
        return tuple(one for one in self.by if one.kind == kind)

    def entries(self, kind: str) -> Ledger:
        """The ledger's side of payments, or of refunds."""
        return next((one for one in self.ledger if one.kind == kind), Ledger(kind, 0, 0, 0, 0))

    def ledger_ties(self, kind: str) -> bool:
        """Whether each entry of the day is told of exactly once: in this bill, in another day's, or in none."""
        mine, entries = self.of(kind), self.entries(kind)
        rows = sum(one.booked_rows for one in mine) + entries.elsewhere_rows
        amount = sum(one.booked for one in mine) + entries.elsewhere
        return (rows, amount) == (entries.rows, entries.amount)

    def untied(self) -> list[Whole]:
        """Where the bill's rows do not come to what its summary row says."""
        return untied(BILL_SUM, self.summary, self.summed)


def untied(kind: str, summary: TradeSummary | FundSummary, come: TradeSummary | FundSummary) -> list[Whole]:
    """One finding with every figure in which a summary row and its rows differ; none where they tie."""
    facts: dict[str, int] = {}
    for name, said in asdict(summary).items():
        if said != (found := getattr(come, name)):
            facts |= {f"{name} in the summary": said, f"{name} of the rows": found}
    return [Whole(kind, facts)] if facts else []


def figures_of(connection: Connection, day: Day, mch_id: str, summary: TradeSummary) -> Figures:
    """The figures as they are now; the ledger may have changed since the bill was stored."""
    ledger, missing = _ledger(connection, day)
    by, summed, fee_of_refunds = _lines(connection, day, mch_id)
    return Figures((*by, *missing), tuple(ledger), summed, summary, fee_of_refunds)


def _lines(connection: Connection, day: Day, mch_id: str) -> tuple[list[Figure], TradeSummary, int]:
    line = judged(day, mch_id).subquery()
    c = line.c
    today = and_(c.booked_at >= day.begins, c.booked_at < day.ends, c.verdict != DUPLICATE)
    ours = case((c.verdict == DUPLICATE, 0), else_=c.ours)
    query = select(
        c.kind,
        c.verdict,
        func.count(),
        _sum(c.amount),
        _sum(ours),
        _sum(case((today, 1), else_=0)),
        _sum(case((today, ours), else_=0)),
        _sum(c.settled),
        _sum(c.voucher),
        _sum(c.fee),
    ).group_by(c.kind, c.verdict)
    found = [tuple(row) for row in connection.execute(query.order_by(c.kind, c.verdict))]
    by = [Figure(kind, verdict, *map(int, numbers[:5])) for kind, verdict, *numbers in found]

    def come_to(kind: str, place: int) -> int:
        return sum(int(row[place]) for row in found if row[0] == kind)

    summed = TradeSummary(
        rows=sum(int(row[2]) for row in found),
        settled=come_to(PAYMENT, 7),
        refunded=-come_to(REFUND, 7),
        voucher=-come_to(REFUND, 8),
        fee=come_to(PAYMENT, 9) + come_to(REFUND, 9),
        ordered=come_to(PAYMENT, 3),
        asked=-come_to(REFUND, 3),
    )
    return by, summed, come_to(REFUND, 9)


def _ledger(connection: Connection, day: Day) -> tuple[list[Ledger], list[Figure]]:
    c = LEDGER.c
    first = select(func.min(BILL_LINE.c.day)).where(BILL_LINE.c.reason == c.reason).scalar_subquery()
    entry = select(c.kind, c.amount, first.label("first")).where(c.at >= day.begins, c.at < day.ends).subquery("entry")
    other, none = entry.c.first != day.date, entry.c.first.is_(None)
    query = select(
        entry.c.kind,
        func.count(),
        _sum(entry.c.amount),
        _sum(case((other, 1), else_=0)),
        _sum(case((other, entry.c.amount), else_=0)),
        _sum(case((none, 1), else_=0)),
        _sum(case((none, entry.c.amount), else_=0)),
    ).group_by(entry.c.kind)
    found = [(row[0], *map(int, row[1:])) for row in connection.execute(query.order_by(entry.c.kind))]
    entries = [Ledger(kind, *numbers[:4]) for kind, *numbers in found]
    missing = [Figure(kind, OURS_ONLY, rows, 0, amount, rows, amount) for kind, *_, rows, amount in found if rows]
    return entries, missing


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)
