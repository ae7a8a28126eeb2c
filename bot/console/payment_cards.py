"""Which order a payment card is for, told by the code in its picture: what a camera does."""

from __future__ import annotations

from dataclasses import replace

from bot.console.family import Card
from bot.console.qr_blocks import modules_in, modules_of
from bot.notices.card import MASK
from bot.sandbox.both import Sandbox
from bot.sandbox.pay_orders import CashierRefused, Order
from bot.sandbox.refusals import Refused

UNKNOWN_CODE = "weixin://wxpay/bizpayurl?pr="  # the cashier refuses it like every code that was replaced


class Cards:
    """The cards of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def card(self, media_id: str) -> Card | None:
        """What the picture shows; None where it holds no code or is no longer kept."""
        modules = self._modules(media_id)
        if modules is None:
            return None
        order = self._order(modules)
        seen = Card(modules)
        if order is None:
            return seen
        terms = order.terms
        seen = replace(seen, amount=terms.total, description=terms.description, expires_at=order.expires_at)
        try:
            self._sandbox.pay.orders.payable(order.handle)
        except CashierRefused:
            return seen
        return replace(seen, over=False)

    def code_url(self, media_id: str) -> str:
        """What the code says."""
        modules = self._modules(media_id)
        order = None if modules is None else self._order(modules)
        return UNKNOWN_CODE if order is None else order.handle

    def _modules(self, media_id: str) -> tuple[str, ...] | None:
        try:
            return modules_in(self._sandbox.wechat.media.picture(media_id).content)
        except Refused:
            return None

    def _order(self, modules: tuple[str, ...]) -> Order | None:
        with self._sandbox.pay.orders.lock:
            native = [order for order in self._sandbox.pay.orders.all() if order.terms.trade_type == "NATIVE"]
        return next((order for order in reversed(native) if modules_of(order.handle, MASK) == modules), None)
