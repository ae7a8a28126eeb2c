"""Looking up in the in-memory town: consent first, then number, name and code; and nobody learns more than that."""

from __future__ import annotations

import pytest

from dialogs.steps.consent import VERSION
from dialogs.terms.contact import Relation
from dialogs.texts import say
from dialogs.world import OrderState, Record, RecordState
from tests.dialogs.townspeople import LI, MAI, WANG, WU, ZHAO, Phone, record
from tests.dialogs.worlds import GUESSES, SIGNS, SUM, Resident

NOBODY = Resident("440308199901101512", "无此人")


def agreed() -> Phone:
    """The phone of somebody who agreed before."""
    phone = Phone()
    phone.town.agreed["me"] = {VERSION}
    return phone


def at_code(who: Resident = LI, name: str = "") -> Phone:
    """At the code, after number and name."""
    phone = agreed()
    phone.click("query.enrolments")
    phone.say(who.number, name or who.name)
    assert phone.session.asked == "captcha"
    return phone


def listed(*records: Record, which: str = "两种都看") -> Phone:
    """At the list of these payments."""
    phone = agreed()
    phone.town.records[LI.key] = list(records)
    phone.click("query.payments")
    phone.say(which, LI.number, LI.name, SIGNS)
    return phone


@pytest.mark.parametrize("service", ["query.payments", "query.enrolments"])
def test_no_number_is_asked_for_before_consent(service: str) -> None:
    phone = Phone()
    phone.click(service)
    if service == "query.payments":
        phone.say("1")
    assert phone.session.asked == "consent"
    phone.say(LI.number)
    assert phone.session.asked == "consent"
    assert LI.key.encode() not in phone.session.to_json()
    phone.say("同意")
    assert phone.session.asked == "lookup_number"
    assert phone.town.agreed == {"me": {VERSION}}


def test_refusing_ends_kindly_and_keeps_nothing() -> None:
    phone = Phone()
    phone.click("query.enrolments")
    assert say("consent.refused") in phone.say("不同意")
    assert phone.town.agreed == {}


def test_another_version_of_the_notice_is_asked_anew() -> None:
    phone = Phone()
    phone.town.agreed["me"] = {"2020-01"}
    phone.click("query.enrolments")
    assert phone.session.asked == "consent"


def test_withdrawing_forgets_contacts_and_whom_one_confirmed() -> None:
    phone = at_code()
    phone.say(SIGNS)
    phone.town.world().contacts.add("me", LI.key, Relation.MOTHER)
    phone.say("撤回同意")
    assert phone.town.agreed
    assert phone.town.friends["me"]
    assert say("consent_withdrawal.done") in phone.say("撤回同意")
    assert not phone.town.agreed
    assert not phone.town.friends["me"]
    assert not phone.town.confirmed


def test_unknown_number_and_another_name_are_told_alike_and_only_after_the_code() -> None:
    unknown, otherwise = at_code(NOBODY), at_code(LI, "李四")
    assert unknown.read == otherwise.read == at_code().read
    told = unknown.say(SIGNS)
    assert told == otherwise.say(SIGNS)
    assert say("lookup_name.differs") in told
    assert unknown.session.known["number"] == "4403**********1512"
    assert not unknown.town.confirmed


def test_a_session_tells_neither_name_nor_number_nor_answer() -> None:
    phone = at_code(MAI)
    stored = phone.session.to_json().decode()
    assert not [secret for secret in (MAI.number, MAI.name, SIGNS) if secret in stored]


def test_a_wrong_name_takes_a_new_riddle_and_a_right_one_then_suffices() -> None:
    phone = at_code(LI, "李四")
    phone.say(SIGNS)
    assert len(phone.town.posed) == 1
    phone.say(LI.name)
    assert len(phone.town.posed) == 2
    assert say("enrolments.ask", name="李*二", number="3699**********0021") in phone.say(SIGNS)


def test_a_riddle_that_was_solved_for_one_insured_is_no_use_for_another() -> None:
    phone = at_code()
    phone.say("返回", "返回", WANG.number, WANG.name)
    assert len(phone.town.posed) == 2


def test_a_sum_takes_the_place_of_the_picture_and_back() -> None:
    phone = at_code()
    assert SUM in phone.say("看不清")
    assert SUM in phone.say("换一题")
    assert SUM not in phone.say("换成图片")
    phone.say("换一张", "换一种")
    assert "参保信息" in phone.say("12")


def test_number_and_picture_cannot_be_chosen_by_a_figure() -> None:
    phone = at_code()
    phone.say("换一种")
    for answer in ("1", "2"):
        assert say("captcha.differs") in phone.say(answer)


def test_an_old_riddle_is_replaced_and_does_not_count() -> None:
    phone = at_code()
    phone.town.wait(minutes=11)
    assert say("captcha.expired") in phone.say(SIGNS)
    assert not phone.town.misses
    assert "参保信息" in phone.say(SIGNS)


def test_wrong_codes_end_in_waiting_for_this_openid_alone() -> None:
    phone = at_code()
    phone.say(*["1111"] * (GUESSES - 1))
    assert say("lookup.wait", minutes=10) in phone.say("1111")
    phone.click("query.enrolments")
    assert say("lookup.wait", minutes=10) in phone.say(LI.number, LI.name)
    other = Phone(phone.town, "other")
    other.town.agreed["other"] = {VERSION}
    other.click("query.enrolments")
    other.say(LI.number, LI.name)
    assert other.session.asked == "captcha"
    phone.town.wait(minutes=11)
    phone.click("query.enrolments")
    phone.say(LI.number, LI.name)
    assert phone.session.asked == "captcha"


