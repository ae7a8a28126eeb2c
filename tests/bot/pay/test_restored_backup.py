"""Yesterday's database, and what WeChat Pay says: together they are today's books, to the fen."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine, select, text
from sqlalchemy.engine import make_url

from bot.app import App, build
from bot.commands.restoring import orders_restore
from bot.reconciling.reconciler import Reconciler
from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.pay import PayStandIn
from bot.sandbox.wechat import WeChatStandIn
from bot.settings import read
from dialogs.terms.insurance import Insurance, Payable, open_rows, tariff_payable
from storage.database import reading, table_of, writing
from storage.demo import load_demo
from storage.orders import attempts
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, ORDER, PAYMENT
from storage.orders.opening import Opener
from storage.orders.reading import StoredLedger
from storage.orders.refund_requests import ask_refund, parts_of
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from storage.tables import EnrolmentRow, PersonRow
from storage.tariffs import StoredTariffs
from tests.bot.sandbox_parts import keys
from tests.storage.counter import NOON, ZONE, Counter

PAYER, OTHER = "oPayer", "oNeighbour"
KEYS = keys()


@dataclass
class House:
    """A bot over one database of demo people, and the WeChat Pay that outlives it."""

    folder: Path
    sandbox: Sandbox
    url: str
    app: App

    @classmethod
    def built(cls, folder: Path, sandbox: Sandbox, url: str) -> House:
        overrides = sandbox.settings_overrides("https://bot.example")
        overrides |= {"storage": {"database": url, "field_key": "field.key"}}
        return cls(
            folder, sandbox, url, build(read(folder / "bot.toml", overrides), clock=sandbox.clock.now, wakes=False)
        )

    @property
    def counter(self) -> Counter:
        return Counter(self.app.engine)

    def owed(self) -> list[Payable]:
        """One payable of each demo person and insurance for which something can be paid at noon."""
        registry, ledger = StoredRegistry(self.app.engine, self.app.seal), StoredLedger(self.app.engine, ZONE)
        tariffs = StoredTariffs(self.app.engine, self.sandbox.clock.now)
        person = table_of(PersonRow)
        with reading(self.app.engine) as connection:
            people = connection.execute(select(person.c.key).order_by(person.c.key)).scalars().all()
        found = {}
        for key in people:
            for insurance in Insurance:
                for enrolment in registry.standing(key, insurance).enrolments:
                    for row in open_rows(tariffs.rows(insurance), enrolment, NOON.date())[-1:]:
                        one = tariff_payable(key, enrolment, row)
                        if ledger.taken(PAYER, one.key).payment is None:
                            found[one.key] = one
        return list(found.values())

    def open(self, *payables: Payable) -> str:
        """An order, placed."""
        opener = Opener(self.app.engine, ZONE, "jsapi", 30)
        now = NOON + timedelta(seconds=self.sandbox.clock.now() - NOON.timestamp())
        opened = opener.open(PAYER, "pay.family", payables, {one.insured: "某*" for one in payables}, now)
        assert opened.order_no, opened
        self.work()
        return opened.order_no

    def native(self, no: str) -> None:
        """Have another pay it."""
        with writing(self.app.engine) as connection:
            attempts.begin_switch(connection, no, "native", int(self.sandbox.clock.now()))
        self.work()

    def pay(self, no: str, by: str = PAYER) -> str:
        """WeChat Pay takes the money, its callback is lost, and the worker asks."""
        number = str(self.counter.running(no).out_trade_no)
        [there] = [one for one in self.sandbox.pay.orders.all() if one.terms.out_trade_no == number]
        self.sandbox.pay.orders.take(there.handle, by, "OTHERS")
        for _ in range(4):
            self.sandbox.clock.move(31)
            self.work()
        return number

    def refund(self, no: str, line: int) -> None:
        """An operator gives one line back."""
        part = [one for one in parts_of(self.app.engine, no) or () if one.line_no == line]
        ask_refund(self.app.engine, no, part, by="li", why="多缴", booked=True, now=int(self.sandbox.clock.now()))
        self.work()

    def work(self) -> None:
        for _ in range(6):
            self.app.run_due()  # callbacks are never delivered: what is known is asked for
            self.sandbox.clock.move(11)

    def replay(self) -> None:
        """All payments that WeChat's bill names, asked about and settled as reconciliation does it."""
        for one in sorted(self.sandbox.pay.books().payments, key=lambda one: one.paid_at):
            charge = self.app.till.gateway.query(one.out_trade_no)
            at = datetime.fromtimestamp(one.paid_at, ZONE)  # of a refunded one only the bill says when it was paid
            self.app.till.settle(replace(charge, paid_at=charge.paid_at or at), "bill")
        for _ in range(5):
            self.work()

    def reconcile(self) -> int:
        """`run.py reconcile` of the day, the morning after; how many discrepancies are open."""
        morning = datetime.combine(NOON.date() + timedelta(days=1), time(11), ZONE).timestamp()
        self.sandbox.clock.move(max(0.0, morning - self.sandbox.clock.now()))
        Reconciler(self.app.till).reconcile(NOON.date())
        for _ in range(5):
            self.work()
        return Reconciler(self.app.till).reconcile(NOON.date()).open

    def rows(self, table: Any) -> Sequence[Any]:
        return self.counter.rows(table)

    def ledger(self) -> dict[str, tuple[object, ...]]:
        return {r.reason: (r.kind, r.order_no, r.out_trade_no, r.amount, r.at) for r in self.rows(LEDGER)}

    def payments(self) -> dict[tuple[str, int], tuple[object, ...]]:
        names = ("payable_key", "institution", "person_no", "tier_code", "period_from", "amount", "paid_at", "status")
        return {(r.receipt_no, r.line_no): tuple(getattr(r, name) for name in names) for r in self.rows(PAYMENT)}

    def exported(self) -> set[tuple[str, str, object]]:
        return {(row.reason, row.status, row.settle_date) for row in self.rows(EXPORT)}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    (tmp_path / "bot.toml").write_text("")
    FieldSeal.create(tmp_path / "field.key")
    clock, faults = MovableClock(NOON.timestamp()), Faults()
    wechat = WeChatStandIn(KEYS, clock, faults).start()
    pay = PayStandIn(KEYS, clock, faults, knows=wechat.knows, on_paid=wechat.paid, machine_clock=clock.now).start()
    sandbox = Sandbox(KEYS, clock, faults, wechat, pay)
    for openid in (PAYER, OTHER):
        wechat.phone(openid)
    one = House.built(tmp_path, sandbox, database_url)
    load_demo(one.app.engine, one.app.seal, DEMO, NOON.date(), shift=False)
    yield one
    one.app.stop()
    wechat.stop()
    pay.stop()


