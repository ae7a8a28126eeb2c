"""WeChat Pay's half of the sandbox: the v3 API, the cashier, the callbacks, and the books to compare with."""

import time
from collections.abc import Callable, Mapping

from bot.sandbox.bill_desk import BillDesk
from bot.sandbox.books import Books, books
from bot.sandbox.callbacks import Callback, Callbacks
from bot.sandbox.cashier import Sheet, check_bridge
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.http import Answer, LoopbackServer, Request, Route
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import Order, Orders
from bot.sandbox.pay_refunds import Refund, Refunds
from bot.sandbox.pay_rules import json_object, merchant, order_terms, refund_terms
from bot.sandbox.pay_sign import Merchants, PayRefused, Platform

_FAULT_CODES = {429: "FREQUENCY_LIMITED", 500: "SYSTEM_ERROR", 502: "SERVICE_UNAVAILABLE"}


class PayStandIn:
    """Answers like api.mch.weixin.qq.com for one merchant, as strictly; `start()` it, then open cashiers."""

    def __init__(
        self,
        keys: SandboxKeys,
        clock: MovableClock,
        faults: Faults,
        *,
        knows: Callable[[str], bool] = lambda openid: True,
        on_paid: Callable[[str], None] = lambda openid: None,
        machine_clock: Callable[[], float] = time.time,
    ) -> None:
        """`knows`: is this an openid of the account. `on_paid` is told who paid.

        Orders and answers go by `clock`. Requests are judged by `machine_clock`, because clients stamp them with the
        machine's time, which no test can move.
        """
        self.keys = keys
        self.clock = clock
        self.platform = Platform(keys, clock.now)
        self.orders = Orders(keys, clock, knows)
        self.refunds = Refunds(clock, self.orders, self._refunded)
        self.callbacks = Callbacks(clock, faults, self.platform)
        self._merchants = Merchants(keys, machine_clock)
        self._on_paid = on_paid
        self.bills = BillDesk(keys, clock, self.orders, self.refunds)
        orders = "/v3/pay/transactions"
        refunds = "/v3/refund/domestic/refunds"
        self._server = LoopbackServer(
            (
                self._route("pay.jsapi", "POST", f"{orders}/jsapi", lambda request: self._place(request, "JSAPI")),
                self._route("pay.native", "POST", f"{orders}/native", lambda request: self._place(request, "NATIVE")),
                self._route("pay.query", "GET", orders + "/out-trade-no/{no}", self._query),
                self._route("pay.query_by_id", "GET", orders + "/id/{transaction_id}", self._query),
                self._route("pay.close", "POST", orders + "/out-trade-no/{no}/close", self._close),
                self._route("pay.refund", "POST", refunds, self._refund),
                self._route("pay.refund_query", "GET", refunds + "/{no}", self._query_refund),
                self._route("pay.tradebill", "GET", "/v3/bill/tradebill", lambda r: self.bills.ask(r.query, self.url)),
                self._route(
                    "pay.fundflowbill",
                    "GET",
                    "/v3/bill/fundflowbill",
                    lambda r: self.bills.ask_funds(r.query, self.url),
                ),
                Route("pay.download", "GET", "/v3/billdownload/file", self._guarded(self._download)),
                Route("pay.certificates", "GET", "/v3/certificates", self._guarded(self._certificates)),
            ),
            faults,
            lambda status: PayRefused(status, _FAULT_CODES[status], "系统繁忙，请稍后再试").answer,
        )

    @property
    def url(self) -> str:
        """What `[pay] api_base` is set to."""
        return self._server.url

    def start(self) -> "PayStandIn":
        """Begin to answer. Callbacks wait for `deliver_due` or `start_delivering`."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering and calling back."""
        self.callbacks.stop()
        self._server.stop()

    def checkout_jsapi(self, params: Mapping[str, object], openid: str) -> Sheet:
        """The cashier as getBrandWCPayRequest opens it; raises CashierRefused with WeChat's words."""
        order, prepay_id = check_bridge(params, openid, self.keys, self.orders)
        return Sheet(self.orders, order, prepay_id, openid, self._paid)

    def scan(self, code_url: str, openid: str) -> Sheet:
        """The cashier as the camera opens it from a Native code; the first scanner keeps the order."""
        return Sheet(self.orders, self.orders.scan(code_url, openid), code_url, openid, self._paid)

    def deliver_due(self) -> int:
        """Send the callbacks that are due by the clock; gives back how many tries that were."""
        self.refunds.settle_due()
        return self.callbacks.deliver_due()

    def start_delivering(self) -> None:
        """Send callbacks from the background as they fall due."""
        self.callbacks.start(before=self.refunds.settle_due)

    def deliveries(self) -> list[Callback]:
        """Every callback with what became of its tries."""
        return self.callbacks.all()

    def books(self) -> Books:
        """All money taken and given back."""
        refunds = self.refunds.all()
        with self.orders.lock:
            return books(self.orders.all(), refunds)

    def _route(
        self, name: str, method: str, pattern: str, answer: Callable[[Request], Mapping[str, object] | None]
    ) -> Route:
        def signed(request: Request) -> Answer:
            self._merchants.check(request)
            return self.platform.answer(answer(request), request.fired)

        return Route(name, method, pattern, self._guarded(signed))

    def _guarded(self, answer: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        def guarded(request: Request) -> Answer:
            try:
                return answer(request)
            except PayRefused as refusal:
                return refusal.answer

        return guarded

    def _place(self, request: Request, trade_type: str) -> dict[str, object]:
        order = self.orders.place(order_terms(json_object(request), trade_type, self.keys))
        return {"prepay_id" if trade_type == "JSAPI" else "code_url": order.handle}

    def _query(self, request: Request) -> dict[str, object]:
        if set(request.query) != {"mchid"}:
            raise PayRefused(400, "PARAM_ERROR", "缺少商户号")
        merchant(request.query, self.keys)
        params = request.params
        order = self.orders.find(out_trade_no=params.get("no"), transaction_id=params.get("transaction_id"))
        return self.orders.view(order)

    def _close(self, request: Request) -> None:
        asked = json_object(request)
        if set(asked) != {"mchid"}:
            raise PayRefused(400, "PARAM_ERROR", "缺少商户号")
        merchant(asked, self.keys)
        if Fault.NOT_DONE in request.fired:
            self.orders.find(out_trade_no=request.params["no"])
            return
        self.orders.close(request.params["no"])

    def _refund(self, request: Request) -> dict[str, object]:
        return self.refunds.ask(refund_terms(json_object(request)))

    def _query_refund(self, request: Request) -> dict[str, object]:
        if request.query:
            raise PayRefused(400, "PARAM_ERROR", "无此参数")
        return self.refunds.query(request.params["no"])

    def _download(self, request: Request) -> Answer:
        self._merchants.check(request, signed_answer=False)
        return self.bills.download(request.query.get("token", ""))

    def _certificates(self, request: Request) -> Answer:
        self._merchants.check(request, signed_answer=False)
        raise PayRefused(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥")

    def _paid(self, order: Order) -> None:
        told = self.orders.view(order)
        told["trade_state"], told["trade_state_desc"] = "SUCCESS", "支付成功"
        url = order.terms.notify_url
        self.callbacks.put("callback.payment", url, "TRANSACTION.SUCCESS", "支付成功", "transaction", told)
        self._on_paid(order.openid or "")

    def _refunded(self, refund: Refund) -> None:
        if refund.terms.notify_url is None:
            return  # the console's address would get v2 XML (facts/wechat.md B3); this merchant has set none
        shown = self.refunds.view(refund)
        names = (
            "out_trade_no",
            "transaction_id",
            "out_refund_no",
            "refund_id",
            "success_time",
            "user_received_account",
        )
        told = {"mchid": self.keys.mch_id, "refund_status": refund.status}
        told |= {name: shown[name] for name in names if name in shown}
        amount = {name: shown["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")}
        summary = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}[refund.status]
        url = refund.terms.notify_url
        told_all = told | {"amount": amount}
        self.callbacks.put("callback.refund", url, f"REFUND.{refund.status}", summary, "refund", told_all)
