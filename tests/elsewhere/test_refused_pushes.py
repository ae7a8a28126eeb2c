"""What WeChat will not push reaches the citizen by another way: by template, or above the next answer."""

from __future__ import annotations

import pytest

from tests.elsewhere.town import Town
from tests.elsewhere.ways import code_of, to_the_order, told_on_top


@pytest.mark.parametrize("code", [45015, 45047, 48001, 45009])
def test_news_that_may_not_be_pushed_knocks_by_template_and_is_told_in_full_later(town: Town, code: int) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.refuse("message/custom/send", code)
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
    town.account.refuse("message/custom/send", 45015)
    town.account.refuse("message/template/send", 43004)
    asked = len(town.account.asked)
    phone.pay()
    town.bell.until(lambda: "message/template/send" in town.account.asked[asked:], "a template message is tried")
    told_on_top(phone, "缴费成功")
    assert "缴费成功" not in phone.type("你好")
    assert not phone.fan.pushes


def test_who_has_said_nothing_for_two_days_is_told_by_template(town: Town) -> None:
    """Nothing is tried that must fail: the account notes a push outside the window as a violation."""
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    phone.fan.allowance.close()
    town.clock.move(order.expires.timestamp() - town.clock.now() - 60)
    town.account.refuse("message/custom/send", 45015)
    town.merchant.pay(order, phone.openid)
    assert "缴费成功" in phone.push("template").text
    told_on_top(phone, "缴费成功")


def test_a_picture_that_is_refused_comes_after_the_next_word(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    asked = len(town.account.asked)
    town.account.refuse("message/custom/send", 45047)
    phone.tap("请家人扫码付")
    town.bell.until(lambda: "message/custom/send" in town.account.asked[asked:], "the card is pushed")
    assert not phone.fan.pushes
    town.bell.until(lambda: phone.type("没有收到") and phone.fan.pushes, "the refusal is read, and the card sent again")
    order = town.merchant.scanned(code_of(phone.push("image").picture), phone.openid)
    town.merchant.pay(order, phone.openid)
    phone.push(saying="缴费成功")


def test_a_token_that_ends_before_its_time_is_renewed_without_a_word_lost(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    town.account.end_token()
    asked = len(town.account.asked)
    phone.pay()
    phone.push(saying="缴费成功")
    assert town.account.asked[asked:] == ["message/custom/send", "stable_token", "message/custom/send"]