@dataclass
class Backup:
    """A copy of the database, made while the bot runs."""

    url: str

    def restored(self, house: House) -> House:
        """The bot over the copy; the database it ran on is gone."""
        house.app.stop()
        return House.built(house.folder, house.sandbox, self.url)


def backed_up(house: House, request: pytest.FixtureRequest) -> Backup:
    """As an operator does it: SQLite's own backup; pg_dump and psql, or a template where they are not there."""
    url = make_url(house.url)
    if url.get_backend_name() == "sqlite":
        file = house.folder / "copy.db"
        with closing(sqlite3.connect(str(url.database))) as here, closing(sqlite3.connect(file)) as copy:
            here.backup(copy)
        return Backup(f"sqlite:///{file}")
    bare = make_url(request.getfixturevalue("bare_postgresql"))
    if shutil.which("pg_dump") and shutil.which("psql"):
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        dumped = subprocess.run(["pg_dump", "--no-owner", plain], check=True, capture_output=True, timeout=60)
        into = bare.set(drivername="postgresql").render_as_string(hide_password=False)
        command = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", into]
        subprocess.run(command, input=dumped.stdout, check=True, capture_output=True, timeout=60)
    else:
        house.app.engine.dispose()
        _copied(request.getfixturevalue("postgresql_server"), str(url.database), str(bare.database))
    return Backup(str(bare))


def _copied(server: Engine, original: str, copy: str) -> None:
    """Nobody may be connected to what is copied."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    with server.connect() as connection:
        connection.execute(text(ends), {"name": original})
        connection.execute(text(f"DROP DATABASE {copy} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {copy} TEMPLATE {original}"))


@pytest.fixture
def life(house: House, request: pytest.FixtureRequest) -> tuple[House, Backup, list[Payable]]:
    """A paid and an open order, then the backup; what is owed by others is left for the day after it."""
    owed = house.owed()
    house.pay(house.open(owed[0]))
    house.open(owed[1])
    return house, backed_up(house, request), owed


def agrees(house: House) -> None:
    """Our ledger is WeChat Pay's books, to the fen."""
    books = house.sandbox.pay.books()
    theirs = {one.transaction_id: one.total for one in books.payments}
    theirs |= {one.out_refund_no: -one.refund for one in books.refunds if one.status == "SUCCESS"}
    assert {row.reason: row.amount for row in house.rows(LEDGER)} == theirs


