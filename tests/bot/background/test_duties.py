"""The background work: each order looked at by one runner at a time, at its time, and never for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.background.duties import LEASE_SECONDS
from bot.pay.till import Till
from bot.sandbox.faults import Fault
from storage.database import DatabaseUnavailable, writing
from storage.orders import attempts
from storage.orders.columns import LOOK_AFTER, ORDER
from storage.orders.debts import owe
from tests.bot.room import PAYER, Room, assert_paid_once, placed
from tests.storage.counter import Counter, at_once, payable


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


class Watched:
    """Notes every look at an order, and does something in the midst of it where a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        advance = Till.advance

        def watched(till: Till, order_no: str, *, ask: bool = False) -> None:
            self.seen.append(order_no)
            self.meanwhile()
            advance(till, order_no, ask=ask)

        monkeypatch.setattr(Till, "advance", watched)


def test_two_runners_at_once_look_at_an_order_once(room: Room, looks: Watched) -> None:
    orders = [room.counter.open(PAYER, payable(one)) for one in ("wang", "li", "zhao")]
    both = threading.Barrier(2, timeout=5)

    def runs() -> int:
        both.wait()
        return room.app.duties.run_due()

    at_once(runs, runs)
    assert sorted(looks.seen) == sorted(orders)
    assert set(room.at_wechat().values()) == {"NOTPAY"}


def test_while_one_runner_looks_the_other_finds_nothing_to_do(room: Room, looks: Watched) -> None:
    room.counter.open(PAYER)
    found: list[int] = []

    def other() -> None:
        looks.meanwhile = lambda: None
        room.sandbox.clock.move(LEASE_SECONDS - 1)
        found.append(room.app.duties.run_due())

    looks.meanwhile = other
    room.app.duties.run_due()
    assert (found, len(looks.seen)) == ([0], 1)


def test_the_lease_of_a_crashed_runner_runs_out_and_the_order_goes_on(room: Room, looks: Watched) -> None:
    no = room.counter.open(PAYER)

    class Killed(BaseException):
        pass

    def dies() -> None:
        raise Killed

    looks.meanwhile = dies
    with pytest.raises(Killed):
        room.app.duties.run_due()
    looks.meanwhile = lambda: None
    room.sandbox.clock.move(LEASE_SECONDS - 1)
    assert room.app.duties.run_due() == 0
    room.sandbox.clock.move(1)
    assert room.app.duties.run_due() == 1
    assert room.counter.running(no).state == "placed"


def test_a_runner_that_took_too_long_does_not_end_the_lease_of_the_next(room: Room, looks: Watched) -> None:
    no = room.counter.open(PAYER)
    leases: list[int] = []

    def second() -> None:
        leases.append(room.counter.order(no).leased_until)
        raise RuntimeError("hangs, and is still looking when the first comes back")

    def first() -> None:
        room.sandbox.clock.move(LEASE_SECONDS)
        looks.meanwhile = lambda: leases.append(room.counter.order(no).leased_until)
        room.app.duties._look(no)
        with writing(room.app.engine) as connection:  # a third one has it when the first comes back
            connection.execute(ORDER.update().values(leased_until=leases[0] + 100))

    looks.meanwhile = first
    room.app.duties._look(no)
    assert room.counter.order(no).leased_until == leases[0] + 100


def test_a_placed_order_is_asked_after_by_the_schedule_then_closed_and_left_alone(room: Room, looks: Watched) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    looks.seen.clear()
    began, at = room.sandbox.clock.now(), []
    for step in (*[1] * 100, *[5] * 700):  # an hour; by the second while the looks are close together
        room.sandbox.clock.move(step)
        before = len(looks.seen)
        room.app.duties.run_due()
        at += [int(room.sandbox.clock.now() - began)] * (len(looks.seen) - before)
    assert at == [*LOOK_AFTER]
    assert (room.counter.order(no).state, room.counter.order(no).due_at) == ("closed", None)


