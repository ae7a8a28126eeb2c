"""One order for a whole family: whatever happens in whatever order, the books are right to the fen.

Five people; one is being paid for by somebody else, one is paid at a bank while the cashier is open; the order expires
or is given up, goes on with a second attempt, is paid in time, late or twice, and is told of as often as WeChat Pay
likes. What each money ought to settle is kept by a few dictionaries here, and compared after each step.
"""

from __future__ import annotations

import shutil
from collections import Counter as Counts
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, insert
from sqlmodel import SQLModel

from storage.database import open_database, table_of, writing
from storage.orders import refunds
from storage.orders.columns import ATTEMPT, EXPORT, LEDGER, LINE, NOTICE, ORDER, PAYMENT, REFUND
from storage.orders.settling import Settled
from storage.tables import PersonRow
from tests.examples import examples
from tests.storage.counter import NOON, ZONE, Counter, payable, seconds
from tests.storage.test_money_machine import hasty

FAMILY = ("wang", "li", "zhao", "sun", "qian")
AMOUNTS = dict(zip(FAMILY, (30000, 40000, 50000, 8050, 1), strict=True))  # each sum of some of them is another amount
OWED = {who: payable(who, AMOUNTS[who]) for who in FAMILY}
IN_THE_MIDDLE, AT_THE_BANK = "zhao", "li"
CORE = (
    "the_bank_takes_one",
    "it_expires",
    "wechat_pay_closes",
    "money_is_taken",
    "wechat_pay_tells",
)
EVENTS = (
    *CORE,
    "the_neighbour_wants_one",
    "the_neighbour_wants_one",
    "the_neighbour_pays",
    "it_is_given_up",
    "another_phone_is_asked",
    "money_is_taken",
    "wechat_pay_tells",
    "a_refund_is_told",
    "the_bank_takes_it_back",
)
PAID_TWICE = ("another_phone_is_asked", "wechat_pay_closes", "money_is_taken", "money_is_taken")


