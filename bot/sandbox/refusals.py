"""How WeChat's API says no: HTTP 200 with an errcode (facts/wechat.md A2)."""

import json
from collections.abc import Mapping
from typing import Any

from bot.sandbox.http import Answer, Request


class Refused(Exception):
    """An errcode with its errmsg."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"{errcode} {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg


def answered(value: Mapping[str, Any]) -> Answer:
    """JSON with HTTP 200, as WeChat answers everything."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(200, body, {"Content-Type": "application/json; encoding=utf-8"})


def refused(refusal: Refused) -> Answer:
    """The refusal as WeChat words it."""
    return answered({"errcode": refusal.errcode, "errmsg": refusal.errmsg})


def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body; 47001 for anything else."""
    try:
        value = json.loads(request.body.decode())
    except ValueError as wrong:
        raise Refused(47001, "data format error") from wrong
    if not isinstance(value, dict):
        raise Refused(47001, "data format error")
    return value


def text_in(value: Mapping[str, Any], name: str) -> str:
    """A string member; 47001 where it is missing or something else."""
    found = value.get(name)
    if not isinstance(found, str):
        raise Refused(47001, f"data format error: {name}")
    return found
