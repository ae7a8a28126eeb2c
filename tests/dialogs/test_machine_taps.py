"""Taps: old, doubled, foreign and hostile ones do nothing; pages turn."""

from __future__ import annotations

import pytest

from dialogs.texts import say
from tests.dialogs.places import AT, at
from tests.dialogs.townspeople import MAI


@pytest.mark.parametrize("step", AT)
def test_an_old_option_only_shows_the_present_question_again(step: str) -> None:
    phone = at(step)
    before = phone.session
    for old in ("7.0", f"{before.revision - 1}.0", f"{before.revision}.99", "", ".", "x", f"{before.revision}.-1"):
        phone.tap_id(old, "确认缴费")
        assert (phone.session.asked, phone.session.known, phone.session.revision) == (
            step,
            before.known,
            before.revision,
        )
    assert phone.town.opened == []


def test_a_tap_id_of_ten_thousand_digits_is_an_old_option() -> None:
    phone = at("tier")
    phone.tap_id(f"{phone.session.revision}.{'9' * 10_000}")
    assert phone.session.asked == "tier"


def test_confirming_twice_by_the_same_option_opens_one_order() -> None:
    phone = at("confirm")
    confirm = phone.reply.options[0].id
    phone.tap_id(confirm, "确认缴费")
    read = phone.tap_id(confirm, "确认缴费")
    assert read.startswith(say("checkout.stale"))
    assert len(phone.town.opened) == 1


def test_confirming_twice_opens_one_order_where_taps_come_without_ids() -> None:
    phone = at("confirm")
    phone.say("确认缴费")
    assert phone.say("确认缴费").startswith(say("checkout.stale"))
    assert len(phone.town.opened) == 1


def test_an_option_of_a_forgotten_conversation_never_fits_a_new_one() -> None:
    phone = at("confirm")
    confirm = phone.reply.options[0].id
    phone.send("unsubscribe")
    phone.town.wait(minutes=1)
    phone.say("医疗保险费缴纳", MAI.number, MAI.name)
    assert phone.session.asked == "confirm"
    phone.tap_id(confirm, "确认缴费")
    assert phone.town.opened == []


def test_pages_turn_by_their_options_and_by_words() -> None:
    phone = at("tier")
    phone.tap("下一页")
    assert phone.labels == ["2000元", "3000元", "上一页"]
    phone.say("下一页")
    assert phone.labels == ["2000元", "3000元", "上一页"]
    phone.tap("上一页")
    assert phone.labels[0] == "300元"
    phone.say("11")
    assert phone.session.known["tier"] == "3000"


def test_turning_a_page_does_not_answer_or_lose_a_question_about_the_conversation() -> None:
    phone = at("tier")
    asked = phone.say("首页")
    assert phone.say("下一页") == asked
    phone.tap(say("machine.stay"))
    assert phone.session.asked == "tier"
