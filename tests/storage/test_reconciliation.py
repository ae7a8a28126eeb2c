"""Whatever stands in the ledger and whatever a bill says otherwise: each row is found and classed right."""

from __future__ import annotations

import json
from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select

from storage.database import writing
from storage.orders.columns import DISCREPANCY, LEDGER
from storage.orders.columns import REFUND as REFUND_ROW
from storage.reconciliation.bills import TradeLine, TradeSummary, keep_trade_bill, take_time
from storage.reconciliation.columns import (
    AMOUNT,
    BILL,
    BILL_LINE,
    DUPLICATE,
    MATCHED,
    OF_LINES,
    OURS_ONLY,
    PAYMENT,
    REFUND,
    STATE,
    THEIRS_ONLY,
)
from storage.reconciliation.days import Day
from storage.reconciliation.discrepancies import (
    NoSuchDiscrepancy,
    WrongState,
    close,
    count_open,
    explain,
    listed,
)
from storage.reconciliation.figures import Figures, figures_of
from storage.reconciliation.findings import Findings
from tests.examples import examples
from tests.storage.counter import MCH_ID, NOON, ZONE, Counter, seconds

TODAY = Day.of(NOON.date(), ZONE)
MOMENTS = {"today": seconds(NOON), "first": TODAY.begins, "last": TODAY.ends - 1}
MOMENTS |= {"before": TODAY.begins - 1, "after": TODAY.ends}

# What the bill makes of an entry of the ledger, and what that is called; None: nothing stands in the day's bill.
ALTERED: dict[str, tuple[dict[str, Any] | None, str | None]] = {
    "as it is": ({}, MATCHED),
    "a fen more": ({"amount": 1}, AMOUNT),
    "another merchant": ({"mch_id": "1900009999"}, STATE),
    "another number": ({"out_trade_no": "another"}, STATE),
    "another state": ({"state": "CHANGE"}, STATE),
    "missing": (None, OURS_ONLY),
}
OWED = {"PROCESSING": MATCHED, "SUCCESS": STATE, "FAIL": STATE}  # a refund asked for and not booked, by its state


@dataclass(frozen=True)
class Case:
    """One piece of money."""

    kind: str
    amount: int
    moment: str
    change: str
    twice: bool
    stands: str  # in which bill: "today", "tomorrow", or "yesterday and today"


CASES = st.builds(
    Case,
    kind=st.sampled_from((PAYMENT, PAYMENT, REFUND)),
    amount=st.sampled_from((1, 50000, 99999999)),
    moment=st.sampled_from(("today", "today", *MOMENTS)),
    change=st.sampled_from(("as it is", *ALTERED, *OWED, "of nobody")),
    twice=st.booleans(),
    stands=st.sampled_from(("today", "today", "today", "tomorrow", "yesterday and today")),
)


class Bill:
    """Lines as if read from a file, with a summary row that ties."""

    def __init__(self, lines: Sequence[TradeLine]) -> None:
        self._lines = lines

    @property
    def summary(self) -> TradeSummary:
        paid, back = ([line for line in self._lines if line.kind == kind] for kind in (PAYMENT, REFUND))
        return TradeSummary(
            rows=len(self._lines),
            settled=sum(line.settled for line in paid),
            refunded=-sum(line.settled for line in back),
            voucher=-sum(line.voucher for line in back),
            fee=sum(line.fee for line in self._lines),
            ordered=sum(line.amount for line in paid),
            asked=-sum(line.amount for line in back),
        )

    def lines(self) -> Iterator[TradeLine]:
        return iter(self._lines)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(cases=st.lists(CASES, max_size=12))
