"""Contacts in the chat: who is offered, what is forgotten when a contact goes, and how many there may be."""

from __future__ import annotations

import pytest
from stdnum.iso7064 import mod_11_2

from dialogs.session import Session
from dialogs.steps.consent import VERSION
from dialogs.terms.contact import MOST_CONTACTS, Contact, Keeping, Relation
from dialogs.texts import say
from dialogs.world import OrderState
from tests.dialogs.townspeople import LI, MAI, RESIDENTS, WANG, WU, ZHAO, Phone, town
from tests.dialogs.worlds import Resident, Town

PAYING = ("pay.pension", "pay.pension_assessed", "pay.medical", "pay.medical_assessed")


def knowing(*who: tuple[Resident, Relation], payer: str = "me") -> Phone:
    """A phone whose owner has these contacts, added one after the other."""
    there = town()
    there.world().consents.give("me", VERSION)
    for one, relation in who:
        assert there.world().contacts.add(payer, one.key, relation) is Keeping.KEPT
    return Phone(there)


def crowd(count: int) -> Phone:
    """A phone whose owner has so many contacts, and there is always one more to add."""
    there = town()
    there.world().consents.give("me", VERSION)
    more = tuple(Resident(f"XYZ{number:012}", f"某某{number}") for number in range(count - 1))
    there.residents = (*RESIDENTS, *more)
    for one in (LI, *more):
        there.world().contacts.add("me", one.key, Relation.OTHER)
    return Phone(there)


@pytest.mark.parametrize("service", PAYING)
def test_without_contacts_the_question_is_what_it_was(service: str) -> None:
    phone = knowing((LI, Relation.MOTHER), payer="somebody else")
    assert phone.click(service) == say("document.ask")


@pytest.mark.parametrize("service", PAYING)
def test_with_contacts_they_are_offered_the_citizen_first(service: str) -> None:
    phone = knowing((LI, Relation.SELF), (WANG, Relation.SON), (ZHAO, Relation.DAUGHTER))
    phone.click(service)
    assert phone.labels == ["本人 李*二", "女儿 赵*四", "儿子 王*三"]


def test_who_is_chosen_needs_neither_number_nor_name_and_is_remembered_masked() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("pay.medical")
    phone.tap("母亲 李*二")
    assert phone.session.asked == "confirm"
    known = {"insured": LI.key, "number": "3699**********0021", "name": "李*二", "contact": True}
    assert known.items() <= phone.session.known.items()
    assert phone.session.trail == ["document"]


def test_going_back_from_a_chosen_contact_forgets_all_of_it() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("pay.medical")
    phone.say("1", "返回")
    assert (phone.session.asked, phone.session.known, phone.session.trail) == ("document", {}, [])
    phone.say(WANG.number)
    assert phone.session.asked == "insured", "the name of the one chosen before is taken for another number"
    assert set(phone.session.known) == {"insured", "number", "code_given"}


def test_a_number_that_is_typed_goes_on_as_before_also_after_a_pause() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("pay.medical")
    phone.say(WANG.number, WANG.name)
    assert phone.session.asked == "confirm"
    before = dict(phone.session.known)
    phone.town.wait(minutes=31)
    phone.say("好了吗", "继续")
    assert (phone.session.asked, phone.session.known) == ("confirm", before)


def test_after_a_pause_a_contact_is_still_known() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("pay.medical")
    phone.say("1")
    before = dict(phone.session.known)
    phone.town.wait(minutes=31)
    phone.say("好了吗", "继续")
    assert (phone.session.asked, phone.session.known) == ("confirm", before)


def test_after_a_pause_a_contact_that_was_removed_is_forgotten() -> None:
    phone = knowing((LI, Relation.MOTHER), (WANG, Relation.SON))
    phone.click("pay.medical")
    phone.tap("母亲 李*二")
    phone.town.world().contacts.remove("me", LI.key)
    phone.town.wait(minutes=31)
    phone.say("好了吗", "继续")
    assert (phone.session.asked, phone.session.known) == ("document", {})
    assert phone.labels == ["儿子 王*三"]


