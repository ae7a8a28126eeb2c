"""Whatever is paid, given back, exported and answered in whatever order: each payment stands in exactly one PAID row,
each refund in exactly one REFUNDED row, files never change, and their sums tie to the ledger."""

from __future__ import annotations

import shutil
from collections import Counter as Counts
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, delete, event
from sqlmodel import SQLModel

from storage.database import open_database, writing
from storage.orders import refunds
from storage.orders.columns import DISCREPANCY, EXPORT, FILE, LEDGER, LINE, ORDER, PAYMENT, REFUND
from storage.orders.refund_requests import NotRefundable, Stands, ask_refund, chosen, parts_of
from storage.sealing import FieldSeal
from tests.examples import examples
from tests.storage.counter import LAST_DAY, NOON, ZONE, payable, seconds
from tests.storage.payments_files import export, known_people, rows_in, take_acks
from tests.storage.test_money_machine import hasty
from tests.storage.whole import Books

BASKETS = (("wang",), ("li", "zhao"), ("wang", "li", "zhao"))
EVENTS = (
    *["somebody_pays"] * 4,
    *["somebody_pays_twice"] * 2,
    *["an_operator_refunds"] * 4,
    *["wechat_pay_says_of_a_refund"] * 6,
    *["a_day_passes"] * 3,
    *["a_day_is_exported"] * 5,
    *["an_agency_answers"] * 6,
)
BOOKS = (ORDER, LINE, PAYMENT, LEDGER, REFUND, EXPORT, FILE, DISCREPANCY)
SITUATIONS = ("a late payment", "a booked payment goes back", "a closed refund", "a resend", "partly refunded")


