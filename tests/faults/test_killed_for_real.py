"""`kill -9` for real, of `serve` in a process of its own, at some points; started again, it ends as it should."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import urllib3

from bot.sandbox.phone import Phone
from bot.torture.audit import audit
from bot.torture.clock import SharedClock
from bot.torture.processes import Bot
from storage.orders.columns import ORDER
from tests.bot.served import installed, sheet_of, to_the_last_look, until

POINTS = ("pay.jsapi:after", "commit settling.settle/_settle:after")


@pytest.mark.parametrize("point", POINTS)
def test_a_serve_that_is_killed_there_and_started_again_has_the_payment_booked_once_and_told(
    tmp_path: Path, point: str
) -> None:
    with installed(tmp_path) as one:
        SharedClock(tmp_path / "clock")
        serve = Bot("serve", tmp_path / "bot.toml", {"TORTURE_CLOCK": str(tmp_path / "clock")}, tmp_path / "log")
        one.sandbox.wechat.bot_url = f"{one.url}/wechat"
        phone = one.sandbox.wechat.phone("oPayer")
        try:
            serve.start(TORTURE_DIE=f"{point} 1")
            assert serve.ready.wait(60), serve.log.read_text()
            to_the_last_look(phone)
            phone.tap("确认缴费")
            if point.startswith("pay."):
                _comes_back(serve)
            one.sandbox.pay.checkout_jsapi(sheet_of(_page(phone)), phone.openid).pay()
            one.sandbox.pay.start_delivering()
            if point.startswith("commit"):
                _comes_back(serve)
            until(lambda: _told(phone), "nobody told of the payment", seconds=60)
            assert serve.died_by_itself == 1
            assert [row.state for row in one.rows(ORDER)] == ["paid"]
            assert serve.stop()
            engine = one.engine
            assert audit(engine, one.sandbox.pay.books()) == []
            engine.dispose()
        finally:
            serve.kill()


def _comes_back(serve: Bot) -> None:
    until(serve.buried, "it did not die there")
    serve.start()
    assert serve.ready.wait(60), serve.log.read_text()


def _page(phone: Phone) -> str:
    """The hand-off, once the link gives it; one who gets no answer says it again."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            page = phone.open_link("点这里付款")
        except (LookupError, urllib3.exceptions.HTTPError):
            phone.tap("确认缴费")
            continue
        if 'id="sheet">' in page.text:
            return page.text
    raise AssertionError("the cashier never opened")


def _told(phone: Phone) -> bool:
    return any("缴费成功" in bubble.text for bubble in phone.inbox)
