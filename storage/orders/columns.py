"""The tables of money as SQLAlchemy Core sees them, and the states their rows pass through."""

from __future__ import annotations

from storage.database import table_of
from storage.tables import (
    AttemptRow,
    DiscrepancyRow,
    ExportFileRow,
    ExportLineRow,
    LedgerRow,
    NoticeRow,
    OrderLineRow,
    OrderRow,
    PaymentRow,
    RefundRow,
)

ORDER = table_of(OrderRow)
LINE = table_of(OrderLineRow)
ATTEMPT = table_of(AttemptRow)
PAYMENT = table_of(PaymentRow)
LEDGER = table_of(LedgerRow)
REFUND = table_of(RefundRow)
EXPORT = table_of(ExportLineRow)
FILE = table_of(ExportFileRow)
NOTICE = table_of(NoticeRow)
DISCREPANCY = table_of(DiscrepancyRow)

# Attempts at which WeChat Pay may still take money (design, "Money").
PLACING, PLACED, CLOSING, CLOSED, PAID = "placing", "placed", "closing", "closed", "paid"
REFUND_DUE, REFUNDING, REFUNDED = "refund_due", "refunding", "refunded"
RUNNING = (PLACING, PLACED, CLOSING)

# Refunds: waiting to be called, accepted, through, not possible by itself, closed by WeChat Pay, given up for another.
DUE, ABNORMAL, DROPPED = "due", "abnormal", "dropped"
ELSEWHERE, UNASSIGNED = "elsewhere", "unassigned"  # refunds begun elsewhere: of known lines, or of unknown ones yet
TRANSFER = "transfer"  # `given_back_by` of money that was given back outside WeChat Pay
OUTSTANDING = (DUE, REFUNDING, ABNORMAL, CLOSED)

# Seconds after placing at which WeChat Pay is asked what became of it (facts/wechat.md B4, scheme 1).
LOOK_AFTER = (5, 30, 60, 180, 300, 600, 1800)
