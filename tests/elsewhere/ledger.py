"""What WeChat Pay knows of orders and refunds, and the words in which it tells of them (facts/wechat.md B3, B4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "订单发生过退款"}


@dataclass
class Refund:
    """One refund; amounts in fen."""

    out_refund_no: str
    refund_id: str
    words: dict[str, Any]  # as it was asked for
    amount: int
    created: datetime
    status: str = "PROCESSING"
    done: datetime | None = None
    account: str = "支付用户零钱"


@dataclass
class Order:
    """One order, known by its `out_trade_no`."""

    trade_type: str  # JSAPI or NATIVE
    words: dict[str, Any]  # as it was placed
    placed: datetime
    state: str = "NOTPAY"
    prepay_id: str = ""  # the newest
    prepay_ids: list[str] = field(default_factory=list)  # all that were given, in order
    code_url: str = ""
    scanned_by: str = ""
    paid_by: str = ""
    transaction_id: str = ""
    paid: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def no(self) -> str:
        return str(self.words["out_trade_no"])

    @property
    def total(self) -> int:
        return int(self.words["amount"]["total"])

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.words["time_expire"])

    @property
    def left(self) -> int:
        """What was not given back yet, in fen."""
        return self.total - sum(one.amount for one in self.refunds if one.status not in ("CLOSED", "ABNORMAL"))

    def told(self) -> dict[str, Any]:
        """The answer to a query, and what a callback holds."""
        told: dict[str, Any] = {
            "appid": self.words["appid"],
            "mchid": self.words["mchid"],
            "out_trade_no": self.no,
            "trade_state": "REFUND" if self.refunds else self.state,
            "trade_state_desc": STATES["REFUND" if self.refunds else self.state],
            "attach": self.words.get("attach", ""),
            "promotion_detail": [],
            "amount": {"total": self.total, "currency": "CNY"},
            "payer": {},
        }
        if self.paid is not None:
            told |= {
                "transaction_id": self.transaction_id,
                "trade_type": self.trade_type,
                "bank_type": "OTHERS",
                "success_time": self.paid.isoformat(timespec="seconds"),
                "payer": {"openid": self.paid_by},
                "amount": {
                    "total": self.total,
                    "payer_total": self.total,
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
            }
        return told

    def refund_told(self, refund: Refund) -> dict[str, Any]:
        """The answer to asking for a refund, and to a query."""
        told: dict[str, Any] = {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.no,
            "channel": "ORIGINAL",
            "user_received_account": refund.account,
            "create_time": refund.created.isoformat(timespec="seconds"),
            "status": refund.status,
            "funds_account": "AVAILABLE",
            "amount": {
                "total": self.total,
                "refund": refund.amount,
                "from": [],
                "payer_total": self.total,
                "payer_refund": refund.amount,
                "settlement_refund": refund.amount,
                "settlement_total": self.total,
                "discount_refund": 0,
                "currency": "CNY",
            },
            "promotion_detail": [],
        }
        return told | ({"success_time": refund.done.isoformat(timespec="seconds")} if refund.done else {})

    def refund_notice(self, refund: Refund) -> dict[str, Any]:
        """What a REFUND.* callback holds: other names than the answers."""
        notice: dict[str, Any] = {
            "mchid": self.words["mchid"],
            "out_trade_no": self.no,
            "transaction_id": self.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_status": refund.status,
            "user_received_account": refund.account,
            "amount": {
                "total": self.total,
                "refund": refund.amount,
                "payer_total": self.total,
                "payer_refund": refund.amount,
            },
        }
        return notice | ({"success_time": refund.done.isoformat(timespec="seconds")} if refund.done else {})
