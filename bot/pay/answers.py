"""Sorts WeChat Pay's answers into done, refused and unknown."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from bot.pay.charge import Garbled
from bot.pay.gateway_errors import GatewayRefused, GatewayUnknown

# "try again later" in whatever status it comes (facts/wechat.md B1, B3)
PASSING_CODES = frozenset(
    {"SYSTEM_ERROR", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "SERVICE_UNAVAILABLE", "BANK_ERROR"}
)

Read = TypeVar("Read")


def done(status: int, text: str) -> dict[str, Any]:
    """The object of a 2xx, empty for 204. Raises GatewayRefused for a 4xx with a code, GatewayUnknown for all else.

    202 is "accepted, say it again"; a 404 without a code comes from some proxy and says nothing about an order.
    """
    if status == 204 or (200 <= status < 300 and status != 202):
        return {} if status == 204 else _object(text)
    if 400 <= status < 500 and status != 429:
        refusal = _object(text)
        code = str(refusal.get("code") or "")
        if code and code not in PASSING_CODES:
            raise GatewayRefused(code, str(refusal.get("message", ""))[:200])
    raise GatewayUnknown(f"WeChat Pay answers {status}")


def read(reader: Callable[[dict[str, Any]], Read], reply: dict[str, Any]) -> Read:
    """`reader` applied to a reply; what it cannot read is GatewayUnknown."""
    try:
        return reader(reply)
    except Garbled as garbled:
        raise GatewayUnknown(f"unreadable answer: {garbled}") from None


def word(reply: dict[str, Any], name: str, limit: int) -> str:
    """A text of the reply, of at most `limit` letters."""
    value = reply.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not 1 <= len(value) <= limit:
        raise GatewayUnknown(f"the answer has no {name}")
    return value


def _object(text: str) -> dict[str, Any]:
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise GatewayUnknown("the answer is not a JSON object")
    return reply
