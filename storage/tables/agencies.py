"""What is owed to the agencies: the rows of their payments files, the files, and what the agencies answered."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, seconds, seconds_or_none


class ExportLineRow(SQLModel, table=True):
    """One row owed to the agency's payments file. Once it has a file, nothing of it changes but the answer."""

    __tablename__ = "export_line"

    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id", index=True)
    status: str  # PAID, REFUNDED
    reason: str = Field(unique=True)  # transaction_id:line or out_refund_no:line
    settle_date: date = Field(index=True)
    file_no: str | None = Field(default=None, foreign_key="export_file.file_no")
    row_no: int | None = None
    name: str | None = None  # sealed: the insured's, as it was when the file was fixed
    payer_relation: str | None = None  # self, other
    result: str | None = None  # BOOKED, REFUSED; NULL while the agency has not answered
    reason_code: str = ""
    agency_booked_at: int | None = Field(default=None, sa_column=seconds_or_none())


class ExportFileRow(SQLModel, table=True):
    """A day's payments file: which rows it holds is decided once, when the day is first exported."""

    __tablename__ = "export_file"

    file_no: str = Field(primary_key=True)
    day: date = Field(unique=True)
    made_at: int = Field(sa_column=seconds())
    rows: int
    total: int = Field(sa_column=fen())


Index("ix_export_line_place", ExportLineRow.file_no, ExportLineRow.row_no, unique=True)  # type: ignore[arg-type]
