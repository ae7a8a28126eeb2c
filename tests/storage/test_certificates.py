"""Certificates: what can be certified, by whom, what is kept of it, and what happens to it afterwards (nothing)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, update

from dialogs.terms.certificate import CODE_SIGNS, read_code, read_number, shown_code
from dialogs.terms.insurance import Insurance, PayKind
from storage.certificates import CERTIFICATE, PERSON, CertificateBook
from storage.certified import Certificate, CertifiedPerson
from storage.database import writing
from storage.orders.columns import PAYMENT
from storage.sealing import FieldSeal
from tests.storage.counter import NOON, PEOPLE, ZONE, Counter, at_once, later, payable

ISSUER = "样例市税务局"
NAMES = {"wang": "王样三", "li": "李测二", "zhao": "赵例四", "sun": "孙示六"}
NUMBERS = dict(zip(PEOPLE, ("369902198511030032", "369901197005210021", "369902199202290046", "x"), strict=True))
MINE = "oMine"


@pytest.fixture
def counter(engine: Engine, seal: FieldSeal) -> Counter:
    counter = Counter.opened(engine)
    with writing(engine) as connection:
        for key, name in NAMES.items():
            sealed = {"name": seal.seal(name), "number": seal.seal(NUMBERS[key])}
            connection.execute(update(PERSON).where(PERSON.c.key == key).values(sealed))
    return counter


@pytest.fixture
def book(engine: Engine, seal: FieldSeal) -> CertificateBook:
    return CertificateBook(engine, seal, ZONE, ISSUER)


def medical(insured: str) -> object:
    return replace(payable(insured, 40000), insurance=Insurance.MEDICAL, cover_year=2027, tier_name="居民医保")


def pay(counter: Counter, *what: object, payer: str = MINE, minutes: int = 0) -> None:
    no = counter.open(payer, *what, at=later(minutes=minutes))  # type: ignore[arg-type]
    counter.place(f"{no}-1")
    amount = sum(one.amount for one in what)  # type: ignore[attr-defined]
    counter.settle(f"{no}-1", later(minutes=minutes + 1), amount=amount)


def give_back(counter: Counter, payment: int) -> None:
    with writing(counter.engine) as connection:
        connection.execute(update(PAYMENT).where(PAYMENT.c.id == payment).values(settles=None, status="refunded"))


def ids(book: CertificateBook, payer: str = MINE) -> list[int]:
    return [one.id for one in book.choosable(payer)]


def numbers(certificates: Sequence[Certificate]) -> list[str]:
    return [one.number for one in certificates]


def test_what_ones_own_orders_settled_can_be_chosen_newest_first(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"))
    pay(counter, medical("li"), minutes=5)
    assert [(one.name, one.insurance, one.amount) for one in book.choosable(MINE)] == [
        ("li*", Insurance.MEDICAL, 40000),
        ("wang*", Insurance.PENSION, 50000),
    ]


def test_what_others_paid_is_not_paid_or_was_given_back_cannot_be_chosen(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payer="oOther")
    counter.open(MINE, payable("li"))
    counter.paid_elsewhere(payable("zhao"))
    pay(counter, payable("sun"))
    [mine] = ids(book)
    give_back(counter, mine)
    assert ids(book) == []
    assert book.issue(MINE, [1, 2, 3, mine], NOON) == []


def test_a_certificate_keeps_what_was_certified_and_gives_it_back_the_same(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), medical("wang"))
    [issued] = book.issue(MINE, ids(book), NOON)
    assert book.find(issued.number) == issued
    assert issued.people == (CertifiedPerson("王样三", "201", "369902198511030032"),)
    assert (issued.issuer, issued.issued_at, issued.amount) == (ISSUER, NOON, 90000)
    first = issued.lines[0]
    assert (first.institution, first.tier, first.paid_on) == ("东湖区", "500元", date(2026, 11, 23))
    assert (first.person_no, first.pay_kind, first.receipt_no[:2]) == ("no-wang", PayKind.NORMAL, "T-")


def test_neither_name_nor_number_nor_code_can_be_read_in_the_table(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"))
    [issued] = book.issue(MINE, ids(book), NOON)
    stored = str(counter.rows(CERTIFICATE))
    assert issued.number in stored
    for secret in (issued.people[0].name, issued.people[0].id_number, issued.code):
        assert secret not in stored
        assert secret not in repr(issued)


def test_each_insured_gets_a_certificate(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"), medical("wang"))
    pay(counter, payable("li"))
    issued = book.issue(MINE, ids(book), NOON)
    assert sorted((one.people[0].name, len(one.lines)) for one in issued) == [("李测二", 1), ("王样三", 2)]


def test_the_same_payments_on_the_same_day_give_the_same_certificate(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"), medical("wang"))
    chosen = ids(book)
    first = book.issue(MINE, chosen, NOON)
    assert book.issue(MINE, [*reversed(chosen), chosen[0]], later(hours=11)) == first
    assert numbers(book.issue(MINE, chosen[:1], NOON)) != numbers(first)
    assert numbers(book.issue(MINE, chosen, later(days=1))) != numbers(first)
    assert book.find(first[0].number) == first[0]


def test_asked_for_twice_at_once_it_is_one_certificate(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"))
    chosen = ids(book)
    found = at_once(*[lambda: numbers(book.issue(MINE, chosen, NOON))] * 4)
    assert len({tuple(one) for one in found}) == 1
    assert len(counter.rows(CERTIFICATE)) == 1


def test_number_and_code_together_open_it_and_nothing_else_does(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"))
    pay(counter, payable("li"))
    one, other = book.issue(MINE, ids(book), NOON)
    assert book.verify(one.number, one.code) == one
    for number, code in ((one.number, other.code), (one.number, ""), ("", one.code), ("ZM20261123ABCDEFGH", one.code)):
        assert book.verify(number, code) is None


def test_a_refund_afterwards_changes_no_certificate_and_is_told(counter: Counter, book: CertificateBook) -> None:
    pay(counter, payable("wang"), medical("wang"))
    chosen = ids(book)
    [issued] = book.issue(MINE, chosen, NOON)
    assert book.given_back(issued) == frozenset()
    give_back(counter, chosen[0])
    assert book.find(issued.number) == issued
    assert book.given_back(issued) == {chosen[0]}
    assert [len(one.lines) for one in book.issue(MINE, chosen, NOON)] == [1]


def test_codes_are_long_drawn_at_random_and_read_however_they_are_typed(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payable("li"), payable("zhao"), payable("sun"))
    issued = book.issue(MINE, ids(book), NOON, apart=True)
    assert len({one.code for one in issued}) == 4
    for one in issued:
        assert len(one.code) == CODE_SIGNS
        assert not set("0OI1Ll") & set(one.code)
        typed = f"编号：{one.number.lower()}，查验码 {shown_code(one.code).lower()}。"
        assert (read_number(typed), read_code(typed)) == (one.number, one.code)
        assert read_number(one.code) is None
        assert read_code(one.code[:-1]) is None


def test_of_one_insured_every_payment_can_be_chosen_whoever_paid_and_wherever(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payer="oOther")
    counter.paid_elsewhere(replace(payable("wang", 35000), cover_year=2025))
    pay(counter, medical("wang"), minutes=5)
    pay(counter, payable("li"), payer="oOther")
    assert ids(book) == [3]
    found = book.choosable(MINE, "wang")
    assert [(one.amount, one.name, bool(one.order_no)) for one in found] == [
        (40000, "wang*", True),
        (50000, "wang*", False),
        (35000, "王*三", False),
    ]
    assert book.names(MINE, [one.id for one in found], "wang") == {"王样三"}


def test_a_certificate_for_others_names_the_channels_receipt_and_no_other_payers_transaction(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payer="oOther")
    counter.paid_elsewhere(replace(payable("wang", 35000), cover_year=2025, institution_code="nowhere"))
    pay(counter, medical("wang"), minutes=5)
    [issued] = book.issue(MINE, [one.id for one in book.choosable(MINE, "wang")], NOON, "wang")
    told = {line.amount: (line.receipt_no, line.institution) for line in issued.lines}
    assert told[50000] == ("", "东湖区")
    assert told[35000] == ("R1", "nowhere")
    assert told[40000][0].startswith("T-")
    assert book.find(issued.number) == issued


def test_payments_of_another_insured_are_left_out_however_they_are_asked_for(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("li"), payer="oOther")
    pay(counter, payable("wang"), payer="oOther")
    theirs = [one.id for one in book.choosable(MINE, "li")]
    assert theirs
    assert book.issue(MINE, theirs, NOON, "wang") == []
    assert book.issue(MINE, theirs, NOON) == []


def test_what_one_order_paid_for_several_is_one_certificate_person_by_person(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payable("li"), medical("wang"), medical("zhao"))
    pay(counter, replace(payable("li"), cover_year=2025), minutes=5)
    issued = book.issue(MINE, ids(book), NOON)
    family = next(one for one in issued if len(one.people) > 1)
    alone = next(one for one in issued if len(one.people) == 1)
    assert [one.name for one in family.people] == ["王样三", "李测二", "赵例四"]
    assert [(line.whose, line.amount) for line in family.lines] == [(0, 50000), (0, 40000), (1, 50000), (2, 40000)]
    assert [(line.cover_year, line.whose) for line in alone.lines] == [(2025, 0)]
    assert (book.find(family.number), family.amount) == (family, 180000)
    [row] = [row for row in counter.rows(CERTIFICATE) if row.number == family.number]
    assert row.person is None
    assert not [one.id_number for one in family.people if one.id_number in str(row)]


def test_each_of_a_family_gets_an_own_certificate_where_it_is_wanted_so(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payable("li"), medical("wang"))
    together = book.issue(MINE, ids(book), NOON)
    apart = book.issue(MINE, ids(book), NOON, apart=True)
    assert [len(one.people) for one in together] == [2]
    assert [(one.people[0].name, len(one.lines)) for one in apart] == [("王样三", 2), ("李测二", 1)]
    assert not set(numbers(together)) & set(numbers(apart))
    assert numbers(book.issue(MINE, ids(book), NOON)) == numbers(together)


def test_of_several_orders_nobody_stands_on_a_certificate_with_somebody_of_another(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payable("li"))
    pay(counter, payable("zhao"), payable("sun"), minutes=5)
    people = [{one.name for one in issued.people} for issued in book.issue(MINE, ids(book), NOON)]
    assert people == [{"王样三", "李测二"}, {"赵例四", "孙示六"}]


def test_a_line_given_back_of_a_family_certificate_is_told_and_the_rest_stands(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"), payable("li"))
    [family] = book.issue(MINE, ids(book), NOON)
    give_back(counter, family.lines[1].payment)
    assert book.given_back(family) == {family.lines[1].payment}
    assert [[one.name for one in issued.people] for issued in book.issue(MINE, ids(book), NOON)] == [["王样三"]]


def test_a_certificate_is_shown_to_the_openid_it_was_issued_to_and_to_nobody_else(
    counter: Counter, book: CertificateBook
) -> None:
    pay(counter, payable("wang"))
    [issued] = book.issue(MINE, ids(book), NOON)
    assert book.issued_to(MINE, issued.number) == issued
    assert book.issued_to("oOther", issued.number) is None


def test_what_the_qr_code_says_is_settled_once_whoever_comes_first(counter: Counter, book: CertificateBook) -> None:
    scanned = replace(book, scanned=True)
    pay(counter, payable("wang"))
    [issued] = scanned.issue(MINE, ids(book), NOON)
    assert issued.qr is None
    said = at_once(*[lambda link=link: book.keep_qr(issued.number, link) for link in ("a", "b", "")])
    assert len(set(said)) == 1
    assert [book.keep_qr(issued.number, "later"), book.find(issued.number).qr] == said[:1] * 2  # type: ignore[union-attr]
