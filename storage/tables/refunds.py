"""Money that goes back to payers, each refund with its own number for ever."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, seconds, seconds_or_none


class RefundRow(SQLModel, table=True):
    """退款: one `out_refund_no` at WeChat Pay; stored before WeChat Pay is called and never reworded."""

    __tablename__ = "refund"

    out_refund_no: str = Field(primary_key=True)
    owes: str | None = Field(default=None, unique=True)  # the debt, while this is the one refund that may pay it
    out_trade_no: str = Field(foreign_key="attempt.out_trade_no", index=True)
    order_no: str = Field(foreign_key="pay_order.no", index=True)
    payment_id: int | None = Field(default=None, foreign_key="payment.id", index=True)  # NULL: it settled nothing
    line_no: int | None = None
    amount: int = Field(sa_column=fen())
    # due, refunding, refunded, abnormal, closed, dropped; begun elsewhere: elsewhere (its lines are known), unassigned
    state: str = Field(index=True)
    refund_id: str = Field(default="", index=True)  # WeChat Pay's own number, of refunds begun elsewhere
    given_back_by: str = ""  # the refund begun elsewhere that gave this money back, or "transfer": outside WeChat Pay
    ended_by: str = ""  # the operator who recorded that the money was given back by other means
    ended_why: str = ""
    asked_at: int = Field(sa_column=seconds())
    asked_by: str = ""  # the operator; "" for what goes back by itself
    why: str = ""  # the operator's words, for the books
    replaces: str | None = None  # the number WeChat Pay had closed, asked about once more before this one is used
    called_at: int | None = Field(default=None, sa_column=seconds_or_none())  # when WeChat Pay was last asked to pay
    look_at: int = Field(sa_column=seconds())  # when WeChat Pay is asked next what became of it
    refunded_at: int | None = Field(default=None, sa_column=seconds_or_none())
    account: str = ""  # where it went, in WeChat Pay's words
