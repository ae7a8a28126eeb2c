"""How reports name things: verdicts and kinds, for operators."""

from __future__ import annotations

from storage.reconciliation.columns import (
    AMOUNT,
    BILL_SUM,
    CLOSED,
    DUPLICATE,
    EXPLAINED,
    MATCHED,
    OPEN,
    OURS_ONLY,
    PAYMENT,
    REFUND,
    STATE,
    THEIRS_ONLY,
)

KINDS = {PAYMENT: "收款", REFUND: "退款"}
VERDICTS = {
    MATCHED: "相符",
    THEIRS_ONLY: "只有账单有",
    OURS_ONLY: "只有账上有",
    AMOUNT: "金额不符",
    STATE: "状态不符",
    DUPLICATE: "重复",
}
DISCREPANCIES = VERDICTS | {
    BILL_SUM: "账单明细与汇总不符",
    "fund_payments": "资金账单：收款不符",
    "fund_refunds": "资金账单：退款不符",
    "fund_fees": "资金账单：手续费不符",
    "fund_sum": "资金账单明细与汇总不符",
    "refund": "退款要人处理",
    "unknown_number": "没有这个商户订单号",
    "agency_refused": "经办机构拒收",
    "not_ours": "不是这个商户号或公众号",
    "amount": "付款金额不符",
    "second_transaction": "同一单号有第二笔付款",
    "transaction_of_another": "微信单号已记在别的单上",
}
STATES = {OPEN: "待核对", EXPLAINED: "已说明", CLOSED: "已了结"}
FLOWS = {"fund_payments": "收款", "fund_refunds": "退款", "fund_fees": "手续费"}


def word(words: dict[str, str], key: str) -> str:
    """The word, or the key where another release has one more."""
    return words.get(key, key)