@pytest.mark.parametrize("by", ["queries", "bill"])
def test_what_wechat_pay_says_brings_back_every_payment_and_refund_since_the_backup(
    life: tuple[House, Backup, list[Payable]], by: str
) -> None:
    house, backup, owed = life
    before = [row.no for row in sorted(house.rows(ORDER), key=lambda row: row.opened_at)]
    opened = owed[2:]
    house.pay(before[1])  # open in the backup, paid since
    house.pay(house.open(opened[0]))
    family = house.open(*opened[1:5])
    house.native(family)
    house.pay(family, by=OTHER)
    returned = house.open(*opened[5:8])
    house.pay(returned)
    house.refund(returned, 2)
    house.refund(before[0], 1)  # paid in the backup, given back since
    late = house.open(*opened[8:10])
    house.counter.paid_elsewhere(opened[8])
    house.pay(late)
    agrees(house)
    ledger, payments, exported = house.ledger(), house.payments(), house.exported()
    assert {row.status for row in house.rows(PAYMENT)} == {"paid", "refunded", "booked"}

    house = backup.restored(house)
    assert len(house.rows(LEDGER)) == 1
    house.counter.paid_elsewhere(opened[8])  # the agencies' files since the backup are imported first
    if by == "queries":
        house.replay()
    else:
        assert house.reconcile() == 0
    assert house.ledger() == ledger
    assert house.payments() == payments
    assert house.exported() == exported
    assert {row.no: row.payer for row in house.rows(ORDER)} == dict.fromkeys([*before, *_numbers(ledger)], PAYER)
    assert [row for row in house.rows(DISCREPANCY) if row.state == "open"] == []
    agrees(house)
    house.replay()
    assert (house.ledger(), house.payments()) == (ledger, payments)


def test_money_that_went_back_then_goes_back_now_though_it_came_first(
    life: tuple[House, Backup, list[Payable]],
) -> None:
    house, backup, owed = life
    first = house.open(owed[2])
    house.counter.close(first, at=NOON)  # here; at WeChat Pay somebody pays it in this moment
    second = house.open(owed[2])  # holds it
    [there] = [one for one in house.sandbox.pay.orders.all() if one.terms.out_trade_no == f"{first}-1"]
    house.sandbox.pay.orders.take(there.handle, PAYER, "OTHERS")
    house.app.till.settle(house.app.till.gateway.query(f"{first}-1"))
    house.work()
    house.work()
    house.pay(second)
    ledger, payments = house.ledger(), house.payments()
    assert f"{first}-1-R" in ledger
    house = backup.restored(house)
    house.replay()
    assert (house.ledger(), house.payments()) == (ledger, payments)
    agrees(house)


def test_what_cannot_be_told_any_more_goes_back_in_full_and_the_payer_is_told(
    life: tuple[House, Backup, list[Payable]],
) -> None:
    house, backup, owed = life
    many = house.open(*owed[2:15])  # more lines than WeChat Pay keeps for us
    number = house.pay(many)
    house = backup.restored(house)
    house.replay()
    assert [(row.reason, row.amount) for row in house.rows(LEDGER) if row.amount < 0] == [
        (f"{number}-R", -sum(one.amount for one in owed[2:15]))
    ]
    assert f"refund_due:{number}" in house.counter.notices()
    agrees(house)


def test_money_of_another_system_and_lines_that_are_not_imported_yet_are_left_for_a_person(
    life: tuple[House, Backup, list[Payable]],
) -> None:
    house, backup, owed = life
    number = house.pay(house.open(owed[2]))
    [theirs] = [one for one in house.sandbox.pay.orders.all() if one.terms.out_trade_no == number]
    kept = theirs.terms
    house = backup.restored(house)
    object.__setattr__(theirs, "terms", replace(kept, attach="somebody else's"))
    house.replay()
    assert len(house.rows(LEDGER)) == 1
    object.__setattr__(theirs, "terms", kept)
    enrolment = table_of(EnrolmentRow)
    mine = enrolment.c.person == owed[2].insured
    with writing(house.app.engine) as connection:
        enrolled = connection.execute(enrolment.select().where(mine)).mappings().all()
        connection.execute(enrolment.delete().where(mine))
    house.replay()
    assert len(house.rows(LEDGER)) == 1
    assert [row.kind for row in house.rows(DISCREPANCY) if row.state == "open"] == ["unknown_number"]
    with writing(house.app.engine) as connection:
        connection.execute(enrolment.insert(), [dict(row) for row in enrolled])
    house.replay()
    assert len(house.rows(LEDGER)) == 2
    assert [row.kind for row in house.rows(DISCREPANCY) if row.state == "open"] == []


def _numbers(ledger: dict[str, tuple[object, ...]]) -> list[str]:
    return [str(entry[1]) for entry in ledger.values()]


def test_an_operator_need_not_wait_for_the_bill(
    life: tuple[House, Backup, list[Payable]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house, backup, owed = life
    number = house.pay(house.open(owed[2]))
    house = backup.restored(house)
    monkeypatch.setattr("bot.app.build", lambda *_, **__: replace(house.app))
    monkeypatch.setattr("bot.commands.restoring.settings_of", lambda _: None)
    with pytest.raises(typer.Exit) as ended:
        orders_restore([number, "261123ABCDEFGH-1", number], house.folder / "bot.toml")
    said = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[2].partition("：")[0] for line in said if "  " in line and line[:2] == "26"] == [
        "已记账",
        "没有问到",
        "原来就有",
    ]
    assert ended.value.exit_code == 1
    agrees(house)