def test_whoever_is_acquainted_is_looked_up_in_spite_of_wrong_codes() -> None:
    phone = at_code()
    phone.say(*["1111"] * GUESSES)
    phone.town.confirmed["me", LI.key] = phone.town.moment
    phone.click("query.enrolments")
    assert "参保信息：" in phone.say(LI.number, LI.name)


def test_three_names_that_do_not_fit_end_in_waiting_for_this_number() -> None:
    phone = at_code(NOBODY)
    phone.say(SIGNS, NOBODY.name, SIGNS, NOBODY.name)
    assert say("insured.wait", minutes=10) in phone.say(SIGNS)
    phone.click("query.enrolments")
    phone.say(LI.number, LI.name)
    assert phone.session.asked == "captcha"


def test_words_that_cannot_be_a_code_do_not_count() -> None:
    phone = at_code()
    phone.say(*["看不懂"] * 6)
    assert not phone.town.misses
    assert "参保信息" in phone.say(SIGNS)


def test_within_half_an_hour_no_second_code_is_asked_for_but_the_name_must_fit() -> None:
    phone = at_code()
    phone.say(SIGNS)
    phone.click("query.enrolments")
    assert "参保信息：" in phone.say(LI.number, LI.name)
    phone.click("query.enrolments")
    assert say("lookup_name.differs") in phone.say(LI.number, "李四")
    phone.say("取消")
    phone.town.wait(minutes=31)
    phone.click("query.enrolments")
    phone.say(LI.number, LI.name)
    assert phone.session.asked == "captcha"


def test_a_contact_needs_no_number_and_no_name_but_a_code() -> None:
    phone = agreed()
    phone.town.world().contacts.add("me", LI.key, Relation.MOTHER)
    phone.click("query.enrolments")
    phone.say("母亲")
    assert phone.session.asked == "captcha"
    assert "李*二" in phone.say(SIGNS)


def test_back_from_the_list_asks_for_the_name_and_not_for_the_same_list() -> None:
    phone = listed(record(1), record(2))
    assert phone.session.asked == "payments"
    phone.say("返回")
    assert phone.session.asked == "lookup_name"


def test_many_payments_come_in_pages_and_each_can_be_seen_in_full() -> None:
    phone = listed(*[record(number) for number in range(1, 13)])
    assert "下一页" in phone.labels
    assert "一共 12 笔" in phone.read
    shown = phone.say("下一页", "12")
    assert "流水号 R12" in shown
    assert LI.number not in shown
    assert "一共 12 笔" in phone.say("返回列表")
    phone.say("1")
    assert "一共 12 笔" in phone.say("返回")


def test_only_the_insurance_asked_for_is_listed() -> None:
    phone = listed(record(1), record(2), record(3), which="养老")
    assert "一共 2 笔" in phone.read
    assert "医疗" not in phone.read


def test_what_can_be_done_depends_on_how_it_stands_and_whose_it_is() -> None:
    others, own = listed(record(1), record(3)), listed(record(1, mine=True), record(3))
    waiting = listed(record(1, RecordState.WAITING, mine=True), record(3))
    ways = []
    for phone in (others, own, waiting):
        phone.say("1")
        ways.append(phone.labels)
    assert ways == [["返回列表", "开缴费证明"], ["返回列表", "开缴费证明"], ["返回列表", "去付款"]]


def test_money_on_its_way_back_says_when_it_comes() -> None:
    phone = listed(record(1, RecordState.REFUNDING))
    assert say("payment_detail.refunding") in phone.say("1")


def test_a_record_that_changed_meanwhile_leads_back_to_the_list() -> None:
    phone = listed(record(1), record(3))
    phone.town.records[LI.key] = [record(3)]
    assert say("payment_detail.gone") in phone.say("1")
    assert phone.session.asked == "payments"


@pytest.mark.parametrize(("which", "key"), [("养老", "none_pension"), ("医疗", "none_medical"), ("3", "none")])
def test_nothing_found_is_told_kindly(which: str, key: str) -> None:
    assert say(f"payments.{key}", name="李*二") in listed(which=which).read


def test_what_is_owed_can_be_paid_at_once_without_asking_who() -> None:
    phone = at_code()
    phone.say(SIGNS)
    assert "2027 年医疗保险现在可以缴：400元。" in phone.read
    phone.tap("去缴：医疗保险费缴纳")
    assert phone.session.asked == "confirm"
    assert not phone.town.opened


def test_the_group_is_named_only_where_it_changes_what_is_owed() -> None:
    special, plain = at_code(ZHAO), at_code(LI)
    assert "单独的缴费标准" in special.say(SIGNS)
    assert "单独的缴费标准" not in plain.say(SIGNS)


def test_what_is_paid_free_or_being_paid_is_not_offered() -> None:
    free = at_code(WU)
    told = free.say(SIGNS)
    assert "不用缴" in told
    assert "正在领养老金" in told
    assert free.labels == []
    phone = at_code()
    payer = Phone(phone.town, "other")
    payer.say("医疗保险费缴纳", LI.number, LI.name, "确认缴费")
    assert "正有人在付款" in phone.say(SIGNS)
    assert "去缴：医疗保险费缴纳" not in phone.labels
    payer.town.pay("O1")
    phone.click("query.enrolments")
    assert "2027 年医疗保险已经缴了 400元" in phone.say(LI.number, LI.name)


def test_ones_own_open_order_is_offered_and_none_twice() -> None:
    phone = agreed()
    phone.say("医疗保险费缴纳", LI.number, LI.name, "确认缴费")
    assert phone.town.books["O1"].state is OrderState.OPEN
    phone.click("query.enrolments")
    phone.say(LI.number, LI.name, SIGNS)
    assert "看我的订单" in phone.labels
    assert "去缴：医疗保险费缴纳" not in phone.labels
