"""Money received: the payments, and the append-only book of what WeChat Pay took and gave back."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, seconds


class PaymentRow(SQLModel, table=True):
    """缴费明细: money received for a payable, here or through another channel."""

    __tablename__ = "payment"

    id: int | None = Field(default=None, primary_key=True)
    settles: str | None = Field(default=None, unique=True)  # the payable's key; NULL once refunded
    payable_key: str = Field(index=True)
    person: str = Field(foreign_key="person.key", index=True)
    insurance: str
    institution: str
    person_no: str
    pay_kind: str
    assess_no: str = ""
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int = Field(sa_column=fen())
    paid_at: int = Field(sa_column=seconds())
    channel: str  # "wechat" for ours, else the agency's own word
    receipt_no: str = Field(index=True)  # our transaction_id, or the channel's receipt
    status: str  # paid, booked, refunded
    order_no: str | None = Field(default=None, index=True)
    line_no: int | None = None
    source: str | None = None  # batch:row of the agency's file that wrote it last; NULL for ours


class LedgerRow(SQLModel, table=True):
    """Append-only book of money: what WeChat Pay took (positive) and gave back (negative)."""

    __tablename__ = "ledger"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)  # transaction_id or out_refund_no: nothing is booked twice
    kind: str  # payment, refund
    order_no: str = Field(index=True)
    out_trade_no: str = Field(index=True)
    transaction_id: str = Field(index=True)
    amount: int = Field(sa_column=fen())
    at: int = Field(sa_column=seconds(index=True))
    booked_at: int = Field(sa_column=seconds())