class AgencyMachine(RuleBasedStateMachine):
    engine: Engine
    folder: Path
    seen: Counts[str]

    @initialize()
    def begin(self) -> None:
        with writing(self.engine) as connection:
            for table in reversed(SQLModel.metadata.sorted_tables):
                connection.execute(delete(table))
        self.seal = FieldSeal((bytes(range(32)),))
        self.counter = known_people(self.engine, self.seal)
        self.now = NOON
        self.year = 2027
        self.files: dict[date, bytes] = {}

    @rule(what=st.sampled_from(EVENTS), which=st.sampled_from(range(60)), how=st.sampled_from(range(60)))
    def something_happens(self, what: str, which: int, how: int) -> None:
        getattr(self, what)(which, how)

    def somebody_pays(self, which: int, how: int) -> str:
        """Told a while after it was paid, so that the day may be over and exported."""
        self.year += 1
        people = BASKETS[which % len(BASKETS)]
        lines = [payable(one, cover_year=self.year, last_day=LAST_DAY + timedelta(days=900)) for one in people]
        paid_at = self.now - timedelta(days=how % 3)
        no = self.counter.open("oPayer", *lines, at=paid_at)
        self.counter.place(f"{no}-1", paid_at)
        if paid_at.date() in self.files:
            self.seen["a late payment"] += 1
        self.counter.settle(f"{no}-1", paid_at, amount=50000 * len(lines))
        return no

    def somebody_pays_twice(self, which: int, how: int) -> None:
        self.year += 1
        no = self.counter.open("oPayer", payable(cover_year=self.year), at=self.now)
        self.counter.place(f"{no}-1", self.now)
        self.counter.begin_switch(no, "native", self.now)
        self.counter.mark_closed(f"{no}-1", self.now)
        for number in (1, 2):
            self.counter.settle(f"{no}-{number}", self.now)

    def an_operator_refunds(self, which: int, how: int) -> None:
        orders = self.counter.rows(ORDER)
        if not orders:
            return
        booked = list(dict.fromkeys(row.order_no for row in self.counter.rows(PAYMENT, status="booked")))
        no = booked[which % len(booked)] if booked and how % 2 == 0 else orders[which % len(orders)].no
        parts = parts_of(self.engine, no) or ()
        lines = [part.line_no for part in parts][: 1 + how % 3] if how % 4 else []
        try:
            wanted = chosen(parts, lines, booked=how % 2 == 0)
            ask_refund(self.engine, no, wanted, by="oper", why="w", booked=how % 2 == 0, now=seconds(self.now))
        except NotRefundable:
            return
        self.seen["a booked payment goes back"] += any(part.stands is Stands.BOOKED for part in wanted)

    def wechat_pay_says_of_a_refund(self, which: int, how: int) -> None:
        alive = [row for row in self.counter.rows(REFUND) if row.owes]
        if not alive:
            return
        refund = alive[which % len(alive)]
        number = refund.out_refund_no
        state = ("SUCCESS", "SUCCESS", "PROCESSING", "CLOSED", "ABNORMAL", "SUCCESS")[how % 6]
        if refund.state == "closed":
            state = "CLOSED"  # that is final at WeChat Pay
        self.seen["a closed refund"] += state == "CLOSED"
        with writing(self.engine) as connection:
            if state == "SUCCESS":
                at = seconds(self.now - timedelta(days=how % 2))
                refunds.mark_refunded(connection, number, at, ZONE, seconds(self.now))
            elif state == "PROCESSING":
                refunds.mark_refunding(connection, number, seconds(self.now))
            else:
                refunds.mark_stuck(connection, number, state, seconds(self.now))

    def a_day_passes(self, which: int, how: int) -> None:
        self.now += timedelta(days=1)

    def a_day_is_exported(self, which: int, how: int) -> None:
        day = self.now.date() - timedelta(days=1 + how % 3)
        out = self.folder / "payments.csv"
        export(self.engine, self.seal, out, day, now=self.now)
        if day in self.files:
            self.seen["a resend"] += 1
            assert out.read_bytes() == self.files[day]
        self.files[day] = out.read_bytes()

    def an_agency_answers(self, which: int, how: int) -> None:
        exported = [row for row in self.counter.rows(EXPORT) if row.file_no]
        if not exported:
            return
        row = exported[which % len(exported)]
        answer = ("BOOKED", "", "2026-11-23T18:00:00+08:00") if how % 3 else ("REFUSED", "E07")
        before = self.counter.rows(LEDGER)
        result = take_acks(
            self.engine, self.seal, self.folder, (row.file_no, row.row_no, *answer), skip_bad=row.result == "BOOKED"
        )
        assert result.rows == 1
        assert self.counter.rows(LEDGER) == before

    @invariant()
    def everything_ties(self) -> None:
        books = Books(self.engine, *BOOKS)
        self.each_payment_and_each_refund_has_one_row(books)
        self.the_sums_tie_to_the_ledger(books)
        self.an_order_stands_as_its_payments_do(books)
        self.nothing_goes_back_twice_or_beyond_what_came(books)
        self.what_needs_a_person_is_listed_and_nothing_else(books)

    def each_payment_and_each_refund_has_one_row(self, books: Books) -> None:
        rows = books.rows(EXPORT)
        payments = {row.id: row for row in books.rows(PAYMENT)}
        assert sorted(row.payment_id for row in rows if row.status == "PAID") == sorted(payments)
        back = [row.payment_id for row in rows if row.status == "REFUNDED"]
        assert sorted(back) == sorted(one.id for one in payments.values() if one.status == "refunded")
        placed = [(row.file_no, row.row_no) for row in rows if row.file_no]
        assert len(placed) == len(set(placed))
        for file in books.rows(FILE):
            mine = [row for row in rows if row.file_no == file.file_no]
            assert sorted(row.row_no for row in mine) == list(range(1, file.rows + 1))
            assert all(row.settle_date <= file.day for row in mine)
            assert file.total == sum(payments[row.payment_id].amount for row in mine)

    def the_sums_tie_to_the_ledger(self, books: Books) -> None:
        rows, payments = books.rows(EXPORT), {row.id: row for row in books.rows(PAYMENT)}
        entries, attempts = books.rows(LEDGER), books.rows(REFUND)
        surplus = sum(row.amount for row in attempts if row.payment_id is None and row.owes)
        paid = sum(payments[row.payment_id].amount for row in rows if row.status == "PAID")
        back = sum(payments[row.payment_id].amount for row in rows if row.status == "REFUNDED")
        given = sum(row.amount for row in attempts if row.payment_id is None and row.state == "refunded")
        assert sum(row.amount for row in entries if row.kind == "payment") == paid + surplus
        assert -sum(row.amount for row in entries if row.kind == "refund") == back + given

    def an_order_stands_as_its_payments_do(self, books: Books) -> None:
        for order in books.rows(ORDER):
            states = {row.status for row in books.rows(PAYMENT, order_no=order.no)}
            owing = [row for row in books.rows(REFUND, order_no=order.no) if self.is_owing(row)]
            if states == {"refunded"}:
                assert order.state == ("refunding" if owing else "refunded")
            elif states <= {"refunding", "refunded"}:
                assert order.state == "refunding"
            else:
                assert order.state == "paid"
                self.seen["partly refunded"] += "refunded" in states
            assert (order.due_at is not None) == bool(owing)
            for line in books.rows(LINE, order_no=order.no):
                [one] = books.rows(PAYMENT, order_no=order.no, line_no=line.line_no)
                free = one.status == "refunded"
                assert (line.holds, one.settles) == ((None, None) if free else (line.payable_key, line.payable_key))

    def nothing_goes_back_twice_or_beyond_what_came(self, books: Books) -> None:
        for entry in books.rows(LEDGER, kind="payment"):
            of_it = books.rows(LEDGER, out_trade_no=entry.out_trade_no)
            assert sum(row.amount for row in of_it) >= 0
            owed = [row for row in books.rows(REFUND, out_trade_no=entry.out_trade_no) if row.owes]
            assert sum(row.amount for row in owed) <= entry.amount

    def what_needs_a_person_is_listed_and_nothing_else(self, books: Books) -> None:
        listed = {row.key for row in books.rows(DISCREPANCY, kind="refund") if row.state != "closed"}
        stuck = {row.out_refund_no for row in books.rows(REFUND) if row.state in ("abnormal", "closed") and row.owes}
        assert stuck <= listed
        refused = {row.reason for row in books.rows(DISCREPANCY, kind="agency_refused", state="open")}
        assert refused == {f"ack:{row.file_no}:{row.row_no}" for row in books.rows(EXPORT) if row.result == "REFUSED"}

    def teardown(self) -> None:
        """In the end everything settled stands in some file, and the files together are the ledger."""
        if not hasattr(self, "counter"):
            return
        last = self.now + timedelta(days=1)
        out = self.folder / "last.csv"
        self.files.pop(self.now.date(), None)
        export(self.engine, self.seal, out, self.now.date(), now=last)
        self.files[self.now.date()] = out.read_bytes()
        rows: list[dict[str, str]] = []
        for content in self.files.values():
            out.write_bytes(content)
            rows += rows_in(out)
        self.each_payment_and_each_refund_has_one_row(Books(self.engine, *BOOKS))
        assert sorted((row["file_no"], row["row_no"]) for row in rows) == sorted(
            (row.file_no, str(row.row_no)) for row in self.counter.rows(EXPORT)
        )

    @staticmethod
    def is_owing(row: Any) -> bool:
        return bool(row.owes) and row.state not in ("refunded", "dropped")


def run(engine: Engine, stories: int, steps: int, *, always_the_same: bool = False) -> Counts[str]:
    seen: Counts[str] = Counts()
    with TemporaryDirectory() as folder:
        machine = type("Machine", (AgencyMachine,), {"engine": engine, "folder": Path(folder), "seen": seen})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=stories,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                database=None,
                phases=[Phase.generate],
                derandomize=always_the_same,
            ),
        )
    return seen


def test_files_and_ledger_tie_on_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    shutil.copyfile(migrated_file, tmp_path / "agencies.db")
    engine = open_database(f"sqlite:///{tmp_path}/agencies.db")
    event.listen(engine, "connect", hasty)
    try:
        # always the same, so that no situation is missed now and then
        seen = run(engine, stories=examples(16), steps=50, always_the_same=True)
    finally:
        engine.dispose()
    for situation in SITUATIONS:
        assert seen[situation], f"the machine has not come across: {situation}"


def test_files_and_ledger_tie_on_postgresql(migrated_postgresql: str) -> None:
    engine = open_database(migrated_postgresql)
    try:
        run(engine, stories=examples(8), steps=30)
    finally:
        engine.dispose()
