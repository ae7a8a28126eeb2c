"""Certificates in the chat: several payments are marked by number, whoever cannot have one is told why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.choices import is_several, numbers_of
from dialogs.said import Said
from dialogs.step import End
from dialogs.steps.certificate_issued import CertificateIssued
from dialogs.steps.certificate_payments import certified_insured
from dialogs.steps.certificate_verify import LINES, genuine
from dialogs.steps.consent import VERSION
from dialogs.terms.certificate import SCENE
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.texts import say
from dialogs.world import Certifiable, CertifiedPayment, Issued, Verified
from tests.dialogs.townspeople import LI, MORNING, Phone, record, town
from tests.dialogs.worlds import GUESSES, SIGNS


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


def test_where_all_that_was_offered_was_given_back_meanwhile_that_is_told() -> None:
    one = phone(2, days_ago=0)
    one.town.certifiable = []
    assert one.say("开证明").startswith(say("certificate_issued.gone"))


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

    def choosable(self, payer: str, insured: str = "") -> Sequence[Certifiable]:
        return ()

    def printable(self, payer: str, payments: Sequence[int], insured: str = "") -> bool:
        return self.prints

    def issue(self, payer: str, payments: Sequence[int], insured: str = "", *, apart: bool = False) -> Sequence[Issued]:
        assert self.prints, "issued what cannot be drawn"
        return ()

    def issued(self, payer: str, number: str) -> Issued | None:
        return None

    def show(self, payer: str, number: str, page: int) -> int:
        return 0

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
    people = (("王*三", "3699**********0032"),)
    return Verified("ZM1", people, MORNING.date(), "税务局", 100 * count, lines)


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


def family(count: int = 2) -> list[Certifiable]:
    """Payments of one order for so many people."""
    return [replace(one, insured=f"w{one.id}", name=f"王*{one.id}", order_no="O1") for one in payments(count)]


def issued(certifiable: Sequence[Certifiable], pages: int = 1) -> Phone:
    """At the certificates of all of these."""
    there = town()
    there.certifiable, there.paper_pages = certifiable, pages
    one = Phone(there)
    one.click("query.certificate")
    if one.session.asked == "certificate_payments":
        one.say("全部", "开证明")
    assert one.session.asked == "certificate_issued"
    return one


def test_what_was_issued_stays_the_same_whatever_is_said_afterwards_also_on_another_day() -> None:
    one = issued(payments(2))
    numbers = one.session.known["certificates"]
    one.town.wait(hours=20)
    one.town.certifiable = one.town.certifiable[1:]
    one.say("谢谢", "哦")
    assert one.session.known["certificates"] == numbers
    assert len(one.town.papers) == 1


def test_looking_sends_the_first_page_and_then_one_page_after_another() -> None:
    one = issued(payments(2), pages=3)
    assert "一共 3 页" in one.say("看一下")
    assert "第 2 页" in one.tap("看第 2 页")
    one.tap("看第 3 页")
    assert not any(label.startswith("看第") for label in one.labels)
    assert [page for _, _, page in one.town.shown] == [1, 2, 3]


def test_looking_again_by_the_first_tap_is_not_stale_where_there_is_one_page() -> None:
    one = issued(payments(1))
    first = next(option for option in one.reply.options if option.label == say("certificate_issued.picture"))
    one.tap_id(first.id, first.label)
    assert say("certificate_issued.look") in one.tap_id(first.id, first.label)
    assert len(one.town.shown) == 2


def test_several_certificates_are_looked_at_by_their_names() -> None:
    different = [replace(one, insured=f"w{one.id}", name=f"王*{one.id}") for one in payments(2)]
    one = issued(different)
    one.tap("看一下王*2的")
    one.tap("看一下王*1的")
    assert [number for _, number, _ in one.town.shown] == ["C2", "C1"]


def test_what_one_order_paid_for_a_family_is_one_certificate_and_each_may_have_an_own_one() -> None:
    one = issued(family(3))
    assert "王*1、王*2、王*3 3 笔" in one.read
    assert "打开王*1等 3 人的缴费证明" in one.labels
    read = one.say("每人一张")
    assert read.count("证明开好了") == 3
    assert say("certificate_issued.apart") not in one.labels


def test_a_family_certificate_is_verified_person_by_person() -> None:
    lines = tuple(CertifiedPayment(Insurance.PENSION, PayKind.NORMAL, 2026, 100, False, whose) for whose in (0, 1))
    people = (("王*三", "3699**********0032"), ("李*二", "3699**********0021"))
    text = genuine(Verified("ZM1", people, MORNING.date(), "税务局", 200, lines))
    assert "王*三（3699**********0032）、李*二（3699**********0021）" in text
    assert "李*二 2026 年养老保险 1元" in text


def test_of_somebody_else_nothing_is_issued_before_consent_name_and_code() -> None:
    one = Phone()
    one.town.certifiable_of[LI.key] = payments(2)
    one.click("query.certificate_of")
    assert one.session.asked == "consent"
    one.say("同意", LI.number, "李四", SIGNS)
    assert not one.town.papers
    one.say(LI.name)
    assert one.session.asked == "captcha"
    one.say(SIGNS, "1", "开证明")
    assert [paper.count for _, paper in one.town.papers.values()] == [1]
    one.tap("重新开")
    assert one.session.asked == "certificate_payments", "the code was given less than 30 minutes ago"


def test_a_payment_that_was_looked_up_is_marked_already() -> None:
    one = Phone()
    one.town.agreed["me"] = {VERSION}
    one.town.records[LI.key] = [record(1), record(2)]
    one.town.certifiable_of[LI.key] = payments(2)
    one.click("query.payments")
    one.say("两种都看", LI.number, LI.name, SIGNS, "2")
    one.tap("开缴费证明")
    assert marked(one) == [2]
    assert one.labels[1].startswith("✓ ")


def test_the_code_on_a_certificate_is_answered_at_once_and_what_was_begun_goes_on() -> None:
    one = issued(payments(1))
    scene = f"{SCENE}ZM20261123ABCDEFGH.ABCDEFGHJKMN"
    one.town.issued["ZM20261123ABCDEFGH", "ABCDEFGHJKMN"] = verified(1, 0)
    other = Phone(one.town, payer="office")
    assert "这张证明是真的" in other.hear(Said("subscribe", key=scene))
    assert "这张证明是真的" in other.hear(Said("scan", key=scene))
    other.click("query.enrolments")
    other.say("同意", LI.number)
    read = other.hear(Said("scan", key=scene))
    assert "这张证明是真的" in read
    assert say("lookup_name.ask") in read
    assert other.session.known["number"] == "3699**********0021"


def test_a_code_that_is_none_of_ours_counts_as_a_wrong_guess() -> None:
    other = Phone(payer="office")
    for _ in range(GUESSES):
        read = other.hear(Said("scan", key=f"{SCENE}ZM20261123ABCDEFGH.ABCDEFGHJKMN"))
    assert "试错的次数有点多" in read
    assert "我可以帮您办这些" in other.hear(Said("scan", key="village"))


def test_without_a_checked_code_only_ones_own_payments_are_meant() -> None:
    assert certified_insured({"insured": LI.key, "payments": [1]}) == ""
    assert certified_insured({"insured": LI.key, "checked": True}) == LI.key
