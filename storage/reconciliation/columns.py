"""The tables of reconciliation as SQLAlchemy Core sees them, and the words their rows use."""

from __future__ import annotations

from storage.database import table_of
from storage.tables import BillLineRow, BillRow

BILL = table_of(BillRow)
BILL_LINE = table_of(BillLineRow)

TRADE, FUND_FLOW = "trade", "fund_flow"  # kinds of bill: 交易账单, 资金账单
PAYMENT, REFUND = "payment", "refund"  # kinds of row, as in the ledger

# What became of a row. All but the first are kinds of discrepancy.
MATCHED = "matched"
THEIRS_ONLY, OURS_ONLY = "bill_theirs_only", "bill_ours_only"  # 长款, 短款
AMOUNT, STATE, DUPLICATE = "bill_amount", "bill_state", "bill_duplicate"
OF_LINES = (THEIRS_ONLY, OURS_ONLY, AMOUNT, STATE, DUPLICATE)
BILL_SUM = "bill_sum"  # the bill's rows do not come to its own summary row
OF_SETTLING = ("unknown_number", "not_ours", "amount", "second_transaction", "transaction_of_another")  # `settle`
OF_FUNDS = ("fund_payments", "fund_refunds", "fund_fees", "fund_sum")  # the second witness says otherwise
OF_BILLS = (*OF_LINES, BILL_SUM, *OF_FUNDS)
OF_REFUNDS = "refund"  # one that WeChat Pay could not bring to its end by itself

OPEN, EXPLAINED, CLOSED = "open", "explained", "closed"
BY_ITSELF = "对账"  # who closed what a later look no longer finds
