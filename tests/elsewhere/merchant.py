"""WeChat Pay's side of one merchant number, public-key mode: api.mch.weixin.qq.com, from the documents alone."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.elsewhere.bills import Bills
from tests.elsewhere.callbacks import Callbacks
from tests.elsewhere.crypt import SigningKey, verified, word
from tests.elsewhere.ground import Bell, Clock, Violations, strict_json
from tests.elsewhere.ledger import Order, Refund
from tests.elsewhere.listening import Answer, Listener, Request
from tests.elsewhere.rules import AUTHORIZATION, NONCE, PayRefused, Rules

ORDERS = "/v3/pay/transactions/"
REFUNDS = "/v3/refund/domestic/refunds"
SKEW = 300
PREPAY = timedelta(hours=2)


class Merchant:
    """One merchant. `notify_url` is where callbacks go by the merchant's word, `bot_url` where that really is."""

    def __init__(
        self, clock: Clock, violations: Violations, bell: Bell, app_id: str, notify_url: str, bot_url: str
    ) -> None:
        self.app_id, self.mch_id = app_id, "1900009191"
        self.serial_no, self.api_v3_key = secrets.token_hex(20).upper(), word(32)
        self.key, self.platform_key = SigningKey(), SigningKey()
        self.platform_key_id = f"PUB_KEY_ID_0{self.mch_id}2026112600"
        self.clock, self.violations, self.bell = clock, violations, bell
        self.orders: dict[str, Order] = {}
        self.asked: list[str] = []  # method and path, in order
        self.gates: dict[str, threading.Event] = {}  # name of a call: answered once this is set
        self.trouble: dict[
            str, deque[tuple[int, str]]
        ] = {}  # how a path ends: status and code of the next answers there
        self.bills = Bills(self)
        self.callbacks = Callbacks(self, notify_url, bot_url)
        self._rules = Rules(violations, app_id, self.mch_id, notify_url)
        self.old_prepay_lives = False  # after a newer one was given; documented nowhere, so tests play both
        self.late = timedelta()  # how long after time_expire money is still accepted
        self.repeats_are_refused = False  # an identical repeat is OUT_TRADE_NO_USED, as some developers report
        self._nonces: set[str] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self.server = Listener(self._answer)

    # -- what happens at WeChat Pay

    def order_of(self, *, prepay_id: str = "", code_url: str = "") -> Order:
        """The order this was given for."""
        with self._lock:
            [found] = [
                one
                for one in self.orders.values()
                if (prepay_id and self._opens(one, prepay_id)) or (code_url and one.code_url == code_url)
            ]
        return found

    def _opens(self, order: Order, prepay_id: str) -> bool:
        """Whether the cashier opens this order for the prepay_id."""
        return prepay_id == order.prepay_id or (self.old_prepay_lives and prepay_id in order.prepay_ids)

    def orders_of(self, openid: str) -> list[Order]:
        """The orders that only this citizen can pay."""
        return [one for one in self.orders.values() if one.words.get("payer") == {"openid": openid}]

    def pay(self, order: Order, openid: str, *, told: bool = True) -> None:
        """Somebody gives the password; `told`: the callback is sent as well."""
        with self._lock:
            now = self.clock.beijing()
            assert order.state == "NOTPAY", f"WeChat says: {order.state}"
            assert now < order.expires + self.late, "WeChat says: 订单已过期"
            order.state, order.paid, order.paid_by = "SUCCESS", now, openid
            order.transaction_id = f"4200{now:%Y%m%d%H%M%S}{next(self._numbers):010}"
        if told:
            self.callbacks.payment(order)
        self.bell.ring()

    def finish_refund(self, order: Order, end: str = "SUCCESS") -> None:
        """The banks have done their part of this order's refunds: SUCCESS, CLOSED or ABNORMAL."""
        with self._lock:
            waiting = [one for one in order.refunds if one.status == "PROCESSING"]
            for refund in waiting:
                refund.status = end
                refund.done = self.clock.beijing() if end == "SUCCESS" else None
        for refund in waiting:
            self.callbacks.refund(order, refund)

    def hold(self, call: str) -> threading.Event:
        """The next answers to this call wait until the event is set, at most two seconds (the bot waits three)."""
        self.gates[call] = threading.Event()
        return self.gates[call]

    # -- the wire

    def _answer(self, request: Request) -> Answer:
        name, call = self._call(request)
        with self._lock:
            self.asked.append(f"{request.method} {request.path}")
        self.bell.ring()
        try:
            if call is None:
                self.violations.note(f"{request.method} {request.target}: the bot has no business there")
                return Answer(404)
            self._check(request)
            if gate := self.gates.get(name):
                gate.wait(2)
            self._be_in_trouble(request.path)
            with self._lock:
                said = call(request)
        except PayRefused as refused:
            told = {"code": refused.code, "message": refused.message}
            body = json.dumps(told, ensure_ascii=False).encode()
            return Answer(refused.status, body, {"Content-Type": "application/json; charset=utf-8"})
        if isinstance(said, Answer):
            return said
        return self.signed(json.dumps(said, ensure_ascii=False).encode() if said is not None else b"")

    def _be_in_trouble(self, path: str) -> None:
        with self._lock:
            answers = next((left for end, left in list(self.trouble.items()) if left and path.endswith(end)), None)
            if answers:
                status, code = answers.popleft()
                raise PayRefused(status, code, "as the test wishes")

    def _call(self, request: Request) -> tuple[str, Callable[[Request], Any] | None]:
        """Its name and what answers it."""
        post, path = request.method == "POST", request.path
        if post and path in (ORDERS + "jsapi", ORDERS + "native"):
            return "place", self._place
        if post and path.startswith(f"{ORDERS}out-trade-no/") and path.endswith("/close"):
            return "close", self._close
        if not post and path.startswith(f"{ORDERS}out-trade-no/"):
            return "query", self._query
        if post and path == REFUNDS:
            return "refund", self._refund
        if not post and path.startswith(f"{REFUNDS}/"):
            return "refund query", self._query_refund
        if not post and path in ("/v3/bill/tradebill", "/v3/bill/fundflowbill"):
            return "bill", self.bills.address
        if not post and path == "/v3/billdownload/file":
            return "download", self.bills.file
        return "", None

    def signed(self, body: bytes) -> Answer:
        """A good answer: 200, or 204 without a body; signed with the platform's key."""
        moment, nonce = str(int(self.clock.now())), word(32)
        headers = {
            "Wechatpay-Serial": self.platform_key_id,
            "Wechatpay-Signature": self.platform_key.sign(moment, nonce, body.decode()),
            "Wechatpay-Timestamp": moment,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            "Request-ID": word(30),
        }
        return Answer(200 if body else 204, body, headers | ({"Content-Type": "application/json"} if body else {}))

    def _check(self, request: Request) -> None:
        """Signature and headers of any request."""
        what, headers = f"{request.method} {request.path}", request.headers
        for name in request.twice:
            self.violations.note(f"{what}: {name} stands twice")
        download = request.path.startswith("/v3/billdownload/")
        wanted = "*/*" if download else "application/json"
        self.violations.unless(headers.get("accept") == wanted, f"{what}: Accept is {headers.get('accept')!r}")
        self.violations.unless(headers.get("user-agent"), f"{what}: no User-Agent")
        serial = headers.get("wechatpay-serial")
        self.violations.unless(serial == self.platform_key_id, f"{what}: Wechatpay-Serial is {serial!r}")
        if request.method == "POST":
            kind = headers.get("content-type")
            self.violations.unless(kind == "application/json", f"{what}: Content-Type is {kind!r}")
        self.violations.unless(request.method != "GET" or not request.body, f"{what}: a GET with a body")
        if not self._is_signed(what, request):
            raise PayRefused(401, "SIGN_ERROR", "签名错误")

    def _is_signed(self, what: str, request: Request) -> bool:
        found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if not self.violations.unless(found, f"{what}: Authorization is of another form"):
            return False
        assert found
        mch_id, nonce, signature, moment, serial = found.groups()
        whose = (mch_id, serial) == (self.mch_id, self.serial_no)
        now = moment.isdigit() and self.clock.near(int(moment), SKEW)
        with self._lock:
            fresh = bool(NONCE.fullmatch(nonce)) and nonce not in self._nonces
            self._nonces.add(nonce)
        body = request.body.decode("utf-8", "replace")
        right = verified(self.key.public, signature, request.method, request.target, moment, nonce, body)
        return all(
            [
                self.violations.unless(whose, f"{what}: another mchid or serial_no"),
                self.violations.unless(now, f"{what}: signed at another time"),
                self.violations.unless(fresh, f"{what}: nonce_str is not fresh"),
                self.violations.unless(right, f"{what}: the signature is wrong"),
            ]
        )

    def _json(self, request: Request) -> dict[str, Any]:
        try:
            return strict_json(request.body)
        except ValueError as wrong:
            self.violations.note(f"{request.path}: {wrong}")
            raise PayRefused(400, "INVALID_REQUEST", "请求参数不是JSON") from None

    # -- orders

    def _place(self, request: Request) -> dict[str, str]:
        trade_type, body, now = request.path.rpartition("/")[2].upper(), self._json(request), self.clock.beijing()
        self._rules.order(trade_type, body, now, self.clock.just_moved())
        order = self.orders.get(body["out_trade_no"])
        if order is None:
            order = self.orders[body["out_trade_no"]] = Order(trade_type, body, now)
        elif order.state == "CLOSED":
            raise PayRefused(400, "ORDER_CLOSED", "订单已关闭")
        elif order.words != body or order.trade_type != trade_type:
            self.violations.note(f"{order.no} is placed again with other words")
            raise PayRefused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        elif order.state != "NOTPAY" or self.repeats_are_refused:
            raise PayRefused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        if trade_type == "NATIVE":
            order.code_url = f"weixin://wxpay/bizpayurl?pr={word(9)}zz"  # the one given before is void from now on
            return {"code_url": order.code_url}
        order.prepay_id = f"wx{now:%d%H%M%S}{word(24).lower()}"  # another one each time
        order.prepay_ids.append(order.prepay_id)
        return {"prepay_id": order.prepay_id}

    def _known(self, number: str) -> Order:
        order = self.orders.get(number)
        if order is None:
            raise PayRefused(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def _query(self, request: Request) -> dict[str, Any]:
        self._rules.mchid(request.query)
        return self._known(request.path.rpartition("/")[2]).told()

    def _close(self, request: Request) -> None:
        self._rules.close(self._json(request))
        self.violations.unless("?" not in request.target, "closing takes no query")
        order = self._known(request.path.split("/")[-2])
        if order.paid is not None:
            raise PayRefused(400, "ORDER_PAID", "该订单已支付")
        order.state = "CLOSED"

    # -- refunds

    def _refund(self, request: Request) -> dict[str, Any]:
        body, now = self._json(request), self.clock.beijing()
        self._rules.refund(body)
        self.violations.unless("?" not in request.target, "a refund takes no query")
        of = [
            one
            for one in self.orders.values()
            if one.paid
            and body.get("transaction_id", one.transaction_id) == one.transaction_id
            and body.get("out_trade_no", one.no) == one.no
        ]
        if not of:
            raise PayRefused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        [order] = of
        before = self._refund_of(body["out_refund_no"])
        if before is not None:
            if not self.violations.unless(before[1].words == body, "a refund repeated with other words"):
                raise PayRefused(400, "INVALID_REQUEST", "请求参数与首次不一致")
            return order.refund_told(before[1])
        amount = body["amount"]
        good = amount["total"] == order.total and amount["refund"] <= order.left and len(order.refunds) < 50
        if not self.violations.unless(good, f"a refund of {amount} where {order.left} of {order.total} are left"):
            raise PayRefused(400, "INVALID_REQUEST", "退款金额大于可退金额")
        if order.refunds and now - order.refunds[-1].created < timedelta(minutes=1):
            self.violations.note("refunds of one payment less than a minute apart")
            raise PayRefused(429, "FREQUENCY_LIMITED", "频率超限")
        refund = Refund(
            body["out_refund_no"], f"50{now:%Y%m%d%H%M%S}{next(self._numbers):010}", body, amount["refund"], now
        )
        order.refunds.append(refund)
        return order.refund_told(refund)

    def _refund_of(self, number: str) -> tuple[Order, Refund] | None:
        for order in self.orders.values():
            for refund in order.refunds:
                if refund.out_refund_no == number:
                    return order, refund
        return None

    def _query_refund(self, request: Request) -> dict[str, Any]:
        self.violations.unless("?" not in request.target, "asking about a refund takes no query")
        found = self._refund_of(request.path.rpartition("/")[2])
        if found is None:
            raise PayRefused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return found[0].refund_told(found[1])

    # -- what a phone's WeChat asks

    def cashier(self, sheet: dict[str, str], openid: str) -> Order:
        """getBrandWCPayRequest: the order these six parameters open, for this citizen. Fails as WeChat would."""
        names = ["appId", "nonceStr", "package", "paySign", "signType", "timeStamp"]
        assert sorted(sheet) == names, sorted(sheet)
        assert all(isinstance(value, str) for value in sheet.values()), sheet
        assert (sheet["appId"], sheet["signType"]) == (self.app_id, "RSA")
        assert abs(int(sheet["timeStamp"]) - self.clock.now()) < SKEW
        assert NONCE.fullmatch(sheet["nonceStr"]), sheet["nonceStr"]
        lines = sheet["appId"], sheet["timeStamp"], sheet["nonceStr"], sheet["package"]
        assert verified(self.key.public, sheet["paySign"], *lines), "WeChat says: 支付签名验证失败"
        assert sheet["package"].startswith("prepay_id=")
        order = self.order_of(prepay_id=sheet["package"].removeprefix("prepay_id="))
        assert order.words["payer"]["openid"] == openid, "WeChat says: 下单账号与支付账号不一致"
        assert self.clock.beijing() < order.placed + PREPAY
        return order

    def scanned(self, code: str, openid: str) -> Order:
        """扫一扫: the order this code is of. Fails as WeChat would for a void code, or one that another scanned."""
        order = self.order_of(code_url=code)
        order.scanned_by = order.scanned_by or openid
        assert order.scanned_by == openid, "WeChat says: 商家订单信息有误，请重新下单支付"
        return order
