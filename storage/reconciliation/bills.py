"""Keeping a day's bill: its rows written in one transaction, in place of what was kept of that day before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Row, delete, insert, select, text

from storage.bulk import append
from storage.reconciliation.columns import BILL, BILL_LINE, FUND_FLOW, TRADE

_ONE_AT_A_TIME = 369_120  # the PostgreSQL advisory lock of a day's reconciliation; SQLite's writers queue anyway


@dataclass(frozen=True, slots=True)
class TradeLine:
    """One row of a trade bill, see `BillLineRow`: fen, a refund's negative; the fee in thousandths of one."""

    reason: str
    kind: str
    state: str
    mch_id: str
    transaction_id: str
    out_trade_no: str
    refund_id: str
    amount: int
    settled: int
    voucher: int
    fee: int
    at: int


@dataclass(frozen=True, slots=True)
class TradeSummary:
    """The summary row of a trade bill, in its own signs: fen, the fee in thousandths of one."""

    rows: int = 0
    settled: int = 0
    refunded: int = 0
    voucher: int = 0
    fee: int = 0
    ordered: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class FundSummary:
    """The summary row of a fund-flow bill: rows, and fen that came in and went out."""

    rows: int = 0
    rows_in: int = 0
    amount_in: int = 0
    rows_out: int = 0
    amount_out: int = 0


_NAMES = tuple(field.name for field in fields(TradeLine))
_CELLS = attrgetter(*_NAMES)  # a fifth of what `astuple` takes


class TradeBill(Protocol):
    """A trade bill being read: `summary` is known once its lines have been."""

    def lines(self) -> Iterator[TradeLine]:
        """Its rows, in order."""
        ...

    @property
    def summary(self) -> TradeSummary:
        """Its own summary row."""
        ...


def take_time(connection: Connection, day: date) -> None:
    """One reconciliation of a day at a time, and as long as it takes: not the seconds a turn may wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        lock = {"family": _ONE_AT_A_TIME, "day": day.toordinal()}
        connection.execute(text("SELECT pg_advisory_xact_lock(:family, :day)"), lock)


def stored_bill(connection: Connection, day: date, kind: str) -> Row[Any] | None:
    """What is kept of this bill."""
    return connection.execute(select(BILL).where((BILL.c.day == day) & (BILL.c.kind == kind))).first()


def trade_summary(row: Row[Any]) -> TradeSummary:
    """The summary row of a trade bill that is kept."""
    return TradeSummary(**json.loads(row.summary))


def keep_trade_bill(connection: Connection, day: date, sha1: str, bill: TradeBill, now: int) -> None:
    """Keep its rows instead of the day's rows before; nothing where it is the same bill. Raises what reading raises."""
    before = stored_bill(connection, day, TRADE)
    if before is not None and before.sha1 == sha1:
        return
    connection.execute(delete(BILL_LINE).where(BILL_LINE.c.day == day))
    lines = ((day, place, *_CELLS(line)) for place, line in enumerate(bill.lines(), 1))
    append(connection, BILL_LINE, ["day", "place", *_NAMES], lines)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {BILL_LINE.name}"))  # it plans by what it last knew of the table's size
    _keep(connection, day, TRADE, sha1, bill.summary.rows, asdict(bill.summary), {}, now)


def keep_fund_flow(
    connection: Connection, day: date, sha1: str, summary: FundSummary, sums: Mapping[str, Any], now: int
) -> None:
    """Keep what its rows come to, by business type; nothing where it is the same bill."""
    before = stored_bill(connection, day, FUND_FLOW)
    if before is None or before.sha1 != sha1:
        _keep(connection, day, FUND_FLOW, sha1, summary.rows, asdict(summary), sums, now)


def _keep(
    connection: Connection,
    day: date,
    kind: str,
    sha1: str,
    rows: int,
    summary: Mapping[str, Any],
    sums: Mapping[str, Any],
    now: int,
) -> None:
    connection.execute(delete(BILL).where((BILL.c.day == day) & (BILL.c.kind == kind)))
    words = {name: json.dumps(value, ensure_ascii=False) for name, value in (("summary", summary), ("sums", sums))}
    row = {"day": day, "kind": kind, "sha1": sha1, "rows": rows, "stored_at": now} | words
    connection.execute(insert(BILL), row)
