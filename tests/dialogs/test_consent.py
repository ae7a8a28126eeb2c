"""同意 before the first ID number, wherever one is asked for: the notice, what agrees to it, and what does not."""

from __future__ import annotations

import pytest

from dialogs.steps.consent import VERSION
from dialogs.terms.contact import Relation
from dialogs.texts import say
from tests.dialogs.townspeople import LI, Phone

PAYING = ("pay.pension", "pay.pension_assessed", "pay.medical", "pay.medical_assessed")
NOTICE = say("consent.notice")


def agreed(phone: Phone) -> bool:
    return phone.town.world(phone.payer).consents.given(phone.payer, VERSION)


def asked_for_a_number(phone: Phone, service: str) -> str:
    """The question for the number, as it is said on the way of this service."""
    read = phone.click(service)
    return phone.say("加一个人") if service == "my.contacts" else read


@pytest.mark.parametrize("service", [*PAYING, "my.contacts"])
def test_the_first_number_is_asked_for_below_the_notice_and_sending_it_agrees(service: str) -> None:
    phone = Phone()
    assert NOTICE in asked_for_a_number(phone, service)
    assert not agreed(phone)
    phone.say(LI.number)
    assert phone.session.asked == "insured", "the notice takes a message more"
    assert agreed(phone)
    phone.say("取消")
    assert NOTICE not in asked_for_a_number(phone, service)


@pytest.mark.parametrize("service", [*PAYING, "my.contacts"])
@pytest.mark.parametrize("words", ["不同意", "不", "不行", "我不同意"])
def test_refusing_ends_and_keeps_nothing(service: str, words: str) -> None:
    phone = Phone()
    asked_for_a_number(phone, service)
    assert phone.say(words).startswith(say("consent.refused"))
    assert (phone.session.flow, agreed(phone)) == ("", False)


@pytest.mark.parametrize("words", ["同意", "好的", "可以"])
def test_agreeing_in_words_is_never_taken_for_refusing(words: str) -> None:
    phone = Phone()
    phone.click("pay.medical")
    assert phone.say(words).endswith(say("document.ask"))
    assert agreed(phone)


@pytest.mark.parametrize("words", [LI.number[:-1], LI.number[:-1] + "7", "李测二", "这是什么"])
def test_what_is_no_number_does_not_agree(words: str) -> None:
    phone = Phone()
    phone.click("pay.medical")
    phone.say(words)
    assert (phone.session.asked, agreed(phone)) == ("document", False)


def test_a_number_before_anybody_asked_does_not_agree() -> None:
    phone = Phone()
    phone.say(LI.number)
    assert not agreed(phone)


def test_after_a_new_wording_contacts_are_offered_once_it_is_agreed_to() -> None:
    phone = Phone()
    phone.town.world().consents.give("me", "an older wording")
    phone.town.world().contacts.add("me", LI.key, Relation.MOTHER)
    assert NOTICE in phone.click("pay.medical")
    assert phone.labels == [say("consent.agree"), say("consent.refuse")]
    phone.say("同意")
    assert phone.labels == ["母亲 李*二"]


def test_after_withdrawing_the_notice_comes_again() -> None:
    phone = Phone()
    phone.click("pay.medical")
    phone.say(LI.number, "取消", "撤回同意", "撤回")
    assert NOTICE in phone.click("pay.medical")


def test_one_citizens_word_does_not_agree_for_another() -> None:
    phone = Phone()
    phone.click("pay.medical")
    phone.say(LI.number)
    assert NOTICE in Phone(phone.town, payer="another").click("pay.medical")


def test_who_agreed_to_a_look_up_is_not_told_again_when_paying() -> None:
    phone = Phone()
    phone.click("query.enrolments")
    phone.say("同意", "取消")
    assert phone.click("pay.medical") == say("document.ask")