def test_every_row_is_found_and_classed_right_whatever_stands_in_ledger_and_bill(
    engine: Engine, cases: list[Case]
) -> None:
    number = _emptied(engine)
    bills: dict[str, list[TradeLine]] = {"yesterday": [], "today": [], "tomorrow": []}
    expected: Counts[tuple[str, str]] = Counts()
    found: Counts[str] = Counts()
    for place, case in enumerate(cases):
        for verdict, key in _put(engine, case, place, number, bills):
            expected[case.kind, verdict] += 1
            found[f"{verdict}:{key}"] += verdict != MATCHED
    for name, days in (("yesterday", -1), ("tomorrow", 1), ("today", 0)):
        _keep(engine, TODAY.date + timedelta(days=days), bills[name])
    figures = _looked(engine)
    assert Counts({(one.kind, one.verdict): one.rows for one in figures.by}) == expected
    assert figures.untied() == []
    assert figures.ledger_ties(PAYMENT)
    assert figures.ledger_ties(REFUND)
    assert _facts(engine) == +found
    before = _dumped(engine)
    assert _looked(engine, now=2) == figures
    assert _dumped(engine) == before


def _put(
    engine: Engine, case: Case, place: int, number: str, bills: dict[str, list[TradeLine]]
) -> Iterator[tuple[str, str]]:
    """Write one case into the ledger and the bills; the verdicts there have to be, with the key of each."""
    sign = 1 if case.kind == PAYMENT else -1
    line = _line(case.kind, f"{case.kind}-{place}", sign * case.amount)
    at = MOMENTS[case.moment]
    if case.change in OWED:
        line, verdict = replace(line, kind=REFUND, state=case.change, amount=-case.amount), OWED[case.change]
        if case.kind == PAYMENT:
            return
        _owe(engine, line, number)
    elif case.change == "of nobody":
        verdict = THEIRS_ONLY
    else:
        _book(engine, line, at)
        changes, called = ALTERED[case.change]
        if changes is None:
            if TODAY.begins <= at < TODAY.ends:
                yield OURS_ONLY, line.reason
            return
        assert called is not None
        verdict = called
        line = replace(line, **changes) if "amount" not in changes else replace(line, amount=line.amount + 1)
    if case.stands == "tomorrow":
        bills["tomorrow"].append(line)
        return
    if case.stands == "yesterday and today":
        bills["yesterday"].append(line)
        verdict = DUPLICATE
    bills["today"].append(line)
    yield verdict, line.reason
    if case.twice:
        bills["today"].append(line)
        yield DUPLICATE, line.reason


def test_a_bill_kept_again_replaces_the_day_s_rows_and_no_other_day_s(engine: Engine) -> None:
    _emptied(engine)
    lines = [_line(PAYMENT, f"T{place}", 1) for place in range(2500)]
    _keep(engine, TODAY.date, lines)
    _keep(engine, TODAY.date + timedelta(days=1), lines[:3])
    _keep(engine, TODAY.date, lines[1:], sha1="another")
    with engine.connect() as connection:
        kept = connection.execute(select(BILL_LINE.c.reason).where(BILL_LINE.c.day == TODAY.date)).scalars().all()
        assert sorted(kept) == sorted(line.reason for line in lines[1:])
        assert len(connection.execute(select(BILL_LINE.c.day)).all()) == 2499 + 3


def test_a_bill_that_breaks_off_while_it_is_read_leaves_what_was_there(engine: Engine) -> None:
    class Broken(Bill):
        def lines(self) -> Iterator[TradeLine]:
            yield from super().lines()
            raise ValueError("cut off")

    _emptied(engine)
    _keep(engine, TODAY.date, [_line(PAYMENT, "T1", 1)])
    before = _dumped(engine)
    with pytest.raises(ValueError, match="cut off"), writing(engine) as connection:
        keep_trade_bill(connection, TODAY.date, "x", Broken([_line(PAYMENT, "T2", 1)] * 1500), 1)
    assert _dumped(engine) == before


