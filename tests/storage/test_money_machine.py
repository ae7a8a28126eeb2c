"""Whatever payers, WeChat Pay and the world do in whatever order, the invariants of design 5 hold after every step.

The store is the real one; WeChat Pay is a model of a few lines that may take money for every attempt it knows and has
not closed, sometimes also for one it said it had closed, and says so when, and as often, as it likes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter as Counts
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, Table, delete, event
from sqlmodel import SQLModel

from storage.database import open_database, writing
from storage.orders import attempts, refunds
from storage.orders.columns import ATTEMPT, DISCREPANCY, EXPORT, LEDGER, LINE, NOTICE, ORDER, PAYMENT, REFUND, RUNNING
from storage.orders.refund_requests import FREELY, ask_refund, parts_of
from storage.orders.settling import Received, Settled
from tests.storage.counter import APP_ID, MCH_ID, PEOPLE, ZONE, Counter, payable, received, seconds
from tests.storage.whole import Books

LAST_DAY = date(2026, 11, 23)
START = datetime(2026, 11, 23, 23, 0, tzinfo=ZONE)
PAYERS = ("oMother", "oSon", "oNeighbour")
BASKETS = (("wang",), ("li",), ("wang", "li"), ("li", "zhao"))
FORGERIES: tuple[dict[str, Any], ...] = (
    {"amount": 1},
    {"mch_id": "1900000002"},
    {"app_id": "wxother"},
    {"currency": "USD"},
    {"out_trade_no": "261123FRGEDNO-1"},
    {"transaction_id": "T-forged"},
)
SITUATIONS = (
    "open order, placed attempt",
    "closing order, closing attempt",
    "closed order, closed attempt",
    "paid order, closing attempt",
    "a newer attempt runs",
    "some of it is paid already",
)
WORK = ("placing", "closing")
EVENTS = (
    *["somebody_opens"] * 3,
    *["somebody_switches"] * 5,
    *["somebody_cancels"] * 1,
    *["a_bank_takes_it"] * 1,
    *["time_passes"] * 2,
    *["the_worker_looks"] * 12,
    *["the_worker_gives_back"] * 3,
    *["wechat_pay_gives_back"] * 3,
    *["a_refund_is_told"] * 3,
    *["an_operator_gives_back"] * 1,
    *["wechat_pay_takes_money"] * 6,
    *["wechat_pay_says_so"] * 3,
    *["somebody_forges"] * 2,
    *["the_transaction_of_one_is_told_of_another"] * 1,
)
MONEY = (ORDER, LINE, ATTEMPT, PAYMENT, LEDGER, REFUND)
STEPS = int(os.environ.get("MONEY_STEPS", "0"))  # on demand: MONEY_STEPS=200000
One = TypeVar("One")


class Rows(Protocol):
    """The rows of a table in which these columns have these values."""

    def __call__(self, table: Table, **where: Any) -> list[Any]: ...


@dataclass
class Taken:
    """Money WeChat Pay took for one number, or did not take (yet)."""

    amount: int
    closed: bool = False
    paid_at: datetime | None = None


class MoneyMachine(RuleBasedStateMachine):
    """One example: a few payers, three people's pensions, one evening, which is the last on which they may be paid."""

    engine: Engine
    seen: Counts[str]

    @initialize(start=st.sampled_from(("nothing", "nothing", "switched", "half of it paid", "paid while closed")))
    def begin(self, start: str) -> None:
        with writing(self.engine) as connection:
            for table in reversed(SQLModel.metadata.sorted_tables):  # what other tests left behind too
                connection.execute(delete(table))
        self.counter = Counter.opened(self.engine)
        self.now = START
        self.wechat: dict[str, Taken] = {}
        self.elsewhere: set[str] = set()
        self.given: dict[str, list[str]] = {}  # of each refund everything WeChat Pay has ever said of it
        self.forged = 0
        if start == "half of it paid":  # an order of two people's, one of whom pays at a bank meanwhile
            no = self.counter.open(PAYERS[0], *(payable(one, last_day=LAST_DAY) for one in PEOPLE[:2]), at=self.now)
            self.place_at_wechat(self.counter.running(no), "no")
            self.a_bank_takes_it(0, 0)
        if start in ("switched", "paid while closed"):  # an order that goes on with its second attempt
            no = self.counter.open(PAYERS[0], payable(last_day=LAST_DAY), at=self.now)
            self.place_at_wechat(self.counter.running(no), "no")
            self.counter.begin_switch(no, "native", self.now)
            self.close_at_wechat(self.counter.running(no), "no")
            self.place_at_wechat(self.counter.running(no), "no")
            if start == "paid while closed":  # the first one is paid all the same, and the second may be too
                first = f"{no}-1"
                self.wechat[first].paid_at = self.now
                self.say(first)

    @rule(what=st.sampled_from(EVENTS), which=st.sampled_from(range(60)), how=st.sampled_from(range(60)))
    def something_happens(self, what: str, which: int, how: int) -> None:
        """One rule for all: of many rules hypothesis switches some off in each example, and money needs them all."""
        getattr(self, what)(which, how)
        self.seen["steps"] += 1
        self.seen[what] += 1

    # -- what people do

    def somebody_opens(self, which: int, how: int) -> None:
        payer, basket, amount = PAYERS[how % 3], BASKETS[which % len(BASKETS)], (50000, 50000, 20000)[how // 3 % 3]
        lines = [payable(insured, amount, last_day=LAST_DAY) for insured in basket]
        opened = self.counter.try_to_open(payer, *lines, at=self.now)
        keys = {line.key for line in lines}
        settled = {row.settles for row in self.counter.rows(PAYMENT)}
        if opened.order_no:
            order = self.counter.order(opened.order_no)
            assert (order.payer, order.state, order.amount) == (payer, "open", amount * len(lines))
            assert not keys & settled
            assert order.expires_at > seconds(self.now)
        assert opened.paid == bool(keys & settled)

    def somebody_switches(self, which: int, how: int) -> None:
        if order := self.any_of(self.counter.rows(ORDER, state="open"), which):
            self.counter.begin_switch(order.no, ("native", "jsapi")[how % 2], self.now)

    def somebody_cancels(self, which: int, how: int) -> None:
        if order := self.any_of(self.counter.rows(ORDER), which):
            self.counter.begin_closing(order.no, "cancelled", self.now)

    def a_bank_takes_it(self, which: int, how: int) -> None:
        one = payable(PEOPLE[which % 3], last_day=LAST_DAY)
        if one.key not in {row.settles for row in self.counter.rows(PAYMENT)}:
            self.counter.paid_elsewhere(one)
            self.elsewhere.add(one.key)

    def time_passes(self, which: int, how: int) -> None:
        self.now += timedelta(minutes=(1, 1, 1, 10, 31, 60)[how % 6])
        for order in self.counter.rows(ORDER, state="open"):
            if order.expires_at <= seconds(self.now):
                self.counter.begin_closing(order.no, "expired", self.now)

    # -- what the worker does; each call to WeChat Pay may be lost on its way there or back

    def the_worker_looks(self, which: int, how: int) -> None:
        lost = ("no", "no", "no", "before", "after")[how % 5]
        for _ in range(1 + how // 5 % 3):
            if attempt := self.any_of([row for row in self.counter.rows(ATTEMPT) if row.state in WORK], which):
                match attempt.state:
                    case "placing":
                        self.place_at_wechat(attempt, lost)
                    case "closing":
                        self.close_at_wechat(attempt, lost)

    def place_at_wechat(self, attempt: Any, lost: str) -> None:
        number = attempt.out_trade_no
        with writing(self.engine) as connection:
            if not attempts.mark_called(connection, number, seconds(self.now)):
                return  # the call before it has only just begun
        if lost != "before":
            self.wechat.setdefault(number, Taken(attempt.amount))
        with writing(self.engine) as connection:
            if lost == "no":
                attempts.mark_placed(connection, number, seconds(self.now), prepay_id="wx")
            else:
                attempts.mark_unplaced(connection, number, seconds(self.now))

    def close_at_wechat(self, attempt: Any, lost: str) -> None:
        there = self.wechat.get(attempt.out_trade_no)
        if lost == "before":
            return
        if there and there.paid_at is None:
            there.closed = True
        if lost == "after":
            return
        if there and there.paid_at:
            self.say(attempt.out_trade_no)
        else:
            self.counter.mark_closed(attempt.out_trade_no, self.now)

    def the_worker_gives_back(self, which: int, how: int) -> None:
        """Asked for before it is heard of; the answer, or the call, may be lost."""
        if refund := self.any_of(self.counter.rows(REFUND, state="due"), which):
            number = refund.out_refund_no
            with writing(self.engine) as connection:
                waits = refunds.mark_called(connection, number, seconds(self.now))
            if waits or how % 4 == 3:
                return
            self.given.setdefault(number, ["PROCESSING"])
            if how % 2:
                self.tell(number, self.given[number][-1])

    def an_operator_gives_back(self, which: int, how: int) -> None:
        if order := self.any_of(self.counter.rows(ORDER, state="paid"), which):
            free = [part for part in parts_of(self.engine, order.no) or () if part.stands in FREELY]
            some = free[how % 2 :] or free
            if some:
                ask_refund(self.engine, order.no, some, by="ma", why="dead", booked=False, now=seconds(self.now))
                self.seen["an operator's refund"] += 1

    def wechat_pay_gives_back(self, which: int, how: int) -> None:
        under_way = [number for number, said in self.given.items() if said[-1] != "SUCCESS"]
        if number := self.any_of(under_way, which):
            stuck = self.given[number][-1] == "PROCESSING" and how % 3 == 0
            self.given[number].append("ABNORMAL" if stuck else "SUCCESS")

    def a_refund_is_told(self, which: int, how: int) -> None:
        """By an event or an answer: late, twice, or what has long been overtaken."""
        if number := self.any_of(list(self.given), which):
            said = self.given[number]
            for _ in range(1 + how % 2):
                self.tell(number, said[-1] if how % 5 else said[how % len(said)])

    def tell(self, number: str, state: str) -> None:
        now = seconds(self.now)
        with writing(self.engine) as connection:
            if state == "SUCCESS":
                refunds.mark_refunded(connection, number, now, ZONE, now)
            elif state == "PROCESSING":
                refunds.mark_refunding(connection, number, now)
            else:
                refunds.mark_stuck(connection, number, state, now)

    # -- what WeChat Pay does

    def wechat_pay_takes_money(self, which: int, how: int) -> None:
        """Also for what it said it had closed: no document says that this cannot happen."""
        unpaid = [number for number, one in self.wechat.items() if not one.paid_at]
        closed = [number for number in unpaid if self.wechat[number].closed]
        if number := self.any_of(closed if closed and how % 3 else unpaid, which):
            self.wechat[number].paid_at = self.now
            if how % 2:
                self.say(number)

    def wechat_pay_says_so(self, which: int, how: int) -> None:
        if number := self.any_of([number for number, one in self.wechat.items() if one.paid_at], which):
            for _ in range(1 + how % 2):
                self.say(number)

    def say(self, number: str) -> None:
        booked = bool(self.counter.rows(LEDGER, reason=f"T-{number}"))
        if not booked:
            self.note(number)
        outcome = self.counter.settler.settle(self.true_words(number), seconds(self.now))
        assert outcome is (Settled.AGAIN if booked else Settled.DONE)

    def note(self, number: str) -> None:
        """Which of the situations that matter this money arrives in."""
        attempt = self.counter.attempt(number)
        order = self.counter.order(attempt.order_no)
        running = [row.out_trade_no for row in self.counter.rows(ATTEMPT, runs=order.no)]
        self.seen[f"{order.state} order, {attempt.state} attempt"] += 1
        self.seen["a newer attempt runs"] += bool(running) and running != [number]
        keys = {line.payable_key for line in self.counter.rows(LINE, order_no=order.no)}
        self.seen["some of it is paid already"] += len(keys & self.elsewhere) == 1 and len(keys) > 1

    def somebody_forges(self, which: int, how: int) -> None:
        """Altered facts; the true ones may come later or have come before."""
        forgery = FORGERIES[how % len(FORGERIES)]
        paid = [number for number, one in self.wechat.items() if one.paid_at]
        number = self.any_of(paid, which)
        if number is None or ("transaction_id" in forgery and not self.counter.attempt(number).transaction_id):
            return
        before = self.money()
        told = replace(self.true_words(number), **forgery)
        assert self.counter.settler.settle(told, seconds(self.now)) is Settled.DISCREPANCY
        assert self.money() == before  # I5
        self.forged += 1

    def the_transaction_of_one_is_told_of_another(self, which: int, how: int) -> None:
        booked = [row.transaction_id for row in self.counter.rows(LEDGER, kind="payment")]
        other = self.any_of(self.counter.rows(ATTEMPT, transaction_id=None), which)
        if booked and other:
            before = self.money()
            told = received(other.out_trade_no, self.now, transaction_id=booked[0], amount=other.amount)
            assert self.counter.settler.settle(told, seconds(self.now)) is Settled.DISCREPANCY
            assert self.money() == before  # I2, I5

    # -- what must hold

    @invariant()
    def every_promise_is_kept(self) -> None:
        rows = Books(self.engine, *MONEY).rows
        self.a_payable_is_settled_and_held_at_most_once(rows)
        self.a_transaction_belongs_to_one_attempt_and_the_amounts_are_equal(rows)
        self.at_most_one_attempt_runs_and_only_for_an_order_that_is_looked_at(rows)
        self.nothing_is_sold_that_nothing_allows(rows)

    def a_payable_is_settled_and_held_at_most_once(self, rows: Rows) -> None:
        """I1: also against what other channels took; money beyond that is on its way back, in full."""
        orders = {order.no: order for order in rows(ORDER)}
        settles = [row.settles for row in rows(PAYMENT) if row.settles]
        assert len(settles) == len(set(settles))
        for line in rows(LINE):
            order = orders[line.order_no]
            if order.state in ("open", "closing"):
                assert line.holds == line.payable_key
            else:
                ours = rows(PAYMENT, order_no=order.no, line_no=line.line_no, settles=line.payable_key)
                assert line.holds == (line.payable_key if ours else None)

    def a_transaction_belongs_to_one_attempt_and_the_amounts_are_equal(self, rows: Rows) -> None:
        """I2: what came in is what was paid for and what goes back, to the fen."""
        numbers = {row.out_trade_no: row for row in rows(ATTEMPT)}
        entries = rows(LEDGER)
        assert len({row.reason for row in entries}) == len(entries)
        payments = rows(PAYMENT, channel="wechat")
        for entry in (row for row in entries if row.kind == "payment"):
            attempt = numbers[entry.out_trade_no]
            taken = self.wechat[entry.out_trade_no]
            paid_for = sum(row.amount for row in payments if row.receipt_no == entry.transaction_id)
            assert attempt.transaction_id == entry.transaction_id
            assert entry.amount == attempt.amount == taken.amount == paid_for + attempt.refund_amount
            back = [row for row in entries if row.kind == "refund" and row.out_trade_no == entry.out_trade_no]
            gone = rows(REFUND, out_trade_no=entry.out_trade_no, state="refunded")
            assert sorted(row.amount for row in back) == sorted(-row.amount for row in gone)
            owed = sum(row.amount for row in rows(REFUND, out_trade_no=entry.out_trade_no) if row.owes)
            assert attempt.refund_amount <= owed <= attempt.amount

    def at_most_one_attempt_runs_and_only_for_an_order_that_is_looked_at(self, rows: Rows) -> None:
        for order in rows(ORDER):
            mine = rows(ATTEMPT, order_no=order.no)
            running = [row for row in mine if row.state in RUNNING]
            assert [row.out_trade_no for row in mine if row.runs] == [row.out_trade_no for row in running]
            assert len(running) <= 1
            assert bool(running) or order.state not in ("open", "closing")
            if order.state != "open":
                assert {row.state for row in running} <= {"closing"}
            owing = any(row.owes and row.state != "refunded" for row in rows(REFUND, order_no=order.no))
            assert (order.due_at is not None) == (bool(running) or owing)

    def nothing_is_sold_that_nothing_allows(self, rows: Rows) -> None:
        """I4: every order is for what was asked, before its last day was over, and only paid by money."""
        end = seconds(datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZONE))
        for order in rows(ORDER):
            lines = rows(LINE, order_no=order.no)
            assert order.amount == sum(line.amount for line in lines)
            assert order.expires_at <= end
        for row in rows(PAYMENT, channel="wechat"):
            assert self.wechat[f"{row.receipt_no[2:]}"].paid_at is not None
            assert row.paid_at <= end

    def teardown(self) -> None:
        """I3: once everybody has said what he knows, every payment is booked and told of and exported, or is back."""
        if not hasattr(self, "counter"):
            return
        for _ in range(4):
            for number, there in self.wechat.items():
                if there.paid_at:
                    self.say(number)
            for order in self.counter.rows(ORDER, state="open"):
                self.counter.begin_closing(order.no, "expired", self.now)
            for attempt in self.counter.rows(ATTEMPT, state="closing"):
                self.close_at_wechat(attempt, "no")
            for refund in self.counter.rows(REFUND):
                self.tell(refund.out_refund_no, "SUCCESS")
        self.every_promise_is_kept()
        reasons = set(self.counter.notices())
        exported = {row.reason.rpartition(":")[0] for row in self.counter.rows(EXPORT)}
        for number, there in self.wechat.items():
            if not there.paid_at:
                continue
            attempt = self.counter.attempt(number)
            assert len(self.counter.rows(LEDGER, reason=f"T-{number}")) == 1
            if attempt.refund_amount:
                assert attempt.state == "refunded"
                assert f"refunded:{number}" in reasons
            if attempt.refund_amount < attempt.amount:
                assert f"paid:{attempt.order_no}" in reasons
                assert f"T-{number}" in exported
        for refund in self.counter.rows(REFUND):
            assert refund.state == "refunded"
            if refund.line_no is not None:
                assert f"refunded:{refund.out_trade_no}:{refund.line_no}" in reasons
                assert len(self.counter.rows(EXPORT, reason=f"{refund.out_refund_no}:{refund.line_no}")) == 1
        assert {row.state for row in self.counter.rows(ORDER)} <= {"closed", "paid", "refunded"}
        assert len(self.counter.rows(DISCREPANCY)) <= self.forged + len(self.given) + len(self.wechat) ** 2

    # -- short words

    def any_of(self, found: list[One], which: int) -> One | None:
        return found[which % len(found)] if found else None

    def true_words(self, number: str) -> Received:
        there = self.wechat[number]
        assert there.paid_at is not None
        return Received(number, f"T-{number}", MCH_ID, APP_ID, there.amount, "CNY", seconds(there.paid_at))

    def money(self) -> list[list[Any]]:
        books = Books(self.engine, *MONEY, EXPORT, NOTICE)
        return [books.rows(table) for table in (*MONEY, EXPORT, NOTICE)]


def hasty(connection: sqlite3.Connection, _record: object) -> None:
    """No test here asks what a power cut leaves."""
    connection.execute("PRAGMA synchronous=OFF").close()


def run(engine: Engine, examples: int, steps: int, *, always_the_same: bool = False) -> Counts[str]:
    seen: Counts[str] = Counts()
    machine = type("Machine", (MoneyMachine,), {"engine": engine, "seen": seen})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=always_the_same,
            suppress_health_check=checks,
            database=None,
            phases=[Phase.generate],  # a counterexample takes minutes to shrink: add Phase.shrink when there is one
        ),
    )
    return seen


def test_the_invariants_of_money_hold_on_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    shutil.copyfile(migrated_file, tmp_path / "money.db")
    engine = open_database(f"sqlite:///{tmp_path}/money.db")
    event.listen(engine, "connect", hasty)
    try:
        seen = run(engine, examples=max(72, STEPS // 120), steps=70, always_the_same=not STEPS)
    finally:
        engine.dispose()
    for situation in (*SITUATIONS, *EVENTS, "an operator's refund"):
        assert seen[situation], f"the machine has not come across: {situation}"
    assert seen["steps"] >= max(4200, STEPS // 2), seen["steps"]


def test_the_invariants_of_money_hold_on_postgresql(migrated_postgresql: str) -> None:
    engine = open_database(migrated_postgresql)
    try:
        seen = run(engine, examples=max(24, STEPS // 100), steps=60)
    finally:
        engine.dispose()
    assert seen["steps"] >= max(800, STEPS // 2), seen["steps"]
