"""常用联系人, and 一家一起缴: three people in one order, one cashier, one certificate."""

from __future__ import annotations

from tests.elsewhere.handset import Handset
from tests.elsewhere.town import Person, Town
from tests.elsewhere.ways import code_of, paid_at_a_bank, to_the_order, words_of


def add(phone: Handset, person: Person, relation: str) -> None:
    """A contact, from the question for the number on."""
    phone.type(person.number)
    bubble = phone.type(person.name)
    assert "您的什么人" in bubble, bubble.text
    bubble = phone.tap(relation)
    if relation == "本人":
        bubble = phone.tap("是我本人")
    assert f"加好了：{relation} {person.masked}" in bubble, bubble.text


def family(town: Town, phone: Handset) -> list[Person]:
    """Three contacts, all marked, up to the last look."""
    people = [town.person() for _ in range(3)]
    bubble = phone.menu("pay.family")
    if "您同意吗" in bubble:
        phone.tap("同意")
    for person, relation in zip(people, ("本人", "父亲", "母亲"), strict=True):
        if person is people[0]:
            phone.tap("加一个人")
        add(phone, person, relation)
    lines = phone.tap("选好了")
    assert "一共 3 项，1200元" in lines, lines.text
    assert "请核对，一共 3 项，1200元" in phone.type("核对")
    return people


def test_a_contact_is_added_changed_chosen_and_removed(town: Town) -> None:
    phone, person = town.phone(), town.person()
    assert "还没有常用联系人" in phone.menu("my.contacts")
    phone.tap("加一个人")
    add(phone, person, "其他")
    phone.tap(person.masked)
    assert f"改好了：母亲 {person.masked}" in phone.tap("母亲")
    chosen = phone.menu("pay.medical")
    assert "常用联系人" in chosen
    assert "请核对" in phone.tap(f"母亲 {person.masked}")
    assert "缴费单开好了" in phone.tap("确认缴费")
    phone.pay()
    phone.push(saying="缴费成功")
    phone.menu("my.contacts")
    phone.tap(person.masked)
    phone.tap("删掉这一位")
    assert "已经从常用联系人里删掉了" in phone.tap("删掉")
    assert person.masked not in phone.menu("pay.pension").text
    for bubble in phone.chat:
        assert person.name not in bubble.text
        assert person.number not in bubble.text


def test_three_people_one_cashier_one_certificate(town: Town) -> None:
    phone = town.phone()
    people = family(town, phone)
    assert "缴费单开好了：1200元" in phone.tap("确认缴费")
    order = phone.pay()
    assert order.total == 120000
    assert "3" in order.words["description"]
    told = phone.push(saying="一共 3 项，1200元").text
    for person in people:
        assert person.masked in told
    phone.tap("开缴费证明")
    bubble = phone.type("开证明")
    assert "3 笔，一共 1200元" in bubble, bubble.text
    words = words_of(phone.open(bubble.url("打开")).body)
    for person in people:
        assert person.name in words
        assert person.number in words
    assert words.count(order.transaction_id) == 3


def test_a_line_that_a_daughter_pays_meanwhile_is_left_out(town: Town) -> None:
    phone, daughter = town.phone(), town.phone()
    people = family(town, phone)
    to_the_order(daughter, people[2])
    bubble = phone.tap("确认缴费")
    assert "正有人在付款" in bubble, bubble.text
    assert "请核对，一共 2 项，800元" in bubble
    daughter.pay()
    daughter.push(saying="缴费成功")
    assert "缴费单开好了：800元" in phone.tap("确认缴费")
    phone.tap("请家人扫码付")
    order = town.merchant.scanned(code_of(phone.push("image").picture), daughter.openid)
    assert order.total == 80000
    town.merchant.pay(order, daughter.openid)
    phone.push(saying="一共 2 项，800元")


def test_a_line_that_a_bank_took_meanwhile_goes_back_alone(town: Town) -> None:
    phone = town.phone()
    people = family(town, phone)
    phone.tap("确认缴费")
    phone.cashier()
    paid_at_a_bank(town, (people[1], f"H{town.index_of(people[1])}"))
    order = phone.pay()
    told = phone.push(saying="缴费成功").text
    assert people[1].masked not in told
    assert people[0].masked in told
    assert people[1].masked in phone.push(saying="没有用上").text
    town.bell.until(lambda: order.refunds, "the refund is asked for")
    assert [one.amount for one in order.refunds] == [40000]
    town.merchant.finish_refunds()
    assert "400元已经原路退回" in phone.push(saying="已经原路退回").text
