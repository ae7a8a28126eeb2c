"""What an order or a refund may say, field by field (facts/wechat.md B3, B4); anything else is refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.http import Request
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_sign import PayRefused

OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
EXPIRES_AT_LEAST = 60
EXPIRES_AT_MOST = 7 * 86400
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class OrderTerms:
    """An order as the merchant worded it; two orders are identical when these are. Amounts in fen."""

    trade_type: str
    out_trade_no: str
    description: str
    notify_url: str
    total: int
    openid: str | None
    expires_at: float | None  # unix seconds; None: seven days
    attach: str | None
    other: str  # the fields that only WeChat's own services look at, as JSON


@dataclass(frozen=True)
class RefundTerms:
    """A refund as the merchant worded it. Amounts in fen."""

    out_refund_no: str
    transaction_id: str | None
    out_trade_no: str | None
    reason: str | None
    notify_url: str | None
    refund: int
    total: int


def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in a body; a member may occur once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a member occurs twice")
        return dict(pairs)

    try:
        value = json.loads(request.body.decode(), object_pairs_hook=once)
    except ValueError as wrong:
        raise PayRefused(400, "PARAM_ERROR", "请求体不是有效的JSON") from wrong
    if not isinstance(value, dict):
        raise PayRefused(400, "PARAM_ERROR", "请求体不是有效的JSON")
    return value


def order_terms(asked: Mapping[str, Any], trade_type: str, keys: SandboxKeys) -> OrderTerms:
    """Check an order's fields; raises PayRefused naming the first wrong one. `time_expire` is judged by the caller."""
    optional = {"time_expire", "attach", "goods_tag", "detail", "scene_info", "settle_info", "support_fapiao"}
    known = {"appid", "mchid", "description", "out_trade_no", "notify_url", "amount"} | optional
    _only(asked, known | ({"payer"} if trade_type == "JSAPI" else set()), "")
    merchant(asked, keys)
    if asked.get("appid") != keys.app_id:
        raise PayRefused(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    amount = _member(asked, "amount")
    _only(amount, {"total", "currency"}, "/amount")
    _currency(amount)
    openid = None
    if trade_type == "JSAPI":
        payer = _member(asked, "payer")
        _only(payer, {"openid"}, "/payer")
        openid = _text(payer, "openid", 128, required=True)
    _text(asked, "goods_tag", 32)
    other = {name: asked[name] for name in sorted(optional - {"time_expire", "attach"}) if name in asked}
    return OrderTerms(
        trade_type=trade_type,
        out_trade_no=_number(asked, "out_trade_no", OUT_TRADE_NO),
        description=_text(asked, "description", 127, required=True) or "",
        notify_url=_address(asked, required=True) or "",
        total=_fen(amount, "total"),
        openid=openid,
        expires_at=_moment(asked),
        attach=_text(asked, "attach", 128),
        other=json.dumps(other, sort_keys=True),
    )


def refund_terms(asked: Mapping[str, Any]) -> RefundTerms:
    """Check a refund's fields; raises PayRefused naming the first wrong one."""
    known = {"transaction_id", "out_trade_no", "out_refund_no", "reason", "notify_url", "amount"}
    _only(asked, known, "")
    if ("transaction_id" in asked) == ("out_trade_no" in asked):
        raise wrong_field("transaction_id", "transaction_id和out_trade_no二选一")
    amount = _member(asked, "amount")
    _only(amount, {"refund", "total", "currency"}, "/amount")
    _currency(amount)
    by_trade_no = "out_trade_no" in asked
    return RefundTerms(
        out_refund_no=_number(asked, "out_refund_no", OUT_REFUND_NO),
        transaction_id=_text(asked, "transaction_id", 32),
        out_trade_no=_number(asked, "out_trade_no", OUT_TRADE_NO) if by_trade_no else None,
        reason=_text(asked, "reason", 80),
        notify_url=_address(asked, required=False),
        refund=_fen(amount, "refund"),
        total=_fen(amount, "total"),
    )


def merchant(asked: Mapping[str, Any], keys: SandboxKeys) -> None:
    """`mchid` must be there and be this merchant's."""
    if not isinstance(asked.get("mchid"), str):
        raise wrong_field("mchid", "缺少商户号")
    if asked["mchid"] != keys.mch_id:
        raise PayRefused(400, "MCH_NOT_EXISTS", "商户号不存在")


def wrong_field(name: str, issue: str) -> PayRefused:
    """400 PARAM_ERROR for one field."""
    return PayRefused(400, "PARAM_ERROR", f"参数错误：{issue}", field=f"/{name}", issue=issue, location="body")


def _only(asked: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in asked:
        if name not in known:
            raise wrong_field(f"{where}/{name}".strip("/"), "无此参数")


def _member(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = asked.get(name)
    if not isinstance(value, dict):
        raise wrong_field(name, "缺少对象")
    return value


def _text(asked: Mapping[str, Any], name: str, longest: int, *, required: bool = False) -> str | None:
    if name not in asked and not required:
        return None
    value = asked.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise wrong_field(name, f"应为1到{longest}个字符")
    return value


def _number(asked: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise wrong_field(name, f"应符合{shape.pattern}")
    return value


def _fen(amount: Mapping[str, Any], name: str) -> int:
    value = amount.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000_000_000:
        raise wrong_field(f"amount/{name}", "应为大于0的整数，单位为分")
    return value


def _currency(amount: Mapping[str, Any]) -> None:
    if amount.get("currency") != "CNY":
        raise wrong_field("amount/currency", "应为CNY")


def _address(asked: Mapping[str, Any], *, required: bool) -> str | None:
    value = _text(asked, "notify_url", 255, required=required)
    if value is not None:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.netloc or "?" in value or "#" in value:
            raise wrong_field("notify_url", "应为不带参数的完整地址")
    return value


def _moment(asked: Mapping[str, Any]) -> float | None:
    if "time_expire" not in asked:
        return None
    value = asked["time_expire"]
    try:
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return datetime.fromisoformat(value).timestamp()
    except ValueError:
        pass
    raise wrong_field("time_expire", "应为rfc3339格式")
