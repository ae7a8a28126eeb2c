"""Every table, as SQLModel classes; the migrations in `migrations/` create exactly these.

Money is integer fen. A column that ends in `_at` is a moment in unix seconds; dates are the bureau's calendar days.
A column named `holds`, `settles` or `runs` carries a key while the row claims it and is NULL afterwards: its unique
index is what keeps a payable from being held, settled or tried twice.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

SECONDS = BigInteger


def _seconds(*, index: bool = False, default: int | None = None) -> Column[int]:
    return Column(SECONDS, nullable=False, index=index, default=default)


def _seconds_or_none(*, index: bool = False) -> Column[int]:
    return Column(SECONDS, nullable=True, index=index)


# -- who is insured, and what may be owed: loaded from the agencies' files


class InstitutionRow(SQLModel, table=True):
    """参保机构."""

    __tablename__ = "institution"

    code: str = Field(primary_key=True)
    name: str
    insurance: str
    division: str
    division_name: str
    tax_org: str
    phone: str


class PersonRow(SQLModel, table=True):
    """One insured; number and name are sealed, `key` is the number's look-up hash."""

    __tablename__ = "person"

    key: str = Field(primary_key=True)
    id_type: str
    number: str  # sealed
    name: str  # sealed


class EnrolmentRow(SQLModel, table=True):
    """参保信息."""

    __tablename__ = "enrolment"

    institution: str = Field(primary_key=True, foreign_key="institution.code")
    person_no: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.key", index=True)
    insurance: str
    identity_group: str
    status: str
    valid_from: date
    valid_to: date | None = None


class TariffTableRow(SQLModel, table=True):
    """缴费标准."""

    __tablename__ = "tariff"

    insurance: str = Field(primary_key=True)
    cover_year: int = Field(primary_key=True)
    division: str = Field(primary_key=True)
    identity_group: str = Field(primary_key=True)
    tier_code: str = Field(primary_key=True)
    tier_name: str
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    window_from: date
    window_to: date
    period_from: str
    period_to: str
    source: str


class AssessmentRow(SQLModel, table=True):
    """核定."""

    __tablename__ = "assessment"

    no: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.key", index=True)
    insurance: str
    institution: str = Field(foreign_key="institution.code")
    person_no: str
    pay_kind: str
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_until: date
    reason: str


class ImportedRow(SQLModel, table=True):
    """One row of an agency's file that was taken: imports are idempotent by it."""

    __tablename__ = "imported"

    kind: str = Field(primary_key=True)
    batch_no: str = Field(primary_key=True)
    row_no: int = Field(primary_key=True)
    content: str  # keyed hash of the row: the same number with another content is not the same row


# -- money


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
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    paid_at: int = Field(sa_column=_seconds())
    channel: str  # "wechat" for ours, else the agency's own word
    receipt_no: str = Field(index=True)  # our transaction_id, or the channel's receipt
    status: str  # paid, booked, refunded
    order_no: str | None = Field(default=None, index=True)
    line_no: int | None = None


class OrderRow(SQLModel, table=True):
    """订单."""

    __tablename__ = "pay_order"

    no: str = Field(primary_key=True)
    payer: str = Field(index=True)  # openid
    service: str
    state: str
    channel: str  # the way to the cashier asked for: jsapi or native
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    opened_at: int = Field(sa_column=_seconds())
    expires_at: int = Field(sa_column=_seconds(index=True))
    paid_at: int | None = Field(default=None, sa_column=_seconds_or_none())
    closed_at: int | None = Field(default=None, sa_column=_seconds_or_none())
    close_reason: str = ""  # expired, cancelled
    due_at: int | None = Field(default=None, sa_column=_seconds_or_none(index=True))  # when the worker looks next
    leased_until: int = Field(default=0, sa_column=_seconds(default=0))
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
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
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
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    description: str
    expires_at: int = Field(sa_column=_seconds())
    made_at: int = Field(sa_column=_seconds())
    called_at: int | None = Field(
        default=None, sa_column=_seconds_or_none()
    )  # when WeChat Pay was last asked to place it
    prepay_id: str | None = None
    code_url: str | None = None
    transaction_id: str | None = Field(default=None, unique=True)
    paid_at: int | None = Field(default=None, sa_column=_seconds_or_none())
    out_refund_no: str | None = Field(default=None, unique=True)
    refund_amount: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))


