"""Orders, their lines, and their attempts at WeChat Pay."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, seconds, seconds_or_none


class OrderRow(SQLModel, table=True):
    """订单."""

    __tablename__ = "pay_order"

    no: str = Field(primary_key=True)
    payer: str = Field(index=True)  # openid
    service: str
    state: str
    channel: str  # the way to the cashier asked for: jsapi or native
    amount: int = Field(sa_column=fen())
    opened_at: int = Field(sa_column=seconds())
    expires_at: int = Field(sa_column=seconds(index=True))
    paid_at: int | None = Field(default=None, sa_column=seconds_or_none())
    closed_at: int | None = Field(default=None, sa_column=seconds_or_none())
    close_reason: str = ""  # expired, cancelled, cancelling, refused, restored, taken_over
    due_at: int | None = Field(default=None, sa_column=seconds_or_none(index=True))  # when the worker looks next
    leased_until: int = Field(default=0, sa_column=seconds(default=0))
    looks: int = 0  # how often the worker has asked WeChat Pay


class OrderLineRow(SQLModel, table=True):
    """One payable of an order; `holds` keeps everybody else from ordering it."""

    __tablename__ = "pay_order_line"

    order_no: str = Field(primary_key=True, foreign_key="pay_order.no")
    line_no: int = Field(primary_key=True)
    holds: str | None = Field(default=None, unique=True)
    payable_key: str = Field(index=True)
    person: str = Field(foreign_key="person.key")
    insurance: str
    institution: str
    institution_name: str
    person_no: str
    pay_kind: str
    assess_no: str
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int = Field(sa_column=fen())
    last_day: date  # the last day on which it may be paid
    masked_name: str


class AttemptRow(SQLModel, table=True):
    """商户订单号: one try to pay an order at WeChat Pay; stored before WeChat Pay is called."""

    __tablename__ = "attempt"

    out_trade_no: str = Field(primary_key=True)
    order_no: str = Field(foreign_key="pay_order.no", index=True)
    runs: str | None = Field(
        default=None, unique=True
    )  # the order's number while WeChat Pay may still take money for it
    channel: str  # jsapi, native
    state: str  # placing, placed, closing, closed, paid, refund_due, refunding, refunded
    openid: str
    amount: int = Field(sa_column=fen())
    description: str
    expires_at: int = Field(sa_column=seconds())
    made_at: int = Field(sa_column=seconds())
    called_at: int | None = Field(
        default=None, sa_column=seconds_or_none()
    )  # when WeChat Pay was last asked to place it
    prepay_id: str | None = None
    code_url: str | None = None
    transaction_id: str | None = Field(default=None, unique=True)
    paid_at: int | None = Field(default=None, sa_column=seconds_or_none())
    refund_amount: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False, default=0)
    )  # what of it settled nothing and goes back
