"""缴费记录, on both databases: whoever paid, newest first; of what waits only one's own; how each stands."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from dialogs.world import OrderState, RecordState
from storage.database import writing
from storage.history import StoredHistory
from storage.orders.columns import ORDER, PAYMENT
from tests.storage.counter import ZONE, Counter, later, payable

MINE, OTHER = "oMine", "oOther"


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


@pytest.fixture
def history(engine: Engine) -> StoredHistory:
    return StoredHistory(engine, ZONE)


def pay(counter: Counter, insured: str = "wang", payer: str = MINE, minutes: int = 0, year: int = 2026) -> str:
    no = counter.open(payer, payable(insured, cover_year=year), at=later(minutes=minutes))
    counter.place(f"{no}-1")
    counter.settle(f"{no}-1", later(minutes=minutes + 1))
    return no


def become(counter: Counter, no: str, state: OrderState, status: str = "") -> None:
    with writing(counter.engine) as connection:
        connection.execute(update(ORDER).where(ORDER.c.no == no).values(state=state.value))
        if status:
            connection.execute(update(PAYMENT).where(PAYMENT.c.order_no == no).values(status=status))


def states(history: StoredHistory, payer: str = MINE) -> list[RecordState]:
    return [one.state for one in history.records(payer, "wang")]


def test_payments_come_by_year_and_newest_first_and_only_of_this_insured(
    counter: Counter, history: StoredHistory
) -> None:
    pay(counter, year=2025, minutes=9)
    pay(counter, year=2026)
    pay(counter, "li")
    assert [one.cover_year for one in history.records(MINE, "wang")] == [2026, 2025]


def test_what_another_paid_is_shown_without_the_others_order(counter: Counter, history: StoredHistory) -> None:
    no = pay(counter, payer=OTHER)
    [record] = history.records(MINE, "wang")
    assert (record.mine, record.order_no, record.amount, record.channel) == (False, "", 50000, "")
    [own] = history.records(OTHER, "wang")
    assert (own.mine, own.order_no, own.receipt_no) == (True, no, f"T-{no}-1")


def test_an_open_order_waits_for_its_payer_and_nobody_else(counter: Counter, history: StoredHistory) -> None:
    no = counter.open(MINE, payable())
    [record] = history.records(MINE, "wang")
    assert (record.state, record.order_no, record.institution) == (RecordState.WAITING, no, "东湖区")
    assert history.records(OTHER, "wang") == []


def test_a_paid_order_is_one_record_and_not_two(counter: Counter, history: StoredHistory) -> None:
    pay(counter)
    assert states(history) == [RecordState.PAID]


def test_an_order_that_was_closed_is_no_record(counter: Counter, history: StoredHistory) -> None:
    no = counter.open(MINE, payable())
    counter.place(f"{no}-1")
    counter.close(no)
    assert states(history) == []


def test_how_a_payment_stands_is_told(counter: Counter, history: StoredHistory) -> None:
    no = pay(counter)
    become(counter, no, OrderState.PAID, "booked")
    assert states(history) == [RecordState.BOOKED]
    become(counter, no, OrderState.REFUNDING, "refunding")
    assert states(history) == [RecordState.REFUNDING]
    become(counter, no, OrderState.PAID, "refunding")  # a line of a family's order
    assert states(history) == [RecordState.REFUNDING]
    become(counter, no, OrderState.REFUNDED, "refunded")
    assert states(history) == [RecordState.REFUNDED]


def test_money_that_is_on_its_way_back_is_told_where_it_never_was_a_payment(
    counter: Counter, history: StoredHistory
) -> None:
    no = counter.open(MINE, payable())
    become(counter, no, OrderState.REFUNDING)
    assert states(history) == [RecordState.REFUNDING]
    assert states(history, OTHER) == []


def test_one_knows_whom_one_paid_for(counter: Counter, history: StoredHistory) -> None:
    counter.open(MINE, payable("li"))
    pay(counter)
    assert history.paid_for(MINE, "wang")
    assert not history.paid_for(MINE, "li")
    assert not history.paid_for(OTHER, "wang")
