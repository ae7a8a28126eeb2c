"""一家一起缴 beside what the transcripts tell: many people, what changes meanwhile, taps that come twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.wire.render import reply_texts
from dialogs.steps.consent import VERSION
from dialogs.terms.contact import MOST_CONTACTS, Relation
from dialogs.terms.insurance import PayKind, payable_key
from dialogs.world import MOST_LINES, OrderState, Payment
from tests.dialogs.townspeople import (
    DONGHU,
    DONGHU_MEDICAL,
    LI,
    MAI,
    MEDICAL,
    MORNING,
    PENSION,
    POYANG,
    POYANG_MEDICAL,
    WANG,
    WU,
    ZHAO,
    Phone,
    assessed,
    enrolled,
    tariff,
    town,
)
from tests.dialogs.worlds import Resident, key_of

RELATIONS = (Relation.SELF, Relation.MOTHER, Relation.FATHER, Relation.SPOUSE, Relation.SON)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def a_number(place: int) -> str:
    """An ID number of the fictitious division, for somebody aged 40."""
    body = f"36990119860101{place:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return f"{body}{'10X98765432'[total % 11]}"


def family(*people: Resident, proved: bool = True) -> Phone:
    """Somebody whose contacts these are, who has agreed, at the first question of 一家一起缴.

    `proved`: number, name and code of each were given within the last half hour.
    """
    place = town()
    place.residents = (*place.residents, *(one for one in people if one not in place.residents))
    place.agreed["me"] = {VERSION}
    relations = (*RELATIONS, *[Relation.OTHER] * 20)
    for one, relation in zip(people, relations, strict=False):
        place.world().contacts.add("me", one.key, relation)
        if proved:
            place.confirmed["me", one.key] = place.moment
    phone = Phone(place)
    phone.click("pay.family")
    return phone


def paid_last_year(phone: Phone, one: Resident, yuan: int) -> None:
    key = payable_key(one.key, PENSION, 2025, PayKind.NORMAL, "")
    phone.town.payments[key] = Payment(PENSION, 2025, yuan * 100, MORNING)


def crowd(count: int) -> list[Resident]:
    """As many people, every one insured twice, at institutions of different names."""
    found = []
    for place in range(count):
        here = replace(DONGHU_MEDICAL, name=f"{'很长' * 5}的第{place}个医疗保障服务中心")
        there = replace(DONGHU, name=f"{'很长' * 5}的第{place}个城乡居民社会养老保险事业管理局")
        name = f"王{'甲乙丙丁戊己庚辛壬癸'[place % 10]}三"
        found.append(Resident(a_number(place), name, (enrolled(here, "1"), enrolled(there, "2"))))
    return found


def test_twenty_people_fit_into_one_message_at_every_question() -> None:
    people = crowd(MOST_LINES)
    phone = family(*people)
    for one in people[:3]:
        paid_last_year(phone, one, 500)
    for one in people[3:]:  # each for a reason of its own kind
        phone.town.payments[payable_key(one.key, MEDICAL, 2027, PayKind.NORMAL, "")] = Payment(
            MEDICAL, 2027, 40000, MORNING
        )
    for words in ("全部", "选好了", "下一页", "加养老保险", "都不加", "核对"):
        phone.say(words)
        assert len(reply_texts(phone.reply)) == 1, phone.read
    assert "✓" not in phone.read
    assert phone.read.startswith("请核对，一共 6 项，2700元。")


def test_every_line_of_a_long_order_is_shown_before_it_can_be_confirmed() -> None:
    phone = family(*crowd(MOST_LINES))
    phone.say("全部", "选好了")
    shown = phone.say("核对")
    seen: list[str] = []
    while "看后面的" in phone.labels:
        assert "确认缴费" not in phone.labels
        assert "看后面的" in phone.say("缴费吧")  # what it takes for an answer meanwhile leads on
        seen += shown.split("\n")
        assert len(reply_texts(phone.reply)) == 1
        shown = phone.say("看后面的")
    seen += shown.split("\n")
    assert len([line for line in seen if line.startswith("· ")]) == MOST_LINES
    assert len([line for line in seen if line.startswith("缴到 ")]) == MOST_LINES
    phone.tap("确认缴费")
    [(_, payables)] = phone.town.opened
    assert len(payables) == MOST_LINES


def test_more_lines_than_an_order_holds_are_not_taken_on() -> None:
    people = crowd(15)
    phone = family(*people)
    for one in people:
        paid_last_year(phone, one, 500)
    phone.say("全部", "选好了")
    assert "一张缴费单最多 20 项，现在选了 30 项" in phone.say("核对")
    phone.say("1-20")
    assert phone.say("核对").startswith("请核对，一共 20 项，")


def test_last_years_tier_is_suggested_only_where_it_is_there_this_year() -> None:
    phone = family(LI, MAI)
    paid_last_year(phone, LI, 500)
    paid_last_year(phone, MAI, 123)
    read = phone.say("全部", "选好了")
    assert "母亲 买*·**示 2026 年养老保险" not in read
    assert "本人 李*二 2026 年养老保险 500元" in read


def test_what_the_agency_assessed_takes_the_place_of_tariff_and_tier() -> None:
    aided = replace(ZHAO, assessments=(*ZHAO.assessments, assessed("p", DONGHU, "8", PayKind.AID, 2026, 100)))
    phone = family(LI, aided)
    phone.town.residents = [aided if one.key == ZHAO.key else one for one in phone.town.residents]
    paid_last_year(phone, aided, 500)
    read = phone.say("全部", "选好了")
    assert "母亲 赵*四 2027 年医疗保险 80元" in read
    assert "母亲 赵*四 2026 年养老保险 100元" in read


def test_back_payments_are_not_part_of_it() -> None:
    phone = family(LI)
    assert "2024" not in phone.say("全部", "选好了")


def test_who_has_several_standards_pays_alone() -> None:
    phone = family(LI, MAI)
    phone.town.rows_of_tariff = [
        *phone.town.rows_of_tariff,
        replace(tariff(MEDICAL, 2027, 500), tier_code="more", tier_name="高档"),
    ]
    assert "医疗保险有几种标准，请从菜单单独缴：本人 李*二、母亲 买*·**示。" in phone.say("全部", "选好了")


def test_an_amount_that_changed_is_shown_again_before_anything_is_paid() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    aided = replace(LI, assessments=(assessed("aid", DONGHU_MEDICAL, "4", PayKind.AID, 2027, 80),))
    phone.town.residents = [aided if one.key == LI.key else one for one in phone.town.residents]
    read = phone.tap("确认缴费")
    assert read.startswith("金额变了，现在是：本人 李*二 2027 年医疗保险 80元。")
    assert phone.town.opened == []
    phone.tap("确认缴费")
    [(_, payables)] = phone.town.opened
    assert [one.amount for one in payables] == [8000, 40000]


@pytest.mark.parametrize("what", ["paid", "held", "mine", "ended", "contact"])
def test_a_line_that_became_impossible_is_told_and_the_rest_goes_on_only_when_confirmed_again(what: str) -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    key = payable_key(LI.key, MEDICAL, 2027, PayKind.NORMAL, "")
    if what == "paid":
        phone.town.payments[key] = Payment(MEDICAL, 2027, 40000, MORNING)
    elif what in ("held", "mine"):
        other = Phone(phone.town, "neighbour" if what == "held" else "me")
        phone.town.agreed[other.payer] = {VERSION}
        other.click("pay.medical")
        other.say(LI.number, "李测二") if what == "held" else other.say("本人")
        other.say("确认缴费")
    elif what == "ended":
        phone.town.residents = [one for one in phone.town.residents if one.key != LI.key] + [
            replace(LI, enrolments=LI.enrolments[:1])
        ]
    else:
        phone.town.world().contacts.remove("me", LI.key)
    opened = len(phone.town.opened)
    read = phone.tap("确认缴费")
    assert len(phone.town.opened) == opened
    assert "没有扣您的钱。其余的照样可以缴，请再核对一遍。\n请核对，一共 1 项，400元。" in read
    assert ("本人 李*二" in read) == (what != "contact")
    phone.tap("确认缴费")
    assert [one.insured for one in phone.town.opened[-1][1]] == [MAI.key]


def test_nothing_is_left_when_all_were_paid_meanwhile() -> None:
    phone = family(LI)
    phone.say("全部", "选好了", "核对")
    key = payable_key(LI.key, MEDICAL, 2027, PayKind.NORMAL, "")
    phone.town.payments[key] = Payment(MEDICAL, 2027, 40000, MORNING)
    assert "没有别的要缴了，没有扣您的钱。" in phone.tap("确认缴费")
    assert phone.town.opened == []


def test_a_confirmation_that_was_lost_finds_its_order_again() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    before, shown = phone.session, phone.reply
    phone.tap("确认缴费")
    phone.session, phone.reply = before, shown  # the bot stopped after the order was opened
    read = phone.tap("确认缴费")
    assert "您已经开过缴费单了" in read or "这一笔您已经开过缴费单了" in read
    assert "这张缴费单还没有付：2 个人 2 项 800元" in read
    assert len(phone.town.books) == 1


def test_an_expired_order_is_opened_anew_by_the_answers_given() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    phone.tap("确认缴费")
    phone.town.wait(minutes=31)
    assert "已经过期" in phone.say("在吗")
    assert phone.say("重新开一张").startswith("请核对，一共 2 项，800元。")


def test_after_a_pause_what_was_chosen_holds() -> None:
    phone = family(WANG, LI)
    paid_last_year(phone, WANG, 300)
    phone.say("全部", "选好了", "东湖区", "2", "加养老保险", "李*二", "500", "核对")
    shown = phone.read
    phone.town.wait(minutes=31)
    assert "停了一会儿" in phone.say("是")
    assert phone.say("继续") == shown


def test_after_a_pause_a_contact_who_was_removed_is_not_paid_for() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    phone.town.wait(minutes=31)
    phone.say("是")
    phone.town.world().contacts.remove("me", LI.key)
    assert "李*二" not in phone.say("继续")
    assert phone.town.opened == []


def test_two_people_of_one_masked_name_are_told_apart_and_counted() -> None:
    twin = Resident(a_number(7), "李例二", LI.enrolments)
    place = family(LI, twin).town
    place.friends["me"] = {}
    for one in (LI, twin):
        place.world().contacts.add("me", one.key, Relation.OTHER)
    phone = Phone(place)
    phone.click("pay.family")
    read = phone.say("全部", "选好了", "核对")
    assert f"其他 李*二（3699**********{LI.number[-4:]}）" in read
    assert f"其他 李*二（3699**********{twin.number[-4:]}）" in read
    phone.tap("确认缴费")
    phone.click("my.orders")
    assert "2 个人 2 项 800元" in phone.read


def test_a_line_that_would_go_to_another_institution_is_shown_again_before_anything_is_paid() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    moved = replace(LI, enrolments=(enrolled(POYANG_MEDICAL, "4"),))
    phone.town.residents = [moved if one.key == LI.key else one for one in phone.town.residents]
    read = phone.tap("确认缴费")
    assert read.startswith(f"参保机构变了：本人 李*二 2027 年医疗保险 400元，现在缴到 {POYANG_MEDICAL.name}。")
    assert phone.town.opened == []
    phone.tap("确认缴费")
    assert {one.institution_name for one in phone.town.opened[0][1]} == {POYANG_MEDICAL.name, DONGHU_MEDICAL.name}


def test_who_is_enrolled_at_a_second_place_meanwhile_is_left_out_by_name() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    twice = replace(LI, enrolments=(enrolled(DONGHU_MEDICAL, "4"), enrolled(POYANG_MEDICAL, "5")))
    phone.town.residents = [twice if one.key == LI.key else one for one in phone.town.residents]
    assert phone.tap("确认缴费").startswith("本人 李*二的医疗保险：现在缴不了了")
    assert phone.town.opened == []


def test_whose_pension_may_be_said_as_families_say_it() -> None:
    phone = family(LI, MAI)
    assert "本人 李*二 2026 年缴哪一档" in phone.say("全部", "选好了", "加养老", "我自己")


def test_one_more_than_may_be_kept_is_told_at_the_number() -> None:
    people = [replace(LI, number=a_number(place)) for place in range(MOST_CONTACTS)]
    phone = family(*people)
    assert phone.say(MAI.number).startswith("常用联系人最多 20 位，已经满了。")


def test_a_number_typed_among_the_contacts_marks_or_adds() -> None:
    phone = family(LI)
    assert "1 ✓ 本人 李*二" in phone.say(LI.number)
    assert "请再发一下姓名" in phone.say(MAI.number)
    read = phone.say("买试·吐尔示", "配偶")
    assert "加好了：配偶 买*·**示。" in read
    assert "✓ 本人 李*二" in read
    assert "✓ 配偶 买*·**示" in read


def test_who_is_a_contact_already_is_only_marked() -> None:
    phone = family(LI)
    phone.say("加一个人")
    read = phone.say(LI.number, "李测二")
    assert read.startswith("李*二已经在您的常用联系人里了（本人），不用再加。")
    assert "1 ✓ 本人 李*二" in read


def test_the_institution_is_changed_and_the_tier_kept() -> None:
    phone = family(WANG)
    paid_last_year(phone, WANG, 300)
    phone.say("全部", "选好了", "东湖区", "改参保机构", "鄱阳")
    assert f"缴到 {POYANG.name}：\n· 本人 王*三 2026 年养老保险 300元" in phone.say("核对")
    assert f"缴到 {POYANG_MEDICAL.name}：" in phone.read


def test_a_line_may_be_skipped_where_the_place_is_not_sure() -> None:
    phone = family(WANG)
    paid_last_year(phone, WANG, 300)
    read = phone.say("全部", "选好了", "这次不缴")
    assert "养老保险 300元" not in read
    assert read.startswith("一共 1 项，400元。")


def test_everybody_for_whom_nothing_is_owed_is_told_why() -> None:
    phone = family(WU)
    read = phone.say("全部", "选好了")
    assert read.startswith("2027 年医疗保险不用缴（政府出钱）：本人 吴*八。\n选的这几位现在没有要缴的")


def test_a_line_that_was_given_back_is_marked_in_the_order() -> None:
    phone = family(LI, MAI)
    phone.say("全部", "选好了", "核对")
    phone.tap("确认缴费")
    [no] = phone.town.books
    phone.town.pay(no)
    order = phone.town.books[no]
    lines = (replace(order.lines[0], given_back=True), *order.lines[1:])
    phone.town.books[no] = replace(order, state=OrderState.PAID, lines=lines)
    phone.click("my.orders")
    assert "· 李*二 2027 年医疗保险 400元（没有缴成或已退费，钱原路退回）" in phone.read
    assert key_of(LI.number) not in phone.read


def test_of_contacts_without_a_code_neither_last_years_amount_nor_a_reason_is_told() -> None:
    phone = family(LI, WU, proved=False)
    paid_last_year(phone, LI, 500)
    read = phone.say("全部", "选好了")
    assert "500元" not in read
    assert "政府出钱" not in read
    assert "2027 年医疗保险不用缴：母亲 吴*八。" in read
