"""WeChat's bills as they were given to us, and what in them, or in what it says otherwise, does not fit ours."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, seconds, seconds_or_none


class BillRow(SQLModel, table=True):
    """账单: one bill of one day, with what its own summary row says."""

    __tablename__ = "bill"

    day: date = Field(primary_key=True)
    kind: str = Field(primary_key=True)  # trade, fund_flow
    sha1: str  # of its bytes, unpacked; "" where WeChat Pay says that there was no trade
    rows: int
    summary: str = Field(sa_column=Column(Text, nullable=False))  # JSON: its summary row
    sums: str = Field(sa_column=Column(Text, nullable=False))  # JSON: what its rows come to, where they are not kept
    stored_at: int = Field(sa_column=seconds())


class BillLineRow(SQLModel, table=True):
    """One row of a trade bill; `reason` is what the ledger would book it under. A refund's amounts are negative."""

    __tablename__ = "bill_line"
    __table_args__ = (Index("ix_bill_line_reason", "reason", "day", "place"),)

    day: date = Field(primary_key=True)
    place: int = Field(primary_key=True)  # among the bill's rows, from 1
    reason: str  # transaction_id; of a refund out_refund_no
    kind: str  # payment, refund
    state: str  # SUCCESS; of a refund SUCCESS, PROCESSING, FAIL, CHANGE
    mch_id: str
    transaction_id: str
    out_trade_no: str
    refund_id: str
    amount: int = Field(sa_column=fen())
    settled: int = Field(sa_column=fen())  # what was moved: without vouchers
    voucher: int = Field(sa_column=fen())  # of a refund: what went back as a voucher
    fee: int = Field(sa_column=Column(BigInteger, nullable=False))  # in thousandths of a fen, as bills carry it
    at: int = Field(sa_column=seconds())


class DiscrepancyRow(SQLModel, table=True):
    """差异: a fact of WeChat Pay's that does not fit ours. Open, then explained by a person, then closed."""

    __tablename__ = "discrepancy"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)  # the fact: found again, it is the same discrepancy
    kind: str = Field(index=True)
    out_trade_no: str = Field(index=True)
    key: str = Field(default="", index=True)  # transaction_id or out_refund_no, where it is about one
    day: date | None = Field(default=None, index=True)  # of the bill that shows it
    facts: str = Field(sa_column=Column(Text, nullable=False))  # JSON without names or ID numbers
    found_at: int = Field(sa_column=seconds())
    state: str = Field(default="open", index=True)
    explained_at: int | None = Field(default=None, sa_column=seconds_or_none())
    explained_by: str = ""
    explained_why: str = ""
    closed_at: int | None = Field(default=None, sa_column=seconds_or_none())
    closed_by: str = ""
    closed_why: str = ""
