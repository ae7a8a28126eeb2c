"""What WeChat Pay says that does not fit ours."""

from __future__ import annotations

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds


class DiscrepancyRow(SQLModel, table=True):
    """A fact of WeChat Pay's that does not fit ours, for a person to look at."""

    __tablename__ = "discrepancy"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)
    kind: str
    out_trade_no: str = Field(index=True)
    facts: str = Field(sa_column=Column(Text, nullable=False))  # JSON without names or ID numbers
    found_at: int = Field(sa_column=seconds())
    state: str = "open"