class FamilyOrder:
    """One story: the database, and beside it what ought to be."""

    def __init__(self, engine: Engine, seen: Counts[str]) -> None:
        with writing(engine) as connection:
            for table in reversed(SQLModel.metadata.sorted_tables):
                connection.execute(delete(table))
        self.counter = Counter.opened(engine)
        with writing(engine) as connection:
            row = {"key": "qian", "id_type": "201", "number": "sealed", "name": "sealed"}
            connection.execute(insert(table_of(PersonRow)).values(row))
        self.seen = seen
        self.now = NOON
        self.neighbours = ""
        self.paid: dict[str, str] = {}  # who → by what: an order's number, or the bank
        self.held: dict[str, str] = {}  # who → by which order
        self.taken: dict[str, datetime] = {}  # attempts WeChat Pay took money for
        self.closed: set[str] = set()  # attempts WeChat Pay closed
        self.due: dict[str, dict[str, int]] = {}  # attempt → what its money settles, by who

    # -- people

    def opens(self, payer: str, people: tuple[str, ...]) -> str:
        """As the dialog does: all or nothing; who is in the way is told, and the rest is asked for again."""
        everybody = [OWED[who] for who in people]
        blocked = [who for who in people if who in self.paid or who in self.held]
        opened = self.counter.try_to_open(payer, *everybody, at=self.now)
        assert bool(opened.order_no) != bool(blocked), "an order for what is paid or held, or none for what is free"
        if blocked:
            self.seen["somebody is in the way"] += 1
            rest = tuple(who for who in people if who not in blocked)
            return self.opens(payer, rest) if rest else ""
        self.held |= dict.fromkeys(people, opened.order_no)
        return opened.order_no

    def the_neighbour_wants_one(self) -> None:
        if self.held.get(IN_THE_MIDDLE) in (
            None,
            getattr(self, "family", ""),
        ):  # else the neighbour's own is there still
            self.neighbours = self.opens("oNeighbour", (IN_THE_MIDDLE,)) or self.neighbours

    def the_neighbour_pays(self) -> None:
        if self.neighbours and f"{self.neighbours}-1" not in self.taken:
            self.taken[f"{self.neighbours}-1"] = self.now
            self.tells(f"{self.neighbours}-1")

    def the_bank_takes_one(self) -> None:
        """Its file is imported; a payable settled already is not settled again."""
        if AT_THE_BANK not in self.paid:
            self.counter.paid_elsewhere(OWED[AT_THE_BANK])
            self.paid[AT_THE_BANK] = "bank"

    def the_bank_takes_it_back(self) -> None:
        if self.paid.get(AT_THE_BANK) == "bank":
            with writing(self.counter.engine) as connection:
                connection.execute(delete(PAYMENT).where(PAYMENT.c.channel == "bank"))
            del self.paid[AT_THE_BANK]

    # -- the family's order

    def it_is_given_up(self, reason: str = "cancelled") -> None:
        self.counter.begin_closing(self.family, reason, self.now)

    def it_expires(self) -> None:
        self.now += timedelta(minutes=31)
        self.it_is_given_up("expired")

    def another_phone_is_asked(self) -> None:
        self.counter.begin_switch(self.family, "native", self.now)

    def wechat_pay_closes(self) -> None:
        """Closing says that it is closed, or that it was paid; then a new attempt may follow."""
        for attempt in self.counter.rows(ATTEMPT, state="closing"):
            number = attempt.out_trade_no
            if number in self.taken:
                self.tells(number)
                continue
            self.closed.add(number)
            self.counter.mark_closed(number, self.now)
            if self.counter.order(attempt.order_no).state == "closed":
                self.held = {who: no for who, no in self.held.items() if no != attempt.order_no}

    def money_is_taken(self) -> None:
        """For any attempt of the order, the newest first; also one that was closed: nothing says that it cannot be."""
        numbers = [row.out_trade_no for row in self.counter.rows(ATTEMPT, order_no=self.family)]
        if unpaid := [number for number in reversed(numbers) if number not in self.taken]:
            self.taken[unpaid[0]] = self.now
            self.seen["money for a closed attempt"] += unpaid[0] in self.closed

    def wechat_pay_tells(self) -> None:
        for number in self.taken:
            self.tells(number)
            self.tells(number)

    def tells(self, number: str) -> None:
        """A callback: the first books what is free then, the others nothing."""
        attempt = self.counter.attempt(number)
        first = number not in self.due
        if first:
            self.expect(number, attempt.order_no)
        outcome = self.counter.settle(number, self.taken[number], amount=attempt.amount)
        assert outcome is (Settled.DONE if first else Settled.AGAIN)
        settled = self.counter.rows(PAYMENT, receipt_no=f"T-{number}")
        assert {row.person: row.amount for row in settled} == self.due[number]

    def expect(self, number: str, order_no: str) -> None:
        """What this money ought to settle: everything of its order, but for what is paid or held by others by now."""
        lines = [row.person for row in self.counter.rows(LINE, order_no=order_no)]
        again = any(by == order_no for by in self.paid.values()) or self.is_back(order_no)
        free = [who for who in lines if who not in self.paid and self.held.get(who, order_no) == order_no]
        settles = [] if again else free
        self.due[number] = {who: AMOUNTS[who] for who in settles}
        self.paid |= dict.fromkeys(settles, order_no)
        if not again:
            self.held = {who: no for who, no in self.held.items() if no != order_no} | dict.fromkeys(settles, order_no)
        self.seen["paid twice"] += again
        self.seen["some of it"] += bool(settles) and len(settles) < len(lines)
        self.seen["all of it"] += len(settles) == len(lines)
        self.seen["none of it"] += not settles

    def is_back(self, order_no: str) -> bool:
        return self.counter.order(order_no).state in ("refunding", "refunded")

    def a_refund_is_told(self) -> None:
        for refund in self.counter.rows(REFUND):
            for _ in range(2):
                with writing(self.counter.engine) as connection:
                    refunds.mark_refunded(connection, refund.out_refund_no, seconds(self.now), ZONE, seconds(self.now))

    # -- a story, and what must be true of it

    def happens(self, names: tuple[str, ...]) -> None:
        """The family opens its order somewhere on the way: what came before it is in its way."""
        for name in names:
            if name == "OPEN":
                self.family = self.opens("oFamily", FAMILY)
                assert self.family, "nobody is in everybody's way"
            elif hasattr(self, "family") or name.startswith(("the_bank", "the_neighbour")):
                step: Callable[[], None] = getattr(self, name)
                step()
            self.nothing_is_settled_or_held_twice()
        self.everybody_says_what_he_knows()
        self.the_books_are_right()

    def nothing_is_settled_or_held_twice(self) -> None:
        settles = [row.person for row in self.counter.rows(PAYMENT) if row.settles]
        assert sorted(settles) == sorted(self.paid)
        holding = {row.person: row.order_no for row in self.counter.rows(LINE) if row.holds}
        assert holding == self.held

    def everybody_says_what_he_knows(self) -> None:
        for _ in range(3):
            self.wechat_pay_tells()
            for order in self.counter.rows(ORDER, state="open"):
                self.counter.begin_closing(order.no, "expired", self.now)
            self.wechat_pay_closes()
            self.a_refund_is_told()

    def the_books_are_right(self) -> None:
        ours = self.counter.rows(PAYMENT, channel="wechat")
        ledger = self.counter.rows(LEDGER)
        amounts = {row.out_trade_no: row.amount for row in self.counter.rows(ATTEMPT)}
        assert sum(row.amount for row in ledger) == sum(row.amount for row in ours)
        assert len({row.reason for row in ledger}) == len(ledger)
        for number in self.taken:
            mine = [row for row in ledger if row.out_trade_no == number]
            settled = sum(self.due[number].values())
            back = amounts[number] - settled
            assert sorted(row.amount for row in mine) == ([-back] if back else []) + [amounts[number]]
            given = self.counter.rows(REFUND, out_trade_no=number)
            assert [(row.amount, row.state) for row in given] == ([(back, "refunded")] if back else [])
        assert {row.out_trade_no for row in ledger} == set(self.taken)
        exported = [(row.payment_id, row.status) for row in self.counter.rows(EXPORT)]
        assert sorted(exported) == sorted((row.id, "PAID") for row in ours)
        assert {row.state for row in self.counter.rows(ORDER)} <= {"closed", "paid", "refunded"}
        self.everybody_was_told()

    def everybody_was_told(self) -> None:
        """One notice for what was settled, one when money goes back and one when it is back; never two."""
        expected: Counts[str] = Counts()
        for number, settles in self.due.items():
            attempt = self.counter.attempt(number)
            if settles:
                expected[f"paid:{attempt.order_no}"] += 1
            if sum(settles.values()) < attempt.amount:
                expected[f"refund_due:{number}"] += 1
                expected[f"refunded:{number}"] += 1
        told = Counts(row.reason for row in self.counter.rows(NOTICE) if not row.reason.startswith("closed:"))
        assert told == expected
        for number, settles in self.due.items():
            if not settles:
                continue
            order_no = self.counter.attempt(number).order_no
            lines = {row.person for row in self.counter.rows(LINE, order_no=order_no)}
            [paid] = self.counter.rows(NOTICE, reason=f"paid:{order_no}")
            assert {who for who in FAMILY if f"{who}* " in paid.body} == set(settles)
            for back in self.counter.rows(NOTICE, reason=f"refund_due:{number}"):
                assert {who for who in FAMILY if f"{who}* " in back.body} == lines - set(settles)


