"""WeChat Pay's rules for the words of an order or a refund, checked before any call (facts/wechat.md B3, B4, C3)."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.pay.gateway_errors import GatewayRefused

BEIJING = timezone(timedelta(hours=8))
DESCRIPTION_BYTES = 127
REASON_BYTES = 80
_NUMBER = re.compile(r"[0-9A-Za-z_-]{6,32}")
_REFUND_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_TRANSACTION = re.compile(r"[0-9A-Za-z_-]{1,32}")
_ATTACH = re.compile(r"[0-9A-Za-z_-]{0,128}")
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,128}")


def order_words(
    out_trade_no: str, description: str, amount: int, expires_at: datetime, attach: str = ""
) -> dict[str, Any]:
    """What every kind of order says; the same arguments give the same words, whatever the zone of `expires_at`."""
    check_number(out_trade_no)
    _check_sentence(description, "description", DESCRIPTION_BYTES)
    _require(type(amount) is int and amount >= 1, "amount")
    _require(expires_at.tzinfo is not None, "expires_at")
    _require(_ATTACH.fullmatch(attach), "attach")
    return ({"attach": attach} if attach else {}) | {
        "out_trade_no": out_trade_no,
        "description": description,
        "amount": {"total": amount, "currency": "CNY"},
        "time_expire": expires_at.astimezone(BEIJING).isoformat(timespec="seconds"),
    }


def refund_words(transaction_id: str, out_refund_no: str, amount: int, total: int, reason: str) -> dict[str, Any]:
    """What a refund says; amounts in fen."""
    check_refund_number(out_refund_no)
    _require(_TRANSACTION.fullmatch(transaction_id), "transaction_id")
    _require(type(amount) is int and type(total) is int and 1 <= amount <= total, "amount")
    _check_sentence(reason, "reason", REASON_BYTES)
    return {
        "out_refund_no": out_refund_no,
        "transaction_id": transaction_id,
        "amount": {"refund": amount, "total": total, "currency": "CNY"},
        "reason": reason,
    }


def check_number(out_trade_no: str) -> None:
    """WeChat Pay allows `|` and `*` too, but wechatpayv3 puts the number into the path unquoted."""
    _require(_NUMBER.fullmatch(out_trade_no), "out_trade_no")


def check_refund_number(out_refund_no: str) -> None:
    _require(_REFUND_NUMBER.fullmatch(out_refund_no), "out_refund_no")


def check_openid(openid: str) -> None:
    _require(_OPENID.fullmatch(openid), "openid")


def _check_sentence(text: str, name: str, limit: int) -> None:
    """Unprintable signs, half surrogates among them, make WeChat Pay answer 系统繁忙 for ever (facts/wechat.md B5)."""
    _require(text.isprintable() and 1 <= len(text.encode("utf-8", "replace")) <= limit, name)


def _require(good: object, name: str) -> None:
    if not good:
        raise GatewayRefused("PARAM_ERROR", f"{name} breaks WeChat Pay's rules; nothing was sent")
