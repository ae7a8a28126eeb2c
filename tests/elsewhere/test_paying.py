"""Paying: by one's own phone, by another one's, without a callback, too late, twice."""

from __future__ import annotations

import pytest

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.ledger import Order
from tests.elsewhere.town import Town
from tests.elsewhere.ways import code_of, to_the_order


def test_medical_and_pension_are_paid_from_the_link(town: Town) -> None:
    phone, person = town.phone(), town.person()
    for service, insurance, amount in (("pay.medical", "医疗保险", 40000), ("pay.pension", "养老保险", 50000)):
        to_the_order(phone, person, service)
        order = phone.pay()
        assert (order.total, order.trade_type, order.paid_by) == (amount, "JSAPI", phone.openid)
        assert person.name not in order.words["description"]
        told = phone.push(saying="缴费成功")
        assert insurance in told.text
        assert person.masked in told.text
        assert person.name not in told.text
    assert [sent.status for sent in town.merchant.callbacks.sent[-2:]] == [204, 204]
    assert "已缴费" in phone.menu("my.orders")


@only_embedded
def test_the_hand_off_is_a_door_for_the_payer_alone(town: Town) -> None:
    phone, stranger, person = town.phone(), town.phone(), town.person()
    link = to_the_order(phone, person).url("点这里付款")
    outside = phone.open(link, agent="Mozilla/5.0 (Windows NT 10.0)")
    assert (outside.status, "请在微信里打开" in outside.text) == (200, True)
    first, again = phone.open(link), phone.open(link)
    for page in (first, again):
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert len(page.body) < 4096
        for word in (person.name, person.number, person.masked, phone.openid):
            assert word not in page.text
    order = phone.cashier()
    stranger.chat.append(phone.chat[-1])
    with pytest.raises(AssertionError, match="下单账号与支付账号不一致"):
        stranger.cashier()
    head, dot, signature = link.rpartition(".")
    assert phone.open(f"{head}{dot}{signature[::-1]}").status == 404
    town.merchant.pay(order, phone.openid)
    phone.push(saying="缴费成功")
    assert "已经付过了" in phone.open(link).text
    assert len(town.merchant.orders_of(phone.openid)) == 1


def test_somebody_else_pays_from_the_card(town: Town) -> None:
    phone, daughter, person = town.phone(), town.phone(), town.person()
    to_the_order(phone, person)
    by_link = phone.cashier()
    assert "付款码马上发给您" in phone.tap("请家人扫码付")
    code = code_of(phone.push("image").picture)
    assert by_link.state == "CLOSED"
    assert "再发一次" in phone.tap("再发一次付款码").text
    fresh = code_of(phone.push("image").picture)
    order = town.merchant.scanned(fresh, daughter.openid)
    assert (order.trade_type, order.no == by_link.no, fresh == code) == ("NATIVE", False, False)
    with pytest.raises(AssertionError, match="重新下单支付"):
        town.merchant.scanned(fresh, phone.openid)
    town.merchant.pay(order, daughter.openid)
    assert person.masked in phone.push(saying="缴费成功").text
    assert not daughter.fan.pushes


def test_a_lost_callback_is_made_up_for(town: Town) -> None:
    asks, waits = town.phone(), town.phone()
    town.merchant.callbacks.lost = True
    try:
        for phone in (asks, waits):
            to_the_order(phone, town.person())
            phone.pay()
        told = asks.type("付好了").text
        assert "已经缴好了" in told
        if not told.startswith("缴费成功"):  # the worker was quicker
            asks.push(saying="缴费成功")
        waits.push(saying="缴费成功")
    finally:
        town.merchant.callbacks.lost = False
    assert "缴费成功" not in asks.type("你好")


def test_an_order_that_is_given_up_cannot_be_paid_any_more(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    assert "已经取消" in phone.tap("不缴了")
    assert order.state == "CLOSED"
    to_the_order(phone, person)
    phone.pay()
    phone.push(saying="缴费成功")


def test_an_order_nobody_pays_ends_at_wechat_pay_too(town: Town) -> None:
    phone, person = town.phone(), town.person()
    link = to_the_order(phone, person).url("点这里付款")
    order = phone.cashier()
    town.clock.move(order.expires.timestamp() - town.clock.now() + 1)
    assert "已经作废" in phone.push(saying="没有扣您的钱").text
    assert order.state == "CLOSED"
    assert "已经作废" in phone.open(link).text
    to_the_order(phone, person)


def test_a_card_wanted_while_wechat_pay_is_asked_comes_at_once_after(town: Town) -> None:
    phone = town.phone()
    to_the_order(phone, town.person())
    order = phone.cashier()
    gate = town.merchant.hold("query")
    town.bell.until(lambda: _asked_about(town, order), "WeChat Pay is asked about the order")
    phone.tap("请家人扫码付")
    gate.set()
    phone.push("image", seconds=15)  # the next look of the schedule is 25 s away
    assert order.state == "CLOSED"


def _asked_about(town: Town, order: Order) -> bool:
    return any(one.startswith("GET") and one.endswith(order.no) for one in town.merchant.asked)
