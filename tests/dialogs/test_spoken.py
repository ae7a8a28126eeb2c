"""What WeChat made of a voice message: figures in words, a full stop at the end, photos instead of words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.said import Said
from dialogs.steps.consent import VERSION
from dialogs.terms.spoken import spoken_code, spoken_number
from dialogs.texts import say
from tests.dialogs.townspeople import LI, Phone, town

DIGITS, HAN = "0123456789", "零一二三四五六七八九"
READ_ALOUD = str.maketrans(DIGITS, HAN)


def phone() -> Phone:
    there = town()
    there.world().consents.give("me", VERSION)
    return Phone(there)


@given(st.text(DIGITS, min_size=17, max_size=17), st.sampled_from(["X", "叉", "艾克斯", "0"]))
def test_a_number_read_aloud_is_the_number(digits: str, last: str) -> None:
    assert spoken_number(digits.translate(READ_ALOUD) + last) == digits + ("0" if last == "0" else "X")


@pytest.mark.parametrize("words", ["369901197005210021 李测二", "369901197005210021\n一二三"])
def test_a_name_beside_a_typed_number_stays_a_name(words: str) -> None:
    assert spoken_number(words) == words


def test_a_name_beside_a_number_read_aloud_stays_a_name() -> None:
    assert spoken_number("三六九九零一一九七零零五二一零零二一，李测二") == "369901197005210021，李测二"


@given(st.text(st.characters(), max_size=14))
def test_few_figures_stay_the_words_they_are(words: str) -> None:
    assert spoken_number(words) == words


@pytest.mark.parametrize(
    ("words", "code"),
    [("二三四五。", "2345"), ("幺两", "12"), ("十二", "十二"), ("二", "二"), ("二三四五吧", "二三四五吧")],
)
def test_a_code_read_aloud_is_the_code(words: str, code: str) -> None:
    assert spoken_code(words) == code


@pytest.mark.parametrize("ask", ["pay.medical", "my.contacts"])
def test_number_and_name_may_be_spoken(ask: str) -> None:
    spoken = phone()
    spoken.click(ask)
    if ask == "my.contacts":
        spoken.hear(Said("voice", "加一个人。"))
    spoken.hear(Said("voice", f"{LI.number.translate(READ_ALOUD)}。"))
    spoken.hear(Said("voice", "李测二。"))
    assert spoken.session.known["name"] == "李*二"


@pytest.mark.parametrize(("words", "step"), [("三。", "confirm"), ("五百元。", "confirm"), ("返回。", "enrolled")])
def test_an_option_and_a_command_may_be_spoken(words: str, step: str) -> None:
    spoken = phone()
    spoken.click("pay.pension")
    spoken.say("369902198511030032", "王例三", "1")
    assert spoken.session.asked == "tier"
    spoken.hear(Said("voice", words))
    assert spoken.session.asked == step


def test_a_voice_message_that_nobody_understood_is_answered_kindly_and_the_question_stays() -> None:
    spoken = phone()
    spoken.click("pay.medical")
    assert spoken.send("voice") == f"{say('machine.voice')}\n{say('document.ask')}"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ([], "document.photo"),
        ([LI.number], "machine.image"),  # it is not a number that is asked for
    ],
)
def test_a_photo_where_a_number_is_asked_for_is_told_why_it_is_not_taken(before: list[str], told: str) -> None:
    sending = phone()
    sending.click("query.enrolments")
    sending.say(*before)
    assert sending.send("image").startswith(say(told))
