"""WeChat Pay's rules for what it is sent: names, types and lengths (facts/wechat.md B2 to B4)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from tests.elsewhere.ground import Violations

NUMBER = re.compile(r"[0-9A-Za-z_\-]{6,32}")  # `|` and `*` are allowed too, but not every client survives them
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-]{1,64}")
AUTHORIZATION = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="([^"]*)",nonce_str="([^"]*)",signature="([^"]*)",timestamp="([^"]*)",'
    r'serial_no="([^"]*)"'
)
NONCE = re.compile(r"[0-9A-Za-z]{1,32}")


class PayRefused(Exception):
    """WeChat Pay says no: status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Rules:
    """Notes each thing that breaks a rule; what WeChat Pay would refuse is refused as well."""

    def __init__(self, violations: Violations, app_id: str, mch_id: str, notify_url: str) -> None:
        self._violations = violations
        self._app_id, self._mch_id, self._notify_url = app_id, mch_id, notify_url

    def order(self, trade_type: str, body: dict[str, Any], now: datetime, late: float) -> None:
        """The words of an order that arrives `late` seconds late, through no fault of the bot's."""
        must = {"appid", "mchid", "description", "out_trade_no", "notify_url", "amount"}
        must |= {"payer"} if trade_type == "JSAPI" else set()
        self._names("order", body, must, {"time_expire", "attach"})
        self._whose(body)
        self._sentence("description", body["description"], 127)
        self._need("out_trade_no", NUMBER.fullmatch(str(body["out_trade_no"])))
        self._need("attach", re.fullmatch(r"[!-~]{0,128}", str(body.get("attach", ""))))
        self._notify(body)
        self._amount(body["amount"], {"total"})
        if trade_type == "JSAPI":
            self._names("payer", body["payer"], {"openid"})
            self._need("payer.openid", re.fullmatch(r"[0-9A-Za-z_\-]{1,128}", str(body["payer"]["openid"])))
        ends = self._moment("time_expire", body.get("time_expire"))
        self._need("time_expire", now - timedelta(seconds=late) < ends <= now + timedelta(days=7))
        if ends <= now:
            raise PayRefused(400, "PARAM_ERROR", "参数 time_expire 已过")

    def refund(self, body: dict[str, Any]) -> None:
        """The words of a refund."""
        self._names(
            "refund", body, {"out_refund_no", "notify_url", "amount"}, {"transaction_id", "out_trade_no", "reason"}
        )
        self._need("one of transaction_id and out_trade_no", ("transaction_id" in body) != ("out_trade_no" in body))
        self._need("out_refund_no", REFUND_NUMBER.fullmatch(str(body["out_refund_no"])))
        if "reason" in body:
            self._sentence("reason", body["reason"], 80)
        self._notify(body)
        self._amount(body["amount"], {"refund", "total"})
        self._need("amount", 1 <= body["amount"]["refund"] <= body["amount"]["total"])

    def close(self, body: dict[str, Any]) -> None:
        """The words that close an order."""
        self._names("close", body, {"mchid"})
        self._need("mchid", body["mchid"] == self._mch_id)

    def mchid(self, query: list[tuple[str, str]]) -> None:
        """The query of a question about an order."""
        self._need("the query", query == [("mchid", self._mch_id)])

    def _whose(self, body: dict[str, Any]) -> None:
        if body["appid"] != self._app_id or body["mchid"] != self._mch_id:
            self._violations.note("an order of another appid or mchid")
            raise PayRefused(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")

    def _notify(self, body: dict[str, Any]) -> None:
        url = body["notify_url"]
        self._need("notify_url", isinstance(url, str) and len(url) <= 255 and url == self._notify_url)

    def _amount(self, amount: Any, numbers: set[str]) -> None:
        self._names("amount", amount, {*numbers, "currency"})
        self._need("amount", all(type(amount[name]) is int and amount[name] >= 1 for name in numbers))
        self._need("currency", amount["currency"] == "CNY")

    def _sentence(self, name: str, text: Any, most: int) -> None:
        self._need(name, isinstance(text, str) and text.isprintable() and 1 <= len(text.encode()) <= most)

    def _moment(self, name: str, text: Any) -> datetime:
        self._need(name, re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", str(text)))
        return datetime.fromisoformat(text)

    def _names(self, where: str, body: Any, must: set[str], may: set[str] | None = None) -> None:
        good = isinstance(body, dict) and must <= set(body) <= must | (may or set())
        self._need(f"{where}: its names {sorted(body) if isinstance(body, dict) else body!r}", good)

    def _need(self, name: str, right: object) -> None:
        if not self._violations.unless(right, f"WeChat Pay: {name} breaks the rules"):
            raise PayRefused(400, "PARAM_ERROR", f"{name} 参数错误")
