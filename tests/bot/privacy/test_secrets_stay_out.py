"""No full ID number and no full name is written anywhere: database, sessions, logs, what goes to WeChat Pay.

Paying, looking up, certifying, verifying, contacts and a family: whatever asks for a number or a name is run through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.sandbox.bubbles import Bubble
from bot.sandbox.faults import Fault
from bot.sandbox.papers import copied
from bot.sandbox.phone import Phone
from tests.bot.served import Bot, installed, redis_database, sheet_of, to_the_last_look, until

# One who is found, one whose name is given wrong, one whom nobody knows, one with the number mistyped.
SPOKEN = (
    "369906199910090112",
    "䶮样",
    "369902198511030032",
    "王样三",
    "张试十一",
    "110101199003078",
    "11010119900307803",
)
UNKNOWN_NUMBER = "110101199003078515"


@pytest.fixture(params=["embedded", "redis"])
def sessions(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        yield "embedded"
    else:
        with redis_database() as url:
            yield url


@pytest.fixture
def bot(tmp_path: Path, sessions: str) -> Iterator[Bot]:
    with installed(tmp_path) as one:
        one.write(storage={"sessions": sessions})
        yield one


def test_what_was_typed_stands_in_no_file_no_session_no_log_and_no_order(bot: Bot, sessions: str) -> None:
    process = bot.serve()
    bot.sandbox.pay.start_delivering()
    bot.sandbox.faults.put("pay.jsapi", Fault.GARBLED, times=1)  # trouble is logged too
    bot.sandbox.faults.put("wechat.send", Fault.STATUS_500, times=1)
    lost = bot.sandbox.wechat.phone("oLost")
    lost.type("369906199910090112")  # before anybody asked
    lost.click("pay.medical")
    for words in (
        UNKNOWN_NUMBER,
        "张试十一",
        "改证件号",
        "369902198511030032",
        "张试十一",
        "王样三",
        "369902198511030032",
    ):
        lost.type(words)
    lost.click("pay.pension")
    lost.type("2")
    lost.type("取消")
    phone = bot.sandbox.wechat.phone("oSpeaks")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    until(lambda: phone.open_link("点这里付款").status == 200, "the order was never placed")
    sheet = bot.sandbox.pay.checkout_jsapi(sheet_of(phone.open_link("点这里付款").text), phone.openid)
    sheet.pay()
    until(lambda: any(one.pushed and "缴费成功" in one.text for one in phone.inbox), "the payment was never told")
    everything_else(phone, lost)
    assert not lost.toasts + phone.toasts
    left = b"".join(_values(sessions)) + sheet.description.encode()
    found = {path.name: path.read_bytes() for path in bot.folder.rglob("*") if path.is_file()} | {"sessions": left}
    bot.stop()
    found |= {f"{path.name} at the end": path.read_bytes() for path in bot.folder.rglob("*") if path.is_file()}
    assert process.returncode == 0
    assert "鄱阳县".encode() in found["bot.db at the end"]  # what may stand there is found by the same look
    assert found["said.log"]
    for place, content in found.items():
        for secret in (*SPOKEN, UNKNOWN_NUMBER):
            for written in _ways_to_write(secret):
                assert written not in content, f"{secret} stands in {place}"


def everything_else(payer: Phone, stranger: Phone) -> None:
    """Who has paid keeps the insured, certifies, looks up and pays for a family; a stranger looks up and verifies."""
    assert "存为常用联系人" in said(payer.type("谢谢"))
    payer.tap("存为常用联系人")
    assert "加好了" in said(payer.type("其他"))
    assert "查验码：" in said(payer.click("query.certificate"))
    certificate = copied(payer.inbox, "编号 查验码")
    assert payer.open_link("打开").status == 200
    payer.tap("看一下")
    payer.click("query.payments")
    payer.type("两种都看")
    assert "的缴费一共" in said(payer.tap("其他 "))
    payer.click("pay.family")
    payer.type("选好了")
    payer.click("my.contacts")
    payer.type("加一个人")
    payer.type("369902198511030032")
    payer.type("王样三")
    assert "加好了" in said(payer.type("其他"))
    stranger.click("query.enrolments")
    for number, name in ((UNKNOWN_NUMBER, "张试十一"), ("369902198511030032", "王样三")):
        stranger.type(number)
        stranger.type(name)
        asked = said(stranger.tap("换一种"))
        answer = said(stranger.type(str(sum(map(int, re.findall(r"(\d+) \+ (\d+)", asked)[0])))))
        assert ("的参保信息" if name == "王样三" else "对不上") in answer, answer
    assert "这张证明是真的" in said(stranger.type(certificate))


def said(bubbles: list[Bubble]) -> str:
    return "\n".join(bubble.shown for bubble in bubbles)


def _ways_to_write(text: str) -> set[bytes]:
    return {text.encode(), text.encode("gb18030"), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()}


def _values(sessions: str) -> Iterator[bytes]:
    """Everything Redis holds, as it would be written to its file."""
    if sessions == "embedded":
        return
    client: Any = redis.Redis.from_url(sessions)  # its answers' types are those of two clients at once
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        yield key
        if kind == b"hash":
            yield from (part for pair in client.hgetall(key).items() for part in pair)
        elif kind == b"list":
            yield from client.lrange(key, 0, -1)
        elif kind == b"zset":
            yield from client.zrange(key, 0, -1)
        elif kind == b"set":
            yield from client.smembers(key)
        elif kind == b"string":
            yield client.get(key) or b""
    client.close()
