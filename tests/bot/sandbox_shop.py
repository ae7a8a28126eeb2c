"""A merchant for the tests of the pay stand-in: wechatpayv3, and a notify address using its `callback()`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wechatpayv3 import SignType, WeChatPay, WeChatPayType

from bot.sandbox.cashier import Sheet
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.http import Answer, LoopbackServer, Request, Route
from bot.sandbox.pay import PayStandIn
from tests.bot.sandbox_parts import NINE_O_CLOCK, keys

OPENID = "oSandbox0000000000000000003"
NO = "ORDER-20261123-0001"


class Shop:
    """The merchant: wechatpayv3 in public-key mode, and a notify address that checks with its `callback()`."""

    def __init__(self, pay: PayStandIn, faults: Faults) -> None:
        self.pay = pay
        self.received: list[dict[str, Any] | None] = []
        self.answers: list[int] = []
        self.notified = threading.Event()
        self.faults = faults
        self._server = LoopbackServer((Route("notify", "POST", "/pay/notify", self._notified),), Faults())
        self._server.start()
        self.notify_url = f"{self._server.url}/pay/notify"
        self.client = WeChatPay(
            WeChatPayType.JSAPI,
            keys().mch_id,
            keys().merchant_key_pem,
            keys().merchant_serial,
            keys().app_id,
            keys().api_v3_key,
            notify_url=self.notify_url,
            timeout=5,
            public_key=keys().platform_public_key_pem,
            public_key_id=keys().platform_public_key_id,
        )
        self.client._core._gate_way = pay.url

    def stop(self) -> None:
        self._server.stop()

    def order(self, no: str = NO, total: int = 50000, kind: WeChatPayType = WeChatPayType.JSAPI, **more: Any) -> Any:
        payer = {"openid": OPENID} if kind is WeChatPayType.JSAPI else None
        asked = {
            "description": "城乡居民养老保险 2026年",
            "amount": {"total": total, "currency": "CNY"},
            "payer": payer,
        }
        code, text = self.client.pay(out_trade_no=no, pay_type=kind, **{**asked, **more})
        return code, json.loads(text)

    def bridge(self, prepay_id: str, **changed: str) -> dict[str, str]:
        package = f"prepay_id={prepay_id}"
        stamp, nonce = str(int(NINE_O_CLOCK)), "a1b2c3"
        sign = self.client.sign([keys().app_id, stamp, nonce, package], SignType.RSA_SHA256)
        params = {"appId": keys().app_id, "timeStamp": stamp, "nonceStr": nonce, "package": package}
        return {**params, "signType": "RSA", "paySign": sign, **changed}

    def query(self, no: str = NO) -> dict[str, Any]:
        return dict(json.loads(self.client.query(out_trade_no=no)[1]))

    def _notified(self, request: Request) -> Answer:
        try:
            told = self.client.callback(dict(request.headers.items()), request.body)
        except Exception:
            told = None
        self.received.append(told)
        self.notified.set()
        planned = self.answers.pop(0) if self.answers else 200
        return Answer(planned if told is not None else 401)

    def sheet(self, no: str = NO) -> Sheet:
        """The cashier for this order, placed anew or again."""
        return self.pay.checkout_jsapi(self.bridge(self.order(no)[1]["prepay_id"]), OPENID)


@contextmanager
def opened_shop() -> Iterator[Shop]:
    """A shop with its own stand-in (`.pay`) and script of faults (`.faults`); it is nine o'clock."""
    faults = Faults()
    pay = PayStandIn(keys(), MovableClock(NINE_O_CLOCK), faults, knows=lambda openid: openid == OPENID).start()
    shop = Shop(pay, faults)
    try:
        yield shop
    finally:
        pay.stop()
        shop.stop()