def test_a_contact_removed_since_it_was_shown_cannot_be_chosen() -> None:
    phone = knowing((LI, Relation.MOTHER), (WANG, Relation.SON))
    phone.click("pay.medical")
    phone.town.world().contacts.remove("me", LI.key)
    assert say("machine.stale") in phone.tap("母亲 李*二")
    assert (phone.session.asked, phone.session.known, phone.labels) == ("document", {}, ["儿子 王*三"])


def test_a_contact_removed_since_the_list_was_shown_cannot_be_changed() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("my.contacts")
    phone.town.world().contacts.forget("me")
    phone.tap("母亲 李*二")
    assert (phone.session.asked, phone.labels) == ("contacts", [say("contacts.add")])


@pytest.mark.parametrize(("ways", "told"), [(["父亲"], "gone"), (["删掉这一位", "删掉"], "removed")])
def test_a_contact_removed_while_it_is_being_changed_stays_removed(ways: list[str], told: str) -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.click("my.contacts")
    phone.say("1", *ways[:-1])
    phone.town.world().contacts.forget("me")
    assert say(f"contact_kept.{told}", name="李*二") in phone.say(ways[-1])
    assert phone.town.world().contacts.list("me") == []


def test_whom_the_registry_does_not_know_any_more_is_left_out() -> None:
    phone = knowing((LI, Relation.SELF), (WANG, Relation.SON))
    phone.town.residents = [one for one in RESIDENTS if one is not LI]
    phone.click("pay.medical")
    assert phone.labels == ["儿子 王*三"]
    assert phone.say("返回首页", "常用联系人").count("王*三") == 1
    assert phone.labels == ["儿子 王*三", say("contacts.add")]


def test_with_nobody_left_in_the_registry_the_question_is_what_it_was() -> None:
    phone = knowing((LI, Relation.SELF))
    phone.town.residents = [WANG]
    assert phone.click("pay.medical") == say("document.ask")


def test_the_twentieth_can_be_added_and_the_list_then_says_it_is_full() -> None:
    phone = crowd(MOST_CONTACTS - 1)
    phone.click("my.contacts")
    phone.say("加一个人", MAI.number, MAI.name)
    assert say("contacts.full", most=MOST_CONTACTS) in phone.say("母亲")
    assert len(phone.town.world().contacts.list("me")) == MOST_CONTACTS
    assert say("contacts.add") not in phone.say("下一页", "下一页")
    assert phone.say("加一个人").startswith(say("contacts.wrong"))


def test_the_twenty_first_is_refused_when_others_were_added_meanwhile() -> None:
    phone = crowd(MOST_CONTACTS - 1)
    phone.click("my.contacts")
    phone.say("加一个人", MAI.number, MAI.name)
    phone.town.world().contacts.add("me", WU.key, Relation.OTHER)
    assert say("contact_kept.full", most=MOST_CONTACTS) in phone.say("母亲")
    assert MAI.key not in {one.insured for one in phone.town.world().contacts.list("me")}


def test_the_place_of_one_whom_the_registry_forgot_is_free_again() -> None:
    phone = crowd(MOST_CONTACTS)
    phone.town.residents = [one for one in phone.town.residents if one is not LI]
    phone.click("my.contacts")
    phone.say("加一个人", MAI.number, MAI.name)
    assert "加好了：母亲" in phone.say("母亲")
    kept = {one.insured for one in phone.town.world().contacts.list("me")}
    assert MAI.key in kept
    assert LI.key not in kept
    assert len(kept) == MOST_CONTACTS


def test_all_twenty_can_be_reached_by_turning_the_page() -> None:
    phone = crowd(MOST_CONTACTS)
    phone.click("pay.medical")
    phone.say("下一页", "下一页")
    assert len(phone.reply.options) == 3, "two of twenty, and the way back"


def test_two_whose_labels_are_the_same_are_told_apart_by_their_numbers() -> None:
    phone = knowing((LI, Relation.SON))
    digits = "36990619700521002"
    twin = Resident(digits + mod_11_2.calc_check_digit(digits), "李示二")
    phone.town.residents = (*RESIDENTS, twin)
    phone.town.world().contacts.add("me", twin.key, Relation.SON)
    phone.click("my.contacts")
    assert phone.labels[:2] == [f"儿子 李*二（3699**********{twin.number[-4:]}）", "儿子 李*二（3699**********0021）"]
    assert "0021" in phone.say(phone.labels[1])


