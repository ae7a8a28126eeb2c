"""Refunds at WeChat Pay: accepted first, done (or not) after a while, never more than was paid."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.clock import MovableClock
from bot.sandbox.pay_orders import SHANGHAI, Order, Orders, rfc3339
from bot.sandbox.pay_rules import RefundTerms
from bot.sandbox.pay_sign import PayRefused

MOST_PER_ORDER = 50
WITHIN_SECONDS = 365 * 86400
OUTCOMES = ("SUCCESS", "ABNORMAL", "CLOSED")


@dataclass
class Refund:
    """One refund; the lock of `Orders` guards it."""

    terms: RefundTerms
    order: Order
    refund_id: str
    asked_at: float
    due_at: float
    outcome: str
    status: str = "PROCESSING"
    done_at: float = 0.0


class Refunds:
    """All refunds. `seconds` (how long one takes), `outcome`, `spacing`, `tells_account` may be set at any time."""

    def __init__(self, clock: MovableClock, orders: Orders, on_done: Callable[[Refund], None]) -> None:
        self.seconds = 0.0
        self.outcome = "SUCCESS"
        self.spacing = 60.0  # seconds between two partial refunds of one order
        self.tells_account = True  # where the money goes
        self.refused_above_total = "INVALID_REQUEST"  # the code where more is asked back than is left
        self.merchant_is_short = False  # True: 403 NOT_ENOUGH
        self._clock = clock
        self._orders = orders
        self._on_done = on_done
        self._by_no: dict[str, Refund] = {}
        self._of_order: dict[str, list[Refund]] = {}
        self._processing: list[Refund] = []

    def all(self) -> list[Refund]:
        """Every refund, in the order of asking, brought up to date."""
        self.settle_due()
        with self._orders.lock:
            return list(self._by_no.values())

    def ask(self, terms: RefundTerms) -> dict[str, Any]:
        """Accept a refund, or repeat what became of the one with this number."""
        self.settle_due()
        now = self._clock.now()
        with self._orders.lock:
            known = self._by_no.get(terms.out_refund_no)
            if known is not None:
                if known.terms != terms:
                    raise PayRefused(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
                return self.view(known)
            refund = self._accept(terms, self._order(terms), now)
            self._by_no[terms.out_refund_no] = refund
            self._of_order.setdefault(refund.order.terms.out_trade_no, []).append(refund)
            self._processing.append(refund)
            refund.order.refund_begun = True
            return self.view(refund)

    def from_console(self, out_trade_no: str, amount: int, notify_url: str | None = None, number: str = "") -> Refund:
        """Staff give money back in the merchant console: no minute between two, a number of WeChat Pay's own making.

        `notify_url` is where a callback goes; None: nowhere (the console's own address would get v2 XML).
        """
        order = self._orders.find(out_trade_no=out_trade_no)
        number = number or f"{secrets.randbelow(10**18):018}"
        terms = RefundTerms(number, order.transaction_id, None, "商户平台退款", notify_url, amount, order.terms.total)
        spacing, self.spacing = self.spacing, 0.0
        try:
            self.ask(terms)
        finally:
            self.spacing = spacing
        return self._by_no[number]

    def query(self, out_refund_no: str) -> dict[str, Any]:
        """What became of a refund; 404 RESOURCE_NOT_EXISTS."""
        self.settle_due()
        with self._orders.lock:
            if out_refund_no not in self._by_no:
                raise PayRefused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            return self.view(self._by_no[out_refund_no])

    def settle_due(self) -> None:
        """Finish the refunds whose time has come, and tell of them."""
        now = self._clock.now()
        with self._orders.lock:
            done = [refund for refund in self._processing if refund.due_at <= now]
            self._processing = [refund for refund in self._processing if refund.due_at > now]
            for refund in done:
                refund.status, refund.done_at = refund.outcome, now
                of_order = self._of_order[refund.order.terms.out_trade_no]
                refund.order.refund_begun = any(each.status != "CLOSED" for each in of_order)
        for refund in done:
            self._on_done(refund)

    def view(self, refund: Refund) -> dict[str, Any]:
        """The refund as an answer tells it (a callback says `refund_status` instead of `status`)."""
        total, paid_back = refund.order.terms.total, refund.terms.refund
        shown: dict[str, Any] = {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.terms.out_refund_no,
            "transaction_id": refund.order.transaction_id,
            "out_trade_no": refund.order.terms.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱" if refund.order.bank_type == "OTHERS" else "工商银行借记卡0001",
            "create_time": rfc3339(refund.asked_at),
            "status": refund.status,
            "funds_account": "UNSETTLED",
            "amount": {
                "total": total,
                "refund": paid_back,
                "payer_total": total,
                "payer_refund": paid_back,
                "settlement_refund": paid_back,
                "settlement_total": total,
                "discount_refund": 0,
                "currency": "CNY",
            },
        }
        if not self.tells_account:
            del shown["user_received_account"]
        return shown | ({"success_time": rfc3339(refund.done_at)} if refund.status == "SUCCESS" else {})

    def _order(self, terms: RefundTerms) -> Order:
        try:
            order = self._orders.find(out_trade_no=terms.out_trade_no, transaction_id=terms.transaction_id)
        except PayRefused as missing:
            raise PayRefused(404, "RESOURCE_NOT_EXISTS", "订单不存在") from missing
        if order.transaction_id is None:
            raise PayRefused(400, "INVALID_REQUEST", "订单未支付，不能退款")
        return order

    def _accept(self, terms: RefundTerms, order: Order, now: float) -> Refund:
        of_order = self._of_order.get(order.terms.out_trade_no, [])
        earlier = [each for each in of_order if each.status != "CLOSED"]
        if now - order.paid_at > WITHIN_SECONDS:
            raise PayRefused(400, "INVALID_REQUEST", "订单已超过可退款的最长期限")
        if terms.total != order.terms.total:
            raise PayRefused(400, "INVALID_REQUEST", "订单金额不一致，请检查后再试")
        if sum(each.terms.refund for each in earlier) + terms.refund > order.terms.total:
            raise PayRefused(400, self.refused_above_total, "申请退款金额大于可退金额")
        if len(earlier) >= MOST_PER_ORDER:
            raise PayRefused(400, "INVALID_REQUEST", "部分退款次数超限")
        if earlier and now - max(each.asked_at for each in earlier) < self.spacing:
            raise PayRefused(429, "FREQUENCY_LIMITED", "同一订单退款请求过于频繁，请1分钟后再试")
        if self.merchant_is_short:
            raise PayRefused(403, "NOT_ENOUGH", "商户余额不足")
        day = datetime.fromtimestamp(now, SHANGHAI).strftime("%Y%m%d")
        refund_id = f"5030{secrets.randbelow(10**7):07}{day}{secrets.randbelow(10**10):010}"
        return Refund(terms, order, refund_id, now, now + self.seconds, self.outcome)
