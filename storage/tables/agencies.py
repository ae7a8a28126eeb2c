"""What is owed to the agencies: the rows of their payments file."""

from __future__ import annotations

from datetime import date

from sqlmodel import Field, SQLModel


class ExportLineRow(SQLModel, table=True):
    """One row owed to the agency's payments file."""

    __tablename__ = "export_line"

    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id", index=True)
    status: str  # PAID, REFUNDED
    reason: str = Field(unique=True)  # transaction_id:line or out_refund_no:line
    settle_date: date = Field(index=True)
    file_no: str | None = None