@pytest.mark.parametrize("end", ["paid", "cancelled", "expired", "refunded"])
def test_nothing_is_looked_at_for_ever(room: Room, looks: Watched, end: str) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    if end == "cancelled":
        room.cashier.cancel(PAYER, no)
    elif end == "expired":
        room.wait(1800)
    else:
        if end == "refunded":
            room.counter.paid_elsewhere(payable())
        room.sheet(no).pay()
    room.work_for(120)
    assert room.counter.order(no).state == {"cancelled": "closed", "expired": "closed"}.get(end, end)
    looks.seen.clear()
    room.work_for(3600, step=60)
    assert (looks.seen, room.counter.order(no).due_at) == ([], None)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_time_that_somebody_sets_during_a_look_is_kept(room: Room, looks: Watched, when: str) -> None:
    """The citizen asks for another way to the cashier while a worker looks: nobody waits for the worker's next look."""
    no = room.counter.open(PAYER)
    placed(room, no)
    now = int(room.sandbox.clock.now()) + 5
    room.sandbox.clock.move(5)

    def switches() -> None:
        looks.meanwhile = lambda: None
        with writing(room.app.engine) as connection:
            attempts.begin_switch(connection, no, "native", now)

    if when == "before":
        looks.meanwhile = switches
        room.app.duties.run_due()
    else:
        room.app.duties._look(no)
        switches()
        room.app.duties.run_due()
    assert (room.counter.running(no).out_trade_no, room.counter.running(no).state) == (f"{no}-2", "placed")


def test_money_that_is_due_back_during_a_look_is_not_forgotten(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker ends its lease of an order that is closed while a callback finds money for it."""
    no = room.counter.open(PAYER)
    number = placed(room, no)
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)
    room.sheet(no).pay()
    with writing(room.app.engine) as connection:
        connection.exec_driver_sql("UPDATE attempt SET state = 'closed', runs = NULL")
        connection.exec_driver_sql("UPDATE pay_order SET state = 'closed', due_at = 0")
        connection.exec_driver_sql("UPDATE pay_order_line SET holds = NULL")
    room.counter.open("oOther")

    def callback(till: Till, order_no: str, *, ask: bool = False) -> None:
        monkeypatch.undo()
        till.settle(till.gateway.query(number))

    monkeypatch.setattr(Till, "advance", callback)
    room.app.duties._look(no)
    assert room.counter.order(no).due_at is not None
    room.work()
    assert room.counter.attempt(number).state == "refunded"


def test_a_database_that_is_gone_loses_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    no = room.counter.open(PAYER)

    def gone(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("gone")

    for where in (
        "storage.lookup.Lookup.rows",
        "bot.background.duties.writing",
        "bot.pay.till.writing",
        "bot.pay.till.reading",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(where, gone)
            with pytest.raises(DatabaseUnavailable):
                room.app.duties.run_due()
        room.sandbox.clock.move(LEASE_SECONDS)
    room.work()
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_one_order_that_cannot_be_brought_on_does_not_keep_the_others_waiting(
    room: Room, looks: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = room.counter.open(PAYER, payable("wang")), room.counter.open(PAYER, payable("li"))
    step = Till._step

    def stumbles(till: Till, order_no: str, *, ask: bool) -> bool:
        if order_no == first:
            raise KeyError("a mistake of ours")
        return step(till, order_no, ask=ask)

    monkeypatch.setattr(Till, "_step", stumbles)
    room.app.duties.run_due()
    assert room.counter.running(second).state == "placed"
    assert looks.seen.count(first) == 1
    assert room.counter.order(first).due_at > room.sandbox.clock.now()


def test_ending_a_lease_waits_for_who_is_making_the_order_due_and_keeps_it_due(engine: Engine, room: Room) -> None:
    """On both databases: a callback finds money to be given back while the worker ends its look at a closed order."""
    counter = Counter.opened(engine)
    no = counter.open()
    counter.close(no)
    with writing(engine) as connection:
        connection.execute(ORDER.update().values(leased_until=77))
    duties = replace(room.app.duties, engine=engine)
    ending = threading.Thread(target=lambda: duties._hand_back(no, 77))
    with writing(engine) as connection:
        connection.execute(ORDER.update().values(due_at=5))
        owe(connection, counter.attempt(f"{no}-1"), 50000, 5)
        ending.start()
        ending.join(0.1)
    ending.join()
    assert (counter.order(no).due_at, counter.order(no).leased_until) == (5, 0)
