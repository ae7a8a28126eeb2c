"""No full ID number and no full name is written anywhere: database, sessions, logs, what goes to WeChat Pay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.sandbox.faults import Fault
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


def _ways_to_write(text: str) -> set[bytes]:
    return {text.encode(), text.encode("gb18030"), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()}


def _values(sessions: str) -> Iterator[bytes]:
    """Everything Redis holds, as it would be written to its file."""
    if sessions == "embedded":
        return
    client = redis.Redis.from_url(sessions)
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        yield key
        if kind == b"hash":
            hashed = client.hgetall(key)
            assert isinstance(hashed, dict)
            yield from (bytes(part) for pair in hashed.items() for part in pair)  # type: ignore[arg-type]
        elif kind == b"string":
            yield bytes(client.get(key) or b"")  # type: ignore[arg-type]
    client.close()
