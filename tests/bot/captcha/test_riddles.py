"""验证码: the riddle says nothing of its answer, ends after ten minutes, and is sent as one picture at a time."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from bot.app import CAPTCHA_KEY
from bot.captcha.picture import paint
from bot.captcha.riddles import CONFIRMED_SECONDS, RIDDLE_SECONDS, SIGNS, WORDS, Riddles, signs_of
from bot.sandbox.faults import Fault
from dialogs.world import Guess
from storage.history import StoredHistory
from tests.bot.room import PAYER, Room
from tests.storage.counter import ZONE, payable

OTHER = "oOther"


@pytest.fixture
def riddles(room: Room) -> Riddles:
    engine, clock = room.app.engine, room.sandbox.clock.now
    key = room.app.seal.signing_key(CAPTCHA_KEY)
    return Riddles(key, engine, room.app.shared, StoredHistory(engine, ZONE), clock, lambda: None)


def pictures(room: Room) -> int:
    return sum(bubble.kind == "image" for bubble in room.phone.inbox)


def total(riddles: Riddles, riddle: str) -> int:
    found = re.match(r"(\d) \+ (\d) = ", riddles.question(riddle))
    assert found, riddles.question(riddle)
    return int(found[1]) + int(found[2])


def test_a_sum_is_answered_in_figures_and_in_words(riddles: Riddles) -> None:
    words = "零一二三四五六七八九"
    for _ in range(20):
        riddle = riddles.pose(PAYER, picture=False)
        right = total(riddles, riddle)
        spoken = words[right] if right < 10 else "十" + words[right - 10].replace("零", "")
        for answer in (str(right), f" {right} 。", f"等于{right}", spoken):
            assert riddles.guess(riddle, answer) is Guess.RIGHT, answer
        assert riddles.guess(riddle, str(right + 1)) is Guess.WRONG


@pytest.mark.parametrize("answer", ["", "不知道", "abcd", "七八九", "12元"])
def test_what_cannot_be_an_answer_is_not_counted_as_one(riddles: Riddles, answer: str) -> None:
    assert riddles.guess(riddles.pose(PAYER, picture=True), answer) is Guess.UNREADABLE


def test_the_digits_of_a_picture_may_be_typed_apart(riddles: Riddles) -> None:
    riddle = riddles.pose(PAYER, picture=True)
    signs = signs_of(riddle, riddles.key)
    assert len(signs) == 4
    assert set(signs) <= set(SIGNS)
    full_width = signs.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    for answer in (signs, " ".join(signs), full_width):
        assert riddles.guess(riddle, answer) is Guess.RIGHT
    assert riddles.guess(riddle, signs[:3]) is Guess.WRONG


def test_a_riddle_ends_after_ten_minutes(room: Room, riddles: Riddles) -> None:
    riddle = riddles.pose(PAYER, picture=False)
    right = str(total(riddles, riddle))
    room.sandbox.clock.move(RIDDLE_SECONDS)
    assert riddles.guess(riddle, right) is Guess.RIGHT
    room.sandbox.clock.move(1)
    assert riddles.guess(riddle, right) is Guess.EXPIRED


def test_the_answer_follows_from_the_key_and_not_from_the_riddle(riddles: Riddles) -> None:
    drawn = [riddles.pose(PAYER, picture=True) for _ in range(30)]
    assert len({signs_of(one, riddles.key) for one in drawn}) > 10
    assert [signs_of(one, riddles.key) for one in drawn] != [signs_of(one, b"another") for one in drawn]


def test_the_picture_is_a_picture_and_says_its_digits_nowhere_else() -> None:
    picture = paint("2345")
    image = Image.open(io.BytesIO(picture))
    assert (image.format, image.size) == ("PNG", (560, 220))
    assert not image.info
    assert b"2345" not in picture
    dark = sum(image.convert("L").histogram()[:100])
    assert dark > 3_000, "digits that an old person cannot see"


def test_a_picture_is_pushed_once(room: Room, riddles: Riddles) -> None:
    room.phone.type("你好")
    riddles.pose(PAYER, picture=True)
    room.work()
    room.work()
    assert pictures(room) == 1


def test_a_picture_that_could_not_be_sent_is_not_sent_after_another_riddle(room: Room, riddles: Riddles) -> None:
    room.phone.type("你好")
    room.fault("wechat.upload", Fault.STATUS_500)
    riddles.pose(PAYER, picture=True)
    room.work()
    riddles.pose(PAYER, picture=False)
    room.wait(60)
    room.phone.type("你好")
    room.work()
    assert pictures(room) == 0


def test_whom_one_confirmed_is_known_for_thirty_minutes_and_to_nobody_else(room: Room, riddles: Riddles) -> None:
    riddles.confirm(PAYER, "li")
    room.sandbox.clock.move(CONFIRMED_SECONDS - 60)
    riddles.confirm(PAYER, "li")  # looking again does not make it longer
    riddles.confirm(PAYER, "wang")
    assert riddles.acquainted(PAYER, "li")
    assert not riddles.acquainted(OTHER, "li")
    room.sandbox.clock.move(61)
    assert not riddles.acquainted(PAYER, "li")
    assert riddles.acquainted(PAYER, "wang")
    riddles.forget(PAYER)
    assert not riddles.acquainted(PAYER, "wang")


def test_whom_one_paid_for_needs_no_code_and_whom_one_only_ordered_for_does(room: Room, riddles: Riddles) -> None:
    no = room.counter.open(PAYER, payable("wang"))
    assert not riddles.acquainted(PAYER, "wang")
    room.counter.place(f"{no}-1")
    room.counter.settle(f"{no}-1")
    assert riddles.acquainted(PAYER, "wang")


def test_each_figure_is_asked_in_its_one_usual_word() -> None:
    assert {number: WORDS[number] for number in range(1, 11)} == dict(enumerate("一二三四五六七八九十", 1))
