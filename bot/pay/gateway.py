"""WeChat Pay v3 as this bot uses it: place, ask, close, refund, and the sheet that opens the cashier."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any

from wechatpayv3 import WeChatPayType

from bot.pay.answers import done, read, word
from bot.pay.bill_address import BillAddress, bill_address_of
from bot.pay.charge import Charge, RefundState, charge_of, refund_of
from bot.pay.gateway_errors import GatewayRefused, GatewayUnknown, NotPlaced
from bot.pay.merchant import Merchant, wechatpay
from bot.pay.rules import check_number, check_openid, check_refund_number, order_words, refund_words
from bot.pay.transport import Transport

# facts/wechat.md B1, B4, B5: old and new spellings, and the numbers that stand for "already paid"
PAID_CODES = frozenset({"ORDER_PAID", "ORDERPAID", "268449538", "268498689"})
CLOSED_CODES = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})
NO_ORDER_CODES = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
NO_REFUND_CODES = frozenset({"RESOURCE_NOT_EXISTS"})


class CloseResult(Enum):
    """What closing came to: nobody can pay it any more; it was paid before; WeChat Pay does not know the number."""

    CLOSED = "closed"
    PAID = "paid"
    UNKNOWN_NUMBER = "unknown number"


def random_nonce() -> str:
    """32 letters nobody can guess."""
    return secrets.token_hex(16)


class Gateway:
    """Amounts are fen, times aware. Every call raises GatewayUnknown or GatewayRefused; only `query` raises NotPlaced.

    `notify_url` is public_url + /pay/notify; `clock` gives seconds since 1970; `timeout` is (connect, read) in seconds.
    The constructor makes no call; it raises ValueError where a key cannot be read. Safe to share between threads.
    """

    def __init__(
        self,
        merchant: Merchant,
        notify_url: str,
        api_base: str,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = random_nonce,
        timeout: tuple[float, float] = (2, 3),
    ) -> None:
        self._app_id = merchant.app_id
        self._nonce = nonce
        self._pay = wechatpay(merchant, notify_url)
        self._transport = Transport(self._pay._core, merchant, api_base, clock, nonce, timeout)
        self._pay._core = self._transport

    def place_jsapi(
        self, out_trade_no: str, description: str, amount: int, openid: str, expires_at: datetime, attach: str = ""
    ) -> str:
        """Places an order that only `openid` can pay, in WeChat's own browser; gives its prepay_id (valid 2 h).

        `attach` is kept by WeChat Pay and given back in queries, callbacks and bills.
        """
        check_openid(openid)
        words = order_words(out_trade_no, description, amount, expires_at, attach)
        reply = self._pay.pay(**words, payer={"openid": openid}, pay_type=WeChatPayType.JSAPI)
        return word(done(*reply), "prepay_id", 64)

    def place_native(
        self, out_trade_no: str, description: str, amount: int, expires_at: datetime, attach: str = ""
    ) -> str:
        """Places an order for any phone's camera; gives the code_url to draw. Placing it again voids the old code."""
        words = order_words(out_trade_no, description, amount, expires_at, attach)
        return word(done(*self._pay.pay(**words, pay_type=WeChatPayType.NATIVE)), "code_url", 512)

    def query(self, out_trade_no: str) -> Charge:
        """What WeChat Pay knows of this number. Raises NotPlaced where it knows none."""
        check_number(out_trade_no)
        try:
            reply = done(*self._pay.query(out_trade_no=out_trade_no))
        except GatewayRefused as refused:
            if refused.code in NO_ORDER_CODES:
                raise NotPlaced("WeChat Pay knows no such order") from None
            raise
        charge = read(charge_of, reply)
        if charge.out_trade_no != out_trade_no:
            raise GatewayUnknown("the answer is about another order")
        return charge

    def close(self, out_trade_no: str) -> CloseResult:
        """Closes an unpaid order; safe to repeat. PAID means the money is there: ask with `query` and settle."""
        check_number(out_trade_no)
        try:
            done(*self._pay.close(out_trade_no))
        except GatewayRefused as refused:
            if refused.code in PAID_CODES:
                return CloseResult.PAID
            if refused.code in NO_ORDER_CODES:
                return CloseResult.UNKNOWN_NUMBER
            if refused.code not in CLOSED_CODES:
                raise
        return CloseResult.CLOSED

    def refund(self, transaction_id: str, out_refund_no: str, amount: int, total: int, reason: str) -> RefundState:
        """Gives `amount` of `total` back; safe to repeat with the same words. PROCESSING means accepted only."""
        words = refund_words(transaction_id, out_refund_no, amount, total, reason)
        return _about(out_refund_no, done(*self._pay.refund(**words)))

    def query_refund(self, out_refund_no: str) -> RefundState | None:
        """What WeChat Pay knows of this refund; None where it knows no such number."""
        check_refund_number(out_refund_no)
        try:
            reply = done(*self._pay.query_refund(out_refund_no))
        except GatewayRefused as refused:
            if refused.code in NO_REFUND_CODES:
                return None
            raise
        return _about(out_refund_no, reply)

    def trade_bill(self, day: date) -> BillAddress:
        """Where the trade bill (ALL) of a past day lies. GatewayRefused with NO_STATEMENT_EXIST, STATEMENT_CREATING."""
        return read(bill_address_of, done(*self._pay.trade_bill(day.isoformat(), "ALL", "GZIP")))

    def fund_flow_bill(self, day: date) -> BillAddress:
        """Where the fund-flow bill of the basic account lies; refused as a trade bill is."""
        return read(bill_address_of, done(*self._pay.fundflow_bill(day.isoformat(), "BASIC", "GZIP")))

    def download(self, address: BillAddress) -> Iterator[bytes]:
        """The bill's parts, packed. Always from `api_base`: our signature is given to no other host."""
        return self._transport.download(address.path)

    def sheet(self, prepay_id: str, now: float) -> dict[str, str]:
        """The six parameters of getBrandWCPayRequest, signed; `now` in seconds since 1970. No call is made."""
        moment, nonce, package = str(int(now)), self._nonce(), f"prepay_id={prepay_id}"
        return {
            "appId": self._app_id,
            "timeStamp": moment,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._transport.sign([self._app_id, moment, nonce, package]),
        }


def _about(out_refund_no: str, reply: dict[str, Any]) -> RefundState:
    state = read(refund_of, reply)
    if state.out_refund_no != out_refund_no:
        raise GatewayUnknown("the answer is about another refund")
    return state
