"""What WeChat made of a voice message: figures in words, a full stop at the end, photos instead of words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.said import Said
from dialogs.steps.consent import VERSION
from dialogs.terms.identity import NotADocument, read_document, with_check_digit
from dialogs.terms.spoken import spoken_code
from dialogs.texts import say
from tests.dialogs.townspeople import LI, Phone, town

DIGITS, HAN = "0123456789", "零一二三四五六七八九"
TODAY = date(2026, 11, 23)
READ_ALOUD = str.maketrans(DIGITS, HAN)


def phone() -> Phone:
    there = town()
    there.world().consents.give("me", VERSION)
    return Phone(there)


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999), st.sampled_from(["X", "叉", "艾克斯", "差"]))
def test_a_number_read_aloud_is_the_number(born: date, order: int, spoken_x: str) -> None:
    number = with_check_digit(f"369901{born:%Y%m%d}{order:03}")
    aloud = number[:17].translate(READ_ALOUD) + number[17].translate(READ_ALOUD).replace("X", spoken_x)
    assert read_document(aloud, TODAY).number == number


@pytest.mark.parametrize(
    "words",
    [
        "369901197005210021 李测二",
        "369901197005210021\n一二三",
        "三六九九零一一九七零零五二一零零二一，李测二",
        "李测二三六九九零一一九七零零五二一零零二一",
        "李测二 三六九九零一 一九七零年五月二十一日 零零二一",
    ],
)
def test_a_name_beside_a_number_is_no_part_of_it(words: str) -> None:
    assert read_document(words, TODAY).number == LI.number


@given(st.text(HAN, max_size=14))
def test_few_figures_are_no_number(words: str) -> None:
    with pytest.raises(NotADocument):
        read_document(words, TODAY)


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
