"""WeChat's machines on a bad day: busy, silent, forgetful, late; and money that comes at the last."""

from __future__ import annotations

from collections import deque

import pytest

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.town import Town
from tests.elsewhere.ways import OF_THE_DEMO, paid_at_a_bank, to_the_order, to_the_riddle


def test_an_order_that_was_paid_unheard_is_found_paid_when_it_ends(town: Town) -> None:
    """No callback, closing says ORDER_PAID, and the question after it is answered at the second time only."""
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    trouble = town.merchant.trouble[f"/{order.no}"] = deque([(500, "SYSTEM_ERROR")])
    town.merchant.pay(order, phone.openid, told=False)
    town.clock.move(order.expires.timestamp() - town.clock.now() + 1)
    town.bell.until(lambda: not trouble, "WeChat Pay is asked")
    town.hurry(lambda: phone.fan.pushes, "it is asked again")
    phone.push(saying="缴费成功")
    assert order.state == "SUCCESS"
    assert "作废" not in "".join(one.text for one in phone.fan.pushes)


@only_embedded
@pytest.mark.parametrize("trouble", [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (502, "SERVICE_UNAVAILABLE")])
def test_placing_is_repeated_with_the_same_number_and_words(town: Town, trouble: tuple[int, str]) -> None:
    phone, person = town.phone(), town.person()
    town.merchant.trouble["/jsapi"] = deque([trouble] * 9)  # the worker goes on trying
    asked = len(town.merchant.asked)
    link = to_the_order(phone, person).url("点这里付款")
    town.bell.until(lambda: len(town.merchant.asked) > asked, "it is placed")
    page = phone.open(link)
    assert "没有扣您的钱" in page.text, page.text
    town.merchant.trouble.clear()
    phone.pay()
    phone.push(saying="缴费成功")
    assert len(town.merchant.orders_of(phone.openid)) == 1


@only_embedded
def test_a_callback_that_is_sent_twice_is_told_once(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.pay()
    phone.push(saying="缴费成功")
    callbacks = town.merchant.callbacks
    body = callbacks.body("TRANSACTION.SUCCESS", "支付成功", order.told(), "transaction")
    assert [callbacks.post(body), callbacks.post(body)] == [204, 204]
    assert callbacks.post(body, Wechatpay_Signature_Type=None) == 204  # four headers are all that one page names
    assert "缴费成功" not in phone.type("你好")
    assert sum("缴费成功" in one.text for one in phone.fan.pushes) == 1


def test_pictures_that_wechat_forgot_are_painted_again(town: Town) -> None:
    phone = town.phone()
    town.bell.until(lambda: town.account.media, "pictures are there")
    town.account.media.clear()
    to_the_riddle(phone, OF_THE_DEMO.number, OF_THE_DEMO.name, phone.menu("query.enrolments"))


@only_embedded
def test_giving_up_while_wechat_pay_is_silent_is_told_when_it_speaks_again(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    town.merchant.trouble[f"/{order.no}/close"] = deque([(500, "SYSTEM_ERROR")])
    answer = phone.tap("不缴了")
    assert "要跟微信核对" in answer, answer.text
    town.hurry(lambda: phone.fan.pushes, "it is closed again")
    assert "已经取消" in phone.push(saying="没有扣您的钱").text
    assert order.state == "CLOSED"


@only_embedded
@pytest.mark.parametrize("end", ["ABNORMAL", "CLOSED"])
def test_a_refund_that_the_bank_does_not_take_is_kept_for_a_person(town: Town, end: str) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    phone.cashier()
    paid_at_a_bank(town, (person, f"H{end}"))
    order = phone.pay()
    phone.push(saying="原路退回")
    town.bell.until(lambda: order.refunds, "the refund is asked for")
    town.merchant.finish_refund(order, end)
    town.merchant.callbacks.settle_down()
    assert town.merchant.callbacks.sent[-1].status == 204
    assert town.logged("a refund needs a person", state=end)
    assert "在退款" in phone.menu("my.orders")


@only_embedded
def test_tokens_are_renewed_before_they_end(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    for _ in range(3):
        refused = town.account.refused_tokens
        town.clock.move(40 * 60)
        other = town.phone()
        to_the_order(other, town.person())
        other.pay()
        other.push(saying="缴费成功")
        assert town.account.refused_tokens == refused
    assert order.state == "CLOSED"
