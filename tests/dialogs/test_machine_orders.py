"""The machine while an order stands, after it ran out, and among several."""

from __future__ import annotations

import pytest

from dialogs.texts import say
from dialogs.world import OrderState
from tests.dialogs.places import at
from tests.dialogs.townspeople import LI, MAI, WU, Phone


def test_whoever_says_it_is_paid_is_believed_after_a_look() -> None:
    phone = at("checkout")
    assert say("checkout.not_yet_paid") in phone.say("医保已经付好了")
    phone.town.pay("O1")
    assert "已经缴好了" in phone.say("付好了")


def test_who_does_not_want_to_pay_is_not_told_that_the_payment_is_awaited() -> None:
    assert say("checkout.not_yet_paid") not in at("checkout").say("我不想缴了")


def test_back_from_an_order_that_stands_is_refused_with_a_reason() -> None:
    phone = at("checkout")
    assert phone.say("返回").startswith(say("checkout.no_back"))
    assert phone.session.asked == "checkout"


@pytest.mark.parametrize("word", ["取消", "不缴了"])
def test_cancelling_an_order_closes_it(word: str) -> None:
    phone = at("checkout")
    phone.say(word)
    assert phone.town.books["O1"].state is OrderState.CLOSED


def test_leaving_an_order_by_other_words_does_not_close_it() -> None:
    phone = at("checkout")
    assert phone.say("退出").startswith(say("checkout.wrong"))
    assert phone.town.books["O1"].state is OrderState.OPEN


@pytest.mark.parametrize(("word", "asked"), [("取消", ""), ("返回", "confirm"), ("重新开一张", "confirm")])
def test_an_order_that_ran_out_can_be_left_taken_back_or_renewed(word: str, asked: str) -> None:
    phone = at("checkout")
    phone.town.wait(minutes=31)
    assert say("checkout.expired") in phone.say("好了没")
    phone.say(word)
    assert phone.session.asked == asked


def test_back_from_one_of_several_orders_shows_the_others() -> None:
    phone = Phone()
    for who in (LI, MAI):
        phone.say("医疗保险费缴纳", who.number, who.name, "确认缴费", "不缴了")
    phone.click("my.orders")
    phone.say("2")
    assert phone.session.asked == ""  # it is closed: a new one is offered
    phone.say("医疗保险费缴纳", LI.number, LI.name, "确认缴费", "首页")
    phone.say("医疗保险费缴纳", MAI.number, MAI.name, "确认缴费")
    phone.click("my.orders")
    phone.say("1")
    assert phone.session.asked == "checkout"
    phone.say("返回")
    assert phone.session.asked == "orders"


def test_an_order_of_ones_own_is_shown_instead_of_a_second_one() -> None:
    phone = at("checkout")
    phone.click("home")
    read = phone.say("医疗保险费缴纳", LI.number, LI.name)
    assert read.startswith(say("owed.mine"))
    assert len(phone.town.books) == 1


def test_another_service_by_its_words_while_an_order_stands() -> None:
    phone = at("checkout")
    assert say("starting.pay.pension") in phone.say("给我爸交养老")
    assert phone.session.asked == "document"


def test_a_question_about_how_while_an_order_stands_explains_this_order() -> None:
    phone = at("checkout")
    assert phone.say("这个怎么付").startswith(say("checkout.help"))
    assert phone.session.asked == "checkout"


def test_an_assessment_of_nothing_needs_no_order() -> None:
    phone = Phone()
    assert "不用您缴费" in phone.say("医疗保险费缴纳", WU.number, WU.name)
    assert phone.town.opened == []
