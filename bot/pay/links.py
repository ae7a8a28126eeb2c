"""The pay link `/pay/<token>`: a signed token in place of the order's number, and what opening it shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer

from bot.pay.cashier import placed_attempt
from bot.pay.hand_off import hand_off_page, plain_sentence
from bot.pay.till import Till
from bot.wire.signed_tokens import read_token
from dialogs.texts import say
from dialogs.world import OrderState, Unavailable
from storage.database import reading, writing
from storage.orders.attempts import attempt_place, begin_anew
from storage.orders.rows import order_of

Page = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True)
class PayLinks:
    """Makes and opens pay links. `public_url` is where citizens reach this bot; `clock` gives unix seconds."""

    till: Till
    key: bytes
    public_url: str
    clock: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep

    def url(self, order_no: str) -> str:
        """The link of an order; it says nothing about who pays for whom."""
        return f"{self.public_url.rstrip('/')}/pay/{self._signer().sign(order_no).decode()}"

    def open(self, token: str, user_agent: str, failed: str = "") -> Page:
        """What the link shows now: the hand-off to WeChat's cashier, or one plain sentence.

        `failed` is the page's own report that WeChat's cashier failed for this attempt: a new one follows, and the
        answer is empty. Whether it is true cannot be known; the old attempt is closed at WeChat Pay first either way.
        """
        try:
            order_no = read_token(self._signer(), token)
        except (BadSignature, UnicodeError):
            return self._sentence(404, "pay.unknown")
        if "MicroMessenger" not in user_agent:
            return self._sentence(200, "pay.outside")
        try:
            return self._renew(order_no, failed) if failed else self._cashier(order_no)
        except Unavailable:
            return self._sentence(503, "pay.busy")

    def _cashier(self, order_no: str) -> Page:
        with reading(self.till.engine) as connection:
            order = order_of(connection, order_no)
        if order is None:
            return self._sentence(404, "pay.unknown")
        if order.state == OrderState.PAID:
            return self._sentence(200, "pay.paid")
        if order.state != OrderState.OPEN or self.clock() >= order.expires_at:
            return self._sentence(200, "pay.expired")
        if order.channel != "jsapi":
            return self._sentence(200, "pay.card")
        attempt = placed_attempt(self.till, order_no, self.sleep)
        if attempt is None or not attempt.prepay_id:
            return self._sentence(503, "pay.busy")
        texts = {"title": say("card.title_link"), "opening": say("pay.opening"), "failed": say("pay.failed")}
        sheet = self.till.gateway.sheet(attempt.prepay_id, self.clock())
        body, headers = hand_off_page(sheet, texts, attempt_place(attempt.out_trade_no))
        return 200, headers, body

    def _renew(self, order_no: str, failed: str) -> Page:
        if failed.isascii() and failed.isdecimal() and len(failed) <= 3:
            with writing(self.till.engine) as connection:
                begin_anew(connection, order_no, int(self.clock()), f"{order_no}-{failed}")
        return 204, {"Cache-Control": "no-store"}, b""

    def _sentence(self, status: int, key: str) -> Page:
        body, headers = plain_sentence(say("card.title_link"), say(key))
        return status, headers, body

    def _signer(self) -> Signer:
        return Signer(self.key, salt="pay-link", sep=".")
