"""The findings of one look at a day, in a temporary table, and what they make of the day's discrepancies.

A finding is recorded once, under its fact; found again, it changes nothing, also where a person has closed it. What is
no longer found is closed by itself, and opened again should it come back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    exists,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from storage.orders.columns import DISCREPANCY
from storage.reconciliation.columns import (
    BILL_LINE,
    BILL_SUM,
    BY_ITSELF,
    CLOSED,
    EXPLAINED,
    OF_LINES,
    OPEN,
    OURS_ONLY,
)
from storage.reconciliation.days import Day
from storage.reconciliation.matching import misfits, missing, number_as_booked

AT_ONCE = 1_000
_NO_MORE = "再次对账时已经相符"
_CAME_LATER = "在另一天的账单里"

FINDING = Table(
    "finding",
    MetaData(),
    Column("reason", String, primary_key=True),
    Column("verdict", String),
    Column("kind", String),
    Column("key", String),
    Column("out_trade_no", String),
    Column("theirs", BigInteger),
    Column("ours", BigInteger),
    Column("state", String),
    Column("at", BigInteger),
    Column("mends", Integer),
    Column("known", Integer),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Whole:
    """What does not fit about a bill as a whole: a kind of discrepancy, and the two sides by name."""

    kind: str
    facts: dict[str, int]


@dataclass(frozen=True)
class Findings:
    """Of one day, within one transaction."""

    connection: Connection
    day: Day

    def look(self, mch_id: str) -> None:
        """Match the day's bill with the ledger."""
        number_as_booked(self.connection, self.day)
        self.connection.execute(text("DROP TABLE IF EXISTS finding"))
        FINDING.create(self.connection)
        names = [column.name for column in FINDING.c]
        for source in (misfits(self.day, mch_id), missing(self.day)):
            self.connection.execute(insert(FINDING).from_select(names, source))

    def mendable(self) -> Sequence[Row[Any]]:
        """What `settle` may put right once WeChat Pay has been asked."""
        query: Select[Any] = select(FINDING).where(FINDING.c.mends == 1).order_by(FINDING.c.at, FINDING.c.key)
        return self.connection.execute(query).all()

    def add(self, whole: Sequence[Whole]) -> None:
        """What does not fit about the bills as a whole."""
        for one in whole:
            detail = ",".join(f"{name} {value}" for name, value in one.facts.items())
            facts = json.dumps(one.facts, ensure_ascii=False)
            row = {"reason": f"{one.kind}:{self.day}:{detail}", "verdict": one.kind, "kind": "", "key": ""}
            row |= {"out_trade_no": "", "state": facts}
            values = {**row, "at": self.day.begins, "mends": 0, "known": 0}
            self.connection.execute(insert(FINDING), values)

    def record(self, looked: Sequence[str], now: int) -> None:
        """Make them discrepancies; `looked` are the kinds this look could have found, of which others are closed."""
        dialect = postgresql if self.connection.dialect.name == "postgresql" else sqlite
        new = dialect.insert(DISCREPANCY).on_conflict_do_nothing(index_elements=["reason"])
        for some in self._unknown():
            self.connection.execute(new, [self._row(found, now) for found in some])
        mine = DISCREPANCY.c.day == self.day.date
        found = exists().where(FINDING.c.reason == DISCREPANCY.c.reason)
        again = mine & (DISCREPANCY.c.state == CLOSED) & (DISCREPANCY.c.closed_by == BY_ITSELF) & found
        opened = {"state": OPEN, "closed_at": None, "closed_by": "", "closed_why": ""}
        self.connection.execute(update(DISCREPANCY).where(again).values(opened))
        stands = exists().where(BILL_LINE.c.reason == DISCREPANCY.c.key)
        self._close((DISCREPANCY.c.kind == OURS_ONLY) & stands, _CAME_LATER, now)
        if not self._has(BILL_SUM):  # a bill that is not whole proves nothing
            self._close(mine & DISCREPANCY.c.kind.in_(looked) & ~found, _NO_MORE, now)

    def _unknown(self) -> Iterator[Sequence[Row[Any]]]:
        query = select(FINDING).where(FINDING.c.known == 0).order_by(FINDING.c.at, FINDING.c.reason)
        result = self.connection.execute(query, execution_options={"yield_per": AT_ONCE})
        return iter(result.partitions())

    def _row(self, found: Row[Any], now: int) -> dict[str, Any]:
        facts = found.state
        if found.verdict in OF_LINES:
            said = {"kind": found.kind, "bill": found.theirs, "ledger": found.ours, "state": found.state}
            facts = json.dumps(said | {"at": found.at})
        return {
            "reason": found.reason,
            "kind": found.verdict,
            "out_trade_no": found.out_trade_no,
            "key": found.key,
            "day": self.day.date,
            "facts": facts,
            "found_at": now,
            "state": OPEN,
            "explained_by": "",
            "explained_why": "",
            "closed_by": "",
            "closed_why": "",
        }

    def _close(self, where: Any, why: str, now: int) -> None:
        values = {"state": CLOSED, "closed_at": now, "closed_by": BY_ITSELF, "closed_why": why}
        lives = DISCREPANCY.c.state.in_((OPEN, EXPLAINED))
        self.connection.execute(update(DISCREPANCY).where(where & lives).values(values))

    def _has(self, kind: str) -> bool:
        return self.connection.execute(select(FINDING.c.reason).where(FINDING.c.verdict == kind)).first() is not None
