"""What happened, in order, for an operator who is asked about it. Append-only; nothing is decided by these rows."""

from __future__ import annotations

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds


class SpokenRow(SQLModel, table=True):
    """One turn: what a citizen said, masked, and was answered. Kept `[storage] journal_days`, then deleted."""

    __tablename__ = "spoken"

    id: int | None = Field(default=None, primary_key=True)
    openid: str
    at: int = Field(sa_column=seconds(index=True))
    content: str = Field(sa_column=Column(Text, nullable=False))  # sealed JSON


class PayEventRow(SQLModel, table=True):
    """One thing that happened to an order or an attempt, written in the transaction that changes it."""

    __tablename__ = "pay_event"

    id: int | None = Field(default=None, primary_key=True)
    order_no: str = Field(index=True)
    out_trade_no: str = ""  # "" for what happens to the order as a whole
    at: int = Field(sa_column=seconds())
    what: str
    facts: str = ""  # JSON without names or ID numbers


Index("ix_spoken_openid_at", SpokenRow.openid, SpokenRow.at)  # type: ignore[arg-type]
