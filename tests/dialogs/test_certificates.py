"""Certificates in the chat: several payments are marked by number, whoever cannot have one is told why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.choices import is_several, numbers_of
from dialogs.step import End
from dialogs.steps.certificate_issued import CertificateIssued
from dialogs.steps.certificate_verify import LINES, genuine
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.texts import say
from dialogs.world import Certifiable, CertifiedPayment, Issued, Verified
from tests.dialogs.townspeople import MORNING, Phone, town


def payments(count: int, days_ago: int = 3) -> list[Certifiable]:
    """Pensions of one person, the newest first."""
    paid = MORNING - timedelta(days=days_ago)
    return [
        Certifiable(number, "w", "王*三", Insurance.PENSION, PayKind.NORMAL, 2027 - number, 50000, paid, f"O{number}")
        for number in range(1, count + 1)
    ]


def phone(count: int, days_ago: int = 3) -> Phone:
    """At the question which of so many payments."""
    there = town()
    there.certifiable = payments(count, days_ago)
    one = Phone(there)
    one.click("query.certificate")
    return one


def marked(one: Phone) -> list[int]:
    """The ids of the payments that are marked."""
    chosen = one.session.known.get("marked")
    assert isinstance(chosen, list)
    return [number for number in chosen if isinstance(number, int)]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("1 3 5", [1, 3, 5]),
        ("1、3，5", [1, 3, 5]),
        ("1,2", [1, 2]),
        ("1-4", [1, 2, 3, 4]),
        ("2到3", [2, 3]),
        ("１　２", [1, 2]),
        ("1和12", [1, 12]),
        ("1-3 7 9-10", [1, 2, 3, 7, 9, 10]),
        ("3 1 3", [1, 3]),
        ("第1笔和第2笔。", [1, 2]),
        ("要1、2", [1, 2]),
    ],
)
def test_several_numbers_mark_exactly_these(typed: str, numbers: list[int]) -> None:
    one = phone(12)
    one.say("2", typed)
    assert marked(one) == numbers


@pytest.mark.parametrize("typed", ["1 13", "0 1", "4-2", "5 6 99", "1 2 三"])
def test_numbers_that_are_not_all_shown_mark_nothing(typed: str) -> None:
    one = phone(12)
    assert say("certificate_payments.wrong", count=12) in one.say(typed)
    assert "marked" not in one.session.known


def test_one_number_marks_and_unmarks_also_beyond_the_first_page() -> None:
    one = phone(12)
    one.say("12", "3")
    assert marked(one) == [3, 12]
    one.say("12")
    assert marked(one) == [3]
    assert "✓" in one.read


def test_what_was_paid_today_is_marked_from_the_start_and_nothing_that_is_older() -> None:
    today, older = phone(2, days_ago=0), phone(2, days_ago=2)
    assert today.labels[0].startswith("✓ ")
    assert not today.labels[1].startswith("✓ ")
    assert "✓" not in older.read
    assert not any(label.startswith("开证明") for label in older.labels)


def test_all_and_none_are_a_tap_each() -> None:
    one = phone(3)
    one.tap("全部选上")
    assert marked(one) == [1, 2, 3]
    one.tap("全部不选")
    assert marked(one) == []


def test_a_tap_on_an_old_list_marks_nothing() -> None:
    one = phone(3)
    first = one.reply.options[0]
    one.say("2")
    one.tap_id(first.id, first.label)
    assert marked(one) == [2]


def test_a_payment_given_back_meanwhile_is_no_longer_marked() -> None:
    one = phone(3)
    one.say("1 2 3")
    one.town.certifiable = one.town.certifiable[1:]
    assert "2 笔，一共 1000元" in one.say("开证明")


@given(st.text(alphabet="0123456789 、,-到.和一", max_size=12), st.integers(1, 60))
def test_numbers_are_those_shown_or_none(text: str, most: int) -> None:
    numbers = numbers_of(text, most)
    assert all(1 <= number <= most for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("typed", ["1", "12", "500", "1.5元", "2026年", "全部", "369901197005210021", "", "3-"])
def test_one_number_or_words_are_not_several(typed: str) -> None:
    assert not is_several(typed)


@dataclass(frozen=True)
class Desk:
    """A desk at which something goes wrong: a name that cannot be printed, or payments gone meanwhile."""

    prints: bool

    def choosable(self, payer: str) -> Sequence[Certifiable]:
        return ()

    def printable(self, payer: str, payments: Sequence[int]) -> bool:
        return self.prints

    def issue(self, payer: str, payments: Sequence[int]) -> Sequence[Issued]:
        assert self.prints, "issued what cannot be drawn"
        return ()

    def verify(self, number: str, code: str) -> Verified | None:
        return None


@pytest.mark.parametrize(("prints", "key"), [(False, "unprintable"), (True, "gone")])
def test_whoever_gets_no_certificate_is_told_why(prints: bool, key: str) -> None:
    world = replace(town().world(), certificates=Desk(prints))
    answer = CertificateIssued().ask({"payments": [1]}, world)
    assert isinstance(answer, End)
    assert answer.text == say(f"certificate_issued.{key}")


def verified(count: int, refunded: int) -> Verified:
    lines = tuple(
        CertifiedPayment(Insurance.PENSION, PayKind.NORMAL, 2026, 100, number < refunded) for number in range(count)
    )
    return Verified("ZM1", "王*三", "3699**********0032", MORNING.date(), "税务局", 100 * count, lines)


def test_a_refund_after_issue_is_told_line_by_line_and_in_sum() -> None:
    assert "退款" not in genuine(verified(2, 0))
    text = genuine(verified(3, 2))
    assert text.count("后来退款了") == 2
    assert say("certificate_code.refunded", amount="2元") in text


def test_of_a_long_certificate_the_first_lines_are_told_and_how_many_there_are() -> None:
    text = genuine(verified(LINES + 5, LINES + 5))
    assert text.count("2026 年养老保险") == LINES
    assert say("certificate_code.more", count=LINES + 5) in text
    assert say("certificate_code.refunded", amount=f"{LINES + 5}元") in text
