"""Paying: by one's own phone, by another one's, without a callback, too late, twice."""

from __future__ import annotations

from tests.elsewhere.handset import Bubble, Handset
from tests.elsewhere.town import Person, Town


def to_the_order(phone: Handset, person: Person, service: str = "pay.medical") -> Bubble:
    """From the menu to the order."""
    phone.menu(service)
    phone.type(person.number)
    bubble = phone.type(person.name)
    if service == "pay.pension":
        assert "哪一档" in bubble
        bubble = phone.type("500")
    assert "请核对" in bubble, bubble.text
    bubble = phone.tap("确认缴费")
    assert "缴费单开好了" in bubble, bubble.text
    return bubble


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
