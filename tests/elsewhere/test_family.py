"""常用联系人, and 一家一起缴: three people in one order, one cashier, one certificate."""

from __future__ import annotations

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.town import Town
from tests.elsewhere.ways import add_contact, code_of, to_the_family_order, to_the_order, words_of


def test_a_contact_is_added_changed_chosen_and_removed(town: Town) -> None:
    phone, person = town.phone(), town.person()
    assert "还没有常用联系人" in phone.menu("my.contacts")
    phone.tap("加一个人")
    add_contact(phone, person, "其他")
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
    people = to_the_family_order(town, phone)
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
    people = to_the_family_order(town, phone)
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


@only_embedded
def test_a_big_family_fits_into_messages_that_wechat_takes(town: Town) -> None:
    phone, people = town.phone(), [town.person() for _ in range(9)]
    phone.menu("pay.family")
    phone.tap("同意")
    phone.tap("加一个人")
    for person in people:
        add_contact(phone, person, "其他")
    assert "一共 9 项，3600元" in phone.type("选好了")
    assert "核对（9 项，3600元）" in phone.tap("下一页")
    looked = phone.type("核对")
    while "看后面的" in looked.options:
        looked = phone.tap("看后面的")
    for person in people:
        assert person.masked in "\n".join(one.text for one in phone.chat[-3:])
    assert "缴费单开好了：3600元" in phone.type("确认缴费")
    phone.pay()
    phone.push(saying="一共 9 项，3600元")
