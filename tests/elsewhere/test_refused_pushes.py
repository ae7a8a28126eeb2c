"""What WeChat will not push reaches the citizen by another way: by template, or above the next answer."""

from __future__ import annotations

import pytest

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.town import Town
from tests.elsewhere.ways import code_of, to_the_order, told_on_top


def test_news_that_came_too_late_to_be_pushed_knocks_by_template(town: Town) -> None:
    refused_and_told(town, 45015)


@only_embedded
@pytest.mark.parametrize("code", [45047, 48001, 45009])
def test_news_that_may_not_be_pushed_knocks_by_template_and_is_told_in_full_later(town: Town, code: int) -> None:
    refused_and_told(town, code)


def refused_and_told(town: Town, code: int) -> None:
    """The push of a payment is refused: a template message at once, the whole above the next answer, each once."""
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.refuse("message/custom/send", phone.openid, code)
    phone.pay()
    knock = phone.push("template", "缴费成功")
    assert person.masked in knock.text
    phone.event("TEMPLATESENDJOBFINISH", MsgID=phone.fan.template_ids[-1], Status="success")
    assert "400元" in told_on_top(phone, "缴费成功")
    assert [one.kind for one in phone.fan.pushes] == ["template"]
    assert not phone.type("你好").text.startswith("缴费成功")


def test_where_neither_push_nor_template_is_taken_the_next_answer_tells(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.refuse("message/custom/send", phone.openid, 45015)
    town.account.refuse("message/template/send", phone.openid, 43004)
    phone.pay()
    tried = ["message/custom/send", "message/template/send"]
    town.bell.until(lambda: town.account.asked_for(phone.openid) == tried, "a push is tried, and a template message")
    told_on_top(phone, "缴费成功")
    assert "缴费成功" not in phone.type("你好")
    assert not phone.fan.pushes


def test_a_picture_that_is_refused_comes_after_the_next_word(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.refuse("message/custom/send", phone.openid, 45047)
    phone.tap("请家人扫码付")
    town.bell.until(lambda: town.account.asked_for(phone.openid), "the card is pushed")
    assert not phone.fan.pushes
    town.bell.until(lambda: phone.type("没有收到") and phone.fan.pushes, "the refusal is read, and the card sent again")
    order = town.merchant.scanned(code_of(phone.push("image").picture), phone.openid)
    town.merchant.pay(order, phone.openid)
    phone.push(saying="缴费成功")


def test_a_token_that_ends_before_its_time_is_renewed_without_a_word_lost(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.end_token(phone.openid)
    asked = len(town.account.asked)
    phone.pay()
    phone.push(saying="缴费成功")
    assert town.account.asked_for(phone.openid) == ["message/custom/send"] * 2
    assert ("stable_token", "") in town.account.asked[asked:]