@pytest.fixture(scope="module")
def quick(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A SQLite database of this module's own; no test here asks what a power cut leaves."""
    path = tmp_path_factory.mktemp("family") / "family.db"
    shutil.copyfile(migrated_file, path)
    engine = open_database(f"sqlite:///{path}")
    event.listen(engine, "connect", hasty)
    yield engine
    engine.dispose()


def played(engine: Engine, stories: int) -> Counts[str]:
    seen: Counts[str] = Counts()
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]

    @settings(max_examples=stories, deadline=None, suppress_health_check=checks, database=None)
    @given(st.permutations(EVENTS), st.integers(0, 4))
    @example(list(PAID_TWICE), 0)  # seldom drawn
    def every_order(names: list[str], before: int) -> None:
        FamilyOrder(engine, seen).happens((*names[:before], "OPEN", *names[before:]))

    every_order()
    return seen


def test_the_books_are_right_in_every_order_of_the_events_that_matter_most(quick: Engine) -> None:
    seen: Counts[str] = Counts()
    for names in permutations(CORE):
        FamilyOrder(quick, seen).happens(("OPEN", *names))
    assert min(seen["some of it"], seen["all of it"], seen["money for a closed attempt"]) > 0


def test_the_books_are_right_in_whatever_order_more_happens_on_sqlite(quick: Engine) -> None:
    seen = played(quick, examples(90))
    for situation in ("somebody is in the way", "some of it", "all of it", "none of it", "paid twice"):
        assert seen[situation], f"no story came across: {situation}"


def test_the_books_are_right_in_whatever_order_more_happens_on_postgresql(migrated_postgresql: str) -> None:
    engine = open_database(migrated_postgresql)
    try:
        played(engine, examples(15))
    finally:
        engine.dispose()


def test_one_line_in_the_way_opens_nothing_at_all(quick: Engine) -> None:
    story = FamilyOrder(quick, Counts())
    story.the_neighbour_wants_one()
    opened = story.counter.try_to_open("oFamily", *OWED.values())
    assert opened.held_by == story.neighbours
    assert [row.no for row in story.counter.rows(ORDER)] == [story.neighbours]


def test_an_order_holds_so_many_lines_and_so_much_money(quick: Engine) -> None:
    story = FamilyOrder(quick, Counts())
    many = [replace(OWED["wang"], cover_year=2000 + number) for number in range(21)]
    for payables in (many, [payable("wang", 600_000_000), payable("li", 400_000_000)]):
        with pytest.raises(ValueError, match="one order"):
            story.counter.try_to_open("oFamily", *payables)
    assert story.counter.rows(ORDER) == []
    assert story.counter.open("oFamily", *many[:20])
