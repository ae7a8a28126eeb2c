"""Money that WeChat Pay could not give back and that was given back outside it is recorded once, beside the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.agency.three_ways import in_three
from storage.database import writing
from storage.orders import refunds
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, PAYMENT, REFUND
from storage.orders.refund_requests import ask_refund, chosen, parts_of
from storage.orders.transfers import NotTransferable, record_transfer, stuck_refunds
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def ask_back(counter: Counter, no: str) -> None:
    parts = chosen(parts_of(counter.engine, no) or (), [], booked=False)
    ask_refund(counter.engine, no, parts, by="李四", why="缴错了", booked=False, now=seconds(NOON))


def closed(counter: Counter, state: str = "CLOSED") -> str:
    """An order whose refund WeChat Pay could not give."""
    no = counter.open()
    counter.place(f"{no}-1")
    counter.settle(f"{no}-1")
    parts = parts_of(counter.engine, no) or ()
    ask_refund(
        counter.engine, no, chosen(parts, [], booked=False), by="李四", why="缴错了", booked=False, now=seconds(NOON)
    )
    with writing(counter.engine) as connection:
        refunds.mark_called(connection, f"{no}-1-L1", seconds(NOON))
        refunds.mark_stuck(connection, f"{no}-1-L1", state, seconds(NOON))
    return no


def record(counter: Counter, shown: Any, at_wechat: str = "CLOSED", why: str = "卡已注销，转账退") -> None:
    now = seconds(later(hours=1))
    record_transfer(counter.engine, shown, at_wechat, by="王五", why=why, zone=ZONE, now=now)


@pytest.mark.parametrize("state", ["CLOSED", "ABNORMAL", "INVALID_REQUEST"])
def test_it_is_refunded_for_everybody_but_the_ledger(counter: Counter, state: str) -> None:
    no = closed(counter, state)
    [shown] = stuck_refunds(counter.engine, no)
    record(counter, shown, state if state != "INVALID_REQUEST" else "")
    assert [row.amount for row in counter.rows(LEDGER)] == [50000]
    assert (counter.order(no).state, counter.order(no).due_at, counter.holds(no)) == ("refunded", None, [None])
    assert [row.status for row in counter.rows(PAYMENT)] == ["refunded"]
    assert [row.status for row in counter.rows(EXPORT)] == ["PAID", "REFUNDED"]
    [refund] = counter.rows(REFUND)
    assert (refund.state, refund.given_back_by, refund.ended_by, refund.ended_why) == (
        "refunded",
        "transfer",
        "王五",
        "卡已注销，转账退",
    )
    assert [row.state for row in counter.rows(DISCREPANCY)] == ["closed"]
    assert counter.notices()[-1] == f"transferred:{no}-1-L1"
    [day] = in_three(counter.engine, NOON.date(), NOON.date() + timedelta(), ZONE)
    assert day.ties
    assert counter.open("oOther", payable())


def test_it_cannot_be_done_twice_also_not_at_once(counter: Counter) -> None:
    no = closed(counter)
    [shown] = stuck_refunds(counter.engine, no)

    def try_it() -> str:
        try:
            record(counter, shown)
        except NotTransferable:
            return "refused"
        return "done"

    assert sorted(at_once(*[try_it] * 3)) == ["done", "refused", "refused"]
    assert stuck_refunds(counter.engine, no) == []
    assert len(counter.rows(EXPORT, status="REFUNDED")) == 1


@pytest.mark.parametrize("at_wechat", ["PROCESSING", "SUCCESS"])
def test_it_cannot_be_done_while_the_refund_lives_at_wechat_pay(counter: Counter, at_wechat: str) -> None:
    [shown] = stuck_refunds(counter.engine, closed(counter))
    with pytest.raises(NotTransferable):
        record(counter, shown, at_wechat)
    assert [row.status for row in counter.rows(PAYMENT)] == ["refunding"]


def test_it_cannot_be_done_without_a_reason_or_after_a_new_number_was_begun(counter: Counter) -> None:
    no = closed(counter)
    [shown] = stuck_refunds(counter.engine, no)
    with pytest.raises(NotTransferable):
        record(counter, shown, why="  ")
    parts = parts_of(counter.engine, no) or ()
    ask_refund(
        counter.engine, no, chosen(parts, [], booked=False), by="李四", why="再试", booked=False, now=seconds(NOON)
    )
    with pytest.raises(NotTransferable):
        record(counter, shown)


def test_money_that_wechat_pay_gives_back_after_all_is_in_the_ledger_and_for_a_person(counter: Counter) -> None:
    no = closed(counter, "ABNORMAL")
    [shown] = stuck_refunds(counter.engine, no)
    record(counter, shown, "ABNORMAL")
    for _ in range(2):
        counter.refunded(f"{no}-1", later(days=1), "L1")
    assert [row.amount for row in counter.rows(LEDGER)] == [50000, -50000]
    assert [row.state for row in counter.rows(DISCREPANCY)] == ["closed", "open"]
    assert len(counter.rows(EXPORT, status="REFUNDED")) == 1