def test_only_the_citizens_own_word_makes_somebody_oneself() -> None:
    phone = knowing()
    phone.click("my.contacts")
    phone.say("1", LI.number, LI.name, "本人")
    assert phone.town.world().contacts.list("me") == []
    phone.say("是我本人")
    assert phone.town.world().contacts.list("me") == [Contact(LI.key, Relation.SELF)]


def test_a_second_self_is_refused_even_if_it_was_offered() -> None:
    phone = knowing((WANG, Relation.SON))
    phone.click("my.contacts")
    phone.say("1", "本人")
    phone.town.world().contacts.add("me", LI.key, Relation.SELF)
    assert say("contact_kept.self_taken") in phone.say("是我本人")
    assert Contact(WANG.key, Relation.SON) in phone.town.world().contacts.list("me")


def test_the_name_is_asked_when_a_contact_is_added_and_guessing_has_an_end() -> None:
    phone = knowing()
    phone.click("my.contacts")
    read = phone.say("1", LI.number, *["无此人"] * 3)
    assert read == say("insured.wait", minutes=10)
    assert phone.session.flow == ""


def test_another_number_while_adding_stays_with_adding() -> None:
    phone = knowing()
    phone.click("my.contacts")
    phone.say("1", LI.number, "无此人", "重新发身份证号码")
    assert (phone.session.asked, phone.session.known) == ("document", {"task": "add"})
    phone.say(LI.number, WANG.number, WANG.name, "儿子")
    assert phone.town.world().contacts.list("me") == [Contact(WANG.key, Relation.SON)]


def test_while_the_world_does_not_answer_nothing_is_added_or_lost() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.town.down = True
    assert phone.click("my.contacts") == say("machine.unavailable")
    phone.town.down = False
    phone.click("my.contacts")
    phone.say("1", "删掉这一位")
    phone.town.down = True
    phone.say("删掉")
    phone.town.down = False
    assert phone.town.world().contacts.list("me") == [Contact(LI.key, Relation.MOTHER)]
    phone.say("删掉")
    assert phone.town.world().contacts.list("me") == []


def test_unsubscribing_keeps_them() -> None:
    phone = knowing((LI, Relation.MOTHER))
    phone.send("unsubscribe")
    assert phone.session == Session()
    phone.click("pay.medical")
    assert phone.labels == ["母亲 李*二"]


def test_the_one_paid_for_last_comes_first() -> None:
    phone = knowing((LI, Relation.MOTHER), (WANG, Relation.SON))
    phone.click("pay.medical")
    phone.say("母亲", "确认缴费")
    phone.click("pay.pension")
    assert phone.labels == ["母亲 李*二", "儿子 王*三"]


def test_one_citizen_never_sees_anothers() -> None:
    there: Town = knowing((LI, Relation.MOTHER)).town
    other = Phone(there, payer="another")
    assert other.click("my.contacts").startswith(say("contacts.none"))
    assert "李" not in other.click("pay.medical")


def paid(phone: Phone, who: Resident) -> Phone:
    """The phone, whose owner has just paid for this insured."""
    phone.click("pay.medical")
    phone.say(who.number, who.name, "1")
    phone.town.become(next(reversed(phone.town.books)), OrderState.PAID)
    return phone


def test_whom_one_paid_for_is_offered_as_a_contact_with_one_tap_and_then_the_relation() -> None:
    phone = paid(knowing(), LI)
    phone.say("谢谢")
    phone.tap(say("paid_for.keep", name="李*二"))
    assert phone.session.asked == "contact_relation"
    phone.say("母亲")
    assert phone.town.world().contacts.list("me") == [Contact(LI.key, Relation.MOTHER)]
    assert phone.labels == ["母亲 李*二", say("contacts.add")]


def test_a_contact_is_not_offered_again() -> None:
    phone = paid(knowing((LI, Relation.MOTHER)), LI)
    assert "存为" not in phone.say("谢谢")


def test_nobody_is_offered_where_twenty_are_kept_or_after_withdrawing() -> None:
    full = paid(crowd(MOST_CONTACTS), WANG)
    assert "存为" not in full.say("谢谢")
    withdrawn = paid(knowing(), WANG)
    withdrawn.town.world().consents.withdraw("me")
    assert "存为" not in withdrawn.say("谢谢")
    assert "存为" not in withdrawn.click("my.contacts")