def test_a_discrepancy_is_open_then_explained_then_closed_and_never_goes_back(engine: Engine) -> None:
    _emptied(engine)
    _keep(engine, TODAY.date, [_line(PAYMENT, "T1", 1)])
    _looked(engine)
    with writing(engine) as connection:
        [one] = listed(connection, day=TODAY.date)
        assert (one.state, count_open(connection), count_open(connection, TODAY.date)) == ("open", 1, 1)
        explain(connection, one.id, "li", "asked the merchant", 10)
        with pytest.raises(WrongState, match="explained"):
            explain(connection, one.id, "li", "again", 11)
        close(connection, one.id, "wang", "given back by hand", 12)
        for move in (explain, close):
            with pytest.raises(WrongState, match="closed"):
                move(connection, one.id, "x", "y", 13)
        with pytest.raises(NoSuchDiscrepancy):
            close(connection, one.id + 1, "x", "y", 13)
    _looked(engine)
    with writing(engine) as connection:
        [after] = listed(connection)
        assert (after.state, count_open(connection)) == ("closed", 0)
        assert (after.explained_by, after.explained_why, after.explained_at) == ("li", "asked the merchant", 10)
        assert (after.closed_by, after.closed_why, after.closed_at) == ("wang", "given back by hand", 12)


def _line(kind: str, reason: str, amount: int) -> TradeLine:
    return TradeLine(
        reason=reason,
        kind=kind,
        state="SUCCESS",
        mch_id=MCH_ID,
        transaction_id=f"T-{reason}",
        out_trade_no=f"N-{reason}",
        refund_id="",
        amount=amount,
        settled=amount,
        voucher=0,
        fee=amount * 6,
        at=MOMENTS["today"],
    )


def _emptied(engine: Engine) -> str:
    """No money but one order; the number of its attempt."""
    with writing(engine) as connection:
        for table in (DISCREPANCY, BILL_LINE, BILL, LEDGER, REFUND_ROW):
            connection.execute(delete(table))
        known = connection.exec_driver_sql("SELECT out_trade_no FROM attempt").scalar()
    return str(known or f"{Counter.opened(engine).open()}-1")


def _book(engine: Engine, line: TradeLine, at: int) -> None:
    entry = {"reason": line.reason, "kind": line.kind, "order_no": "o", "out_trade_no": line.out_trade_no}
    entry |= {"transaction_id": line.transaction_id}
    with writing(engine) as connection:
        connection.execute(insert(LEDGER).values(**entry, amount=line.amount, at=at, booked_at=at))


def _owe(engine: Engine, line: TradeLine, number: str) -> None:
    row = {"out_refund_no": line.reason, "out_trade_no": number, "order_no": number.rpartition("-")[0]}
    with writing(engine) as connection:
        amounts = {"amount": -line.amount, "state": "refunding", "asked_at": 1, "look_at": 1}
        connection.execute(insert(REFUND_ROW).values(row | amounts))


def _keep(engine: Engine, day: date, lines: Sequence[TradeLine], sha1: str = "one") -> None:
    with writing(engine) as connection:
        take_time(connection, day)
        keep_trade_bill(connection, day, sha1, Bill(lines), 1)


def _looked(engine: Engine, now: int = 1) -> Figures:
    with writing(engine) as connection:
        take_time(connection, TODAY.date)
        findings = Findings(connection, TODAY)
        findings.look(MCH_ID)
        summary = connection.execute(select(BILL.c.summary).where(BILL.c.day == TODAY.date)).scalar_one()
        figures = figures_of(connection, TODAY, MCH_ID, TradeSummary(**json.loads(summary)))
        findings.record(OF_LINES, now)
    return figures


def _facts(engine: Engine) -> Counts[str]:
    with engine.connect() as connection:
        rows = connection.execute(select(DISCREPANCY).where(DISCREPANCY.c.state == "open")).all()
    return Counts(f"{row.kind}:{row.key}" for row in rows)


def _dumped(engine: Engine) -> list[list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(select(table)))) for table in (BILL, BILL_LINE, DISCREPANCY)]