class LedgerRow(SQLModel, table=True):
    """Append-only book of money: what WeChat Pay took (positive) and gave back (negative)."""

    __tablename__ = "ledger"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)  # transaction_id or out_refund_no: nothing is booked twice
    kind: str  # payment, refund
    order_no: str = Field(index=True)
    out_trade_no: str = Field(index=True)
    transaction_id: str = Field(index=True)
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: int = Field(sa_column=_seconds(index=True))
    booked_at: int = Field(sa_column=_seconds())


class ExportLineRow(SQLModel, table=True):
    """One row owed to the agency's payments file."""

    __tablename__ = "export_line"

    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id", index=True)
    status: str  # PAID, REFUNDED
    reason: str = Field(unique=True)  # transaction_id:line or out_refund_no:line
    settle_date: date = Field(index=True)
    file_no: str | None = None


class DiscrepancyRow(SQLModel, table=True):
    """A fact of WeChat Pay's that does not fit ours, for a person to look at."""

    __tablename__ = "discrepancy"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)
    kind: str
    out_trade_no: str = Field(index=True)
    facts: str = Field(sa_column=Column(Text, nullable=False))  # JSON without names or ID numbers
    found_at: int = Field(sa_column=_seconds())
    state: str = "open"


class CertificateRow(SQLModel, table=True):
    """缴费证明: what was certified, as it was then; the document is made from it."""

    __tablename__ = "certificate"

    number: str = Field(primary_key=True)
    payer: str = Field(index=True)  # openid
    person: str = Field(foreign_key="person.key")
    issued_at: int = Field(sa_column=_seconds())
    issuer: str
    content: str = Field(sa_column=Column(Text, nullable=False))  # sealed: code, name, ID number, lines
    asked: str = Field(unique=True)  # hash of who, which payments, which day: asked for again, it is the same


# -- what a citizen asked to be remembered


class ContactRow(SQLModel, table=True):
    """常用联系人: whom an openid pays for. Who that is, the registry says: nothing of it stands here."""

    __tablename__ = "contact"

    payer: str = Field(primary_key=True)  # openid
    person: str = Field(primary_key=True)  # look-up key; the registry may have forgotten it
    relation: str
    own: str | None = Field(default=None, unique=True)  # the payer, where this is 本人: at most one
    added_at: int = Field(sa_column=_seconds())


class ConsentRow(SQLModel, table=True):
    """同意 of an openid to one version of the notice; a withdrawn one stays, with the time."""

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True)
    holds: str | None = Field(default=None, unique=True)  # payer and version; NULL once withdrawn
    payer: str = Field(index=True)  # openid
    version: str
    given_at: int = Field(sa_column=_seconds())
    withdrawn_at: int | None = Field(default=None, sa_column=_seconds_or_none())


# -- what is still to be said


class NoticeRow(SQLModel, table=True):
    """News for one citizen, written with the fact that causes it; delivered by the ladder of design 6."""

    __tablename__ = "notice"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)
    openid: str = Field(index=True)
    kind: str  # paid, closed, refunded, late, card, captcha
    body: str = Field(sa_column=Column(Text, nullable=False))  # JSON: text lines, options, or what a picture is of
    made_at: int = Field(sa_column=_seconds())
    due_at: int | None = Field(default=None, sa_column=_seconds_or_none(index=True))  # NULL once delivered or given up
    expires_at: int | None = Field(default=None, sa_column=_seconds_or_none())
    leased_until: int = Field(default=0, sa_column=_seconds(default=0))
    tries: int = 0
    delivered_at: int | None = Field(default=None, sa_column=_seconds_or_none())
    delivered_by: str | None = None  # push, template, reply


Index("ix_notice_waiting", NoticeRow.openid, NoticeRow.delivered_at)  # type: ignore[arg-type]
