"""Orders at WeChat Pay: placed, paid once at most, closed; and what a merchant is told about them."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from bot.sandbox.clock import MovableClock
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_rules import EXPIRES_AT_LEAST, EXPIRES_AT_MOST, OrderTerms, wrong_field
from bot.sandbox.pay_sign import PayRefused

HANDLE_SECONDS = 7200  # how long a prepay_id or a code_url lives, whatever time_expire says
AUTO_CLOSE_SECONDS = 7 * 86400
SHANGHAI = timezone(timedelta(hours=8))


class CashierRefused(Exception):
    """The cashier shows this sentence to the payer and takes nothing."""


@dataclass
class Order:
    """One order. Times in unix seconds, amounts in fen; the lock of `Orders` guards it."""

    terms: OrderTerms
    placed_at: float
    handle: str  # prepay_id or code_url: what the present cashier sheet hangs on
    handled_at: float
    closed: bool = False
    scanned_by: str | None = None
    transaction_id: str | None = None
    openid: str | None = None  # who paid
    paid_at: float = 0.0
    bank_type: str = ""
    refund_begun: bool = False

    @property
    def expires_at(self) -> float:
        """The last moment at which it can be paid."""
        return self.terms.expires_at or self.placed_at + AUTO_CLOSE_SECONDS


class Orders:
    """All orders of the one merchant."""

    def __init__(self, keys: SandboxKeys, clock: MovableClock, knows: Callable[[str], bool]) -> None:
        """`knows` tells whether an openid belongs to this account."""
        self.lock = threading.RLock()
        self._keys = keys
        self._clock = clock
        self._knows = knows
        self._by_no: dict[str, Order] = {}
        self._by_transaction: dict[str, Order] = {}
        self._by_handle: dict[str, Order] = {}
        self._given_at: dict[str, float] = {}
        self.old_prepay_lives = False  # documented nowhere: whether a prepay_id still pays after a newer one was given
        self.late_seconds = 0.0  # how long after time_expire money is still accepted; closing is the only wall
        self.repeats_are_refused = False  # reported by developers: an identical repeat is OUT_TRADE_NO_USED

    def all(self) -> list[Order]:
        """Every order, in the order of placing. Hold the lock while reading them."""
        return list(self._by_no.values())

    def restore(self, order: Order) -> None:
        """Put in an order of an earlier start of this stand-in; no citizen and no merchant can do that."""
        with self.lock:
            self._by_no[order.terms.out_trade_no] = self._by_handle[order.handle] = order
            self._given_at[order.handle] = order.handled_at
            if order.transaction_id is not None:
                self._by_transaction[order.transaction_id] = order

    def place(self, terms: OrderTerms) -> Order:
        """A new order, or the same order again for the same words, with a new prepay_id or code (facts/wechat.md)."""
        now = self._clock.now()
        with self.lock:
            order = self._by_no.get(terms.out_trade_no)
            if order is not None:
                self._place_again(order, terms, now)
                return order
            if terms.openid is not None and not self._knows(terms.openid):
                raise PayRefused(400, "PARAM_ERROR", "无效的openid", field="/payer/openid", location="body")
            if terms.expires_at is not None and terms.expires_at - now < EXPIRES_AT_LEAST:
                raise wrong_field("time_expire", "应晚于当前时间1分钟")
            if terms.expires_at is not None and terms.expires_at - now > EXPIRES_AT_MOST:
                raise wrong_field("time_expire", "应在7天以内")
            order = Order(terms, now, _new_handle(terms, now), now)
            self._by_no[terms.out_trade_no] = self._by_handle[order.handle] = order
            self._given_at[order.handle] = now
            return order

    def _place_again(self, order: Order, terms: OrderTerms, now: float) -> None:
        if order.terms != terms or self.repeats_are_refused:
            raise PayRefused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        if order.transaction_id is not None:
            raise PayRefused(400, "ORDER_PAID", "该订单已支付")
        if self._is_closed(order, now):
            raise PayRefused(400, "ORDER_CLOSED", "该订单已关闭")
        if now >= order.expires_at:
            raise PayRefused(400, "INVALID_REQUEST", "订单已过交易结束时间")
        if terms.trade_type == "NATIVE" or not self.old_prepay_lives:
            del self._by_handle[order.handle]
        order.handle, order.handled_at, order.scanned_by = _new_handle(terms, now), now, None
        self._by_handle[order.handle] = order
        self._given_at[order.handle] = now

    def find(self, *, out_trade_no: str | None = None, transaction_id: str | None = None) -> Order:
        """The order of a number; 404 ORDER_NOT_EXIST."""
        with self.lock:
            found = self._by_no.get(out_trade_no or "") or self._by_transaction.get(transaction_id or "")
        if found is None:
            raise PayRefused(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; closing again is no error; a paid one is 400 ORDER_PAID."""
        with self.lock:
            order = self.find(out_trade_no=out_trade_no)
            if order.transaction_id is not None:
                raise PayRefused(400, "ORDER_PAID", "该订单已支付，不能关闭")
            order.closed = True

    def payable(self, handle: str) -> Order:
        """The order a cashier may show for this prepay_id or code_url now; raises CashierRefused."""
        now = self._clock.now()
        with self.lock:
            order = self._by_handle.get(handle)
            if order is None or now - self._given_at[handle] >= HANDLE_SECONDS:
                raise CashierRefused("订单已失效，请重新下单")
            if order.transaction_id is not None:
                raise CashierRefused("该订单已支付")
            if self._is_closed(order, now):
                raise CashierRefused("订单已关闭")
            if now >= order.expires_at + self.late_seconds:
                raise CashierRefused("订单已过期，请重新下单")
            return order

    def scan(self, code_url: str, openid: str) -> Order:
        """Bind a code to its first scanner; raises CashierRefused for everybody else."""
        with self.lock:
            order = self.payable(code_url)
            if order.scanned_by not in (None, openid):
                raise CashierRefused("商家订单信息有误，请重新下单支付")
            order.scanned_by = openid
            return order

    def take(self, handle: str, openid: str, bank_type: str) -> Order:
        """The money moves, once; raises CashierRefused where the order cannot be paid any more."""
        with self.lock:
            order = self.payable(handle)
            now = self._clock.now()
            day = datetime.fromtimestamp(now, SHANGHAI).strftime("%Y%m%d")
            order.transaction_id = f"4200{secrets.randbelow(10**6):06}{day}{secrets.randbelow(10**10):010}"
            order.openid, order.paid_at, order.bank_type = openid, now, bank_type
            self._by_transaction[order.transaction_id] = order
            return order

    def view(self, order: Order) -> dict[str, Any]:
        """The order as a query or a callback tells it."""
        now = self._clock.now()
        with self.lock:
            terms = order.terms
            shown: dict[str, Any] = {
                "appid": self._keys.app_id,
                "mchid": self._keys.mch_id,
                "out_trade_no": terms.out_trade_no,
            }
            if terms.attach is not None:
                shown["attach"] = terms.attach
            amount: dict[str, Any] = {"total": terms.total, "currency": "CNY"}
            if order.transaction_id is None:
                closed = self._is_closed(order, now)
                state = ("CLOSED", "订单已关闭") if closed else ("NOTPAY", "订单未支付")
                return shown | {"trade_state": state[0], "trade_state_desc": state[1], "amount": amount}
            state = ("REFUND", "订单发生过退款") if order.refund_begun else ("SUCCESS", "支付成功")
            return shown | {
                "transaction_id": order.transaction_id,
                "trade_type": terms.trade_type,
                "trade_state": state[0],
                "trade_state_desc": state[1],
                "bank_type": order.bank_type,
                "success_time": rfc3339(order.paid_at),
                "payer": {"openid": order.openid},
                "amount": amount | {"payer_total": terms.total, "payer_currency": "CNY"},
                "promotion_detail": [],
            }

    def _is_closed(self, order: Order, now: float) -> bool:
        return order.closed or now - order.placed_at >= AUTO_CLOSE_SECONDS


def rfc3339(at: float) -> str:
    """A moment (unix seconds) as WeChat Pay writes it: China's time."""
    return datetime.fromtimestamp(at, UTC).astimezone(SHANGHAI).isoformat(timespec="seconds")


def _new_handle(terms: OrderTerms, now: float) -> str:
    if terms.trade_type == "NATIVE":
        return "weixin://wxpay/bizpayurl?pr=" + secrets.token_urlsafe(9)
    return datetime.fromtimestamp(now, SHANGHAI).strftime("wx%d%H%M%S") + secrets.token_hex(13)
