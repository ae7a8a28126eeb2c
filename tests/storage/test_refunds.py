"""Money that goes back is booked once, and nothing that is still owed is forgotten."""

from __future__ import annotations

import json
from functools import partial

import pytest
from sqlalchemy import Engine, select

from storage.database import writing
from storage.notices import NOTICE
from storage.orders import refunds
from storage.orders.columns import DISCREPANCY, LEDGER, ORDER
from storage.orders.refunds import LOOK_AGAIN_SECONDS, STUCK_SECONDS
from tests.storage.counter import NOON, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def owing(counter: Counter) -> str:
    """The number of an attempt whose money has to go back, of an order that is to be refunded as a whole."""
    no = counter.open()
    counter.place(f"{no}-1")
    counter.paid_elsewhere(payable())
    counter.settle(f"{no}-1")
    return f"{no}-1"


def paid_twice(counter: Counter) -> str:
    """An order paid by one attempt, with two more that were paid as well."""
    no = counter.open()
    for number, channel in enumerate(("native", "jsapi"), 1):
        counter.place(f"{no}-{number}")
        counter.begin_switch(no, channel)
        counter.mark_closed(f"{no}-{number}")
    for number in (1, 2, 3):
        counter.settle(f"{no}-{number}")
    return no


def test_what_is_given_back_is_in_the_ledger_with_its_own_number(counter: Counter) -> None:
    number = owing(counter)
    counter.refunded(number, later(hours=1))
    taken, given = counter.rows(LEDGER)
    assert (taken.amount, given.amount, given.kind, given.reason) == (50000, -50000, "refund", f"{number}-R")
    assert (given.transaction_id, given.at) == (f"T-{number}", seconds(later(hours=1)))
    order = counter.order(taken.order_no)
    assert (counter.attempt(number).state, order.state, order.due_at) == ("refunded", "refunded", None)
    assert counter.notices() == [f"refund_due:{number}", f"refunded:{number}"]


def test_who_paid_what_was_paid_already_is_told_of_what(counter: Counter) -> None:
    counter.refunded(owing(counter))
    with counter.engine.connect() as connection:
        due, back = (
            json.loads(body)["lines"]
            for body in connection.execute(select(NOTICE.c.body).order_by(NOTICE.c.id)).scalars()
        )
    assert due[0].startswith("您付的 500元没有用上：付款的时候已经有人缴过，或者过了缴费时间。")
    assert due[1:] == ["wang* 2026 年养老保险 500元"]
    assert back[0].startswith("500元已经原路退回")


def test_given_back_twice_is_booked_once(counter: Counter) -> None:
    number = owing(counter)
    at_once(*[partial(counter.refunded, number)] * 4)
    counter.refunded(number, later(days=1))
    assert [row.amount for row in counter.rows(LEDGER)] == [50000, -50000]
    assert counter.notices() == [f"refund_due:{number}", f"refunded:{number}"]


def test_a_refund_that_was_only_accepted_is_not_booked_and_asked_for_again(counter: Counter) -> None:
    number = owing(counter)
    with writing(counter.engine) as connection:
        refunds.mark_refunding(connection, f"{number}-R", seconds(NOON))
    [order] = counter.rows(ORDER)
    assert (counter.attempt(number).state, order.due_at) == ("refunding", seconds(NOON) + LOOK_AGAIN_SECONDS)
    assert [row.kind for row in counter.rows(LEDGER)] == ["payment"]
    counter.refunded(number)
    assert [row.kind for row in counter.rows(LEDGER)] == ["payment", "refund"]


def test_old_news_of_a_refund_that_is_through_change_nothing(counter: Counter) -> None:
    number = owing(counter)
    counter.refunded(number)
    with writing(counter.engine) as connection:
        refunds.mark_refunding(connection, f"{number}-R", seconds(NOON))
        refunds.mark_stuck(connection, f"{number}-R", "ABNORMAL", seconds(NOON))
    assert counter.attempt(number).state == "refunded"
    assert (counter.rows(ORDER)[0].due_at, counter.rows(DISCREPANCY)) == (None, [])


def test_nothing_is_given_back_for_what_is_not_owed(counter: Counter) -> None:
    no = counter.open()
    counter.refunded(f"{no}-1")
    counter.settle(f"{no}-1")
    counter.refunded(f"{no}-1")
    counter.refunded("unknown")
    assert [row.kind for row in counter.rows(LEDGER)] == ["payment"]
    assert counter.attempt(f"{no}-1").state == "paid"


def test_while_another_attempts_money_is_owed_the_order_stays_due(counter: Counter) -> None:
    no = paid_twice(counter)
    counter.refunded(f"{no}-2")
    assert (counter.order(no).state, counter.order(no).due_at) == ("paid", seconds(NOON))
    counter.refunded(f"{no}-3")
    assert (counter.order(no).state, counter.order(no).due_at) == ("paid", None)
    assert sum(row.amount for row in counter.rows(LEDGER)) == 50000


def test_an_order_is_refunded_only_when_all_its_money_is_back(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    counter.paid_elsewhere(payable())
    counter.settle(f"{no}-1")
    assert counter.attempt(f"{no}-2").state == "closing"
    counter.refunded(f"{no}-1")
    assert (counter.order(no).state, counter.order(no).due_at) == ("refunding", seconds(NOON))
    counter.mark_closed(f"{no}-2")
    assert (counter.order(no).state, counter.order(no).due_at) == ("refunded", None)


def test_a_refunded_order_lets_its_payable_be_ordered_again(counter: Counter) -> None:
    number = owing(counter)
    with writing(counter.engine) as connection:  # the bank takes its payment back
        connection.exec_driver_sql("DELETE FROM payment")
    assert counter.rows(ORDER)[0].state == "refunding"
    again = counter.open("oPayer", payable(), at=later(minutes=5))
    counter.refunded(number)
    counter.settle(f"{again}-1", later(minutes=6))
    assert counter.order(again).state == "paid"


@pytest.mark.parametrize("state", ["ABNORMAL", "CLOSED"])
def test_a_refund_wechat_pay_cannot_give_is_listed_once_and_asked_about_now_and_then(
    counter: Counter, state: str
) -> None:
    number = owing(counter)
    for hours in (0, 6):
        with writing(counter.engine) as connection:
            refunds.mark_stuck(connection, f"{number}-R", state, seconds(later(hours=hours)))
    [row] = counter.rows(DISCREPANCY)
    assert (row.kind, row.out_trade_no, row.reason) == ("refund", number, f"refund:{state}:{number}-R")
    assert counter.rows(ORDER)[0].due_at == seconds(later(hours=6)) + STUCK_SECONDS
    counter.refunded(number)
    assert counter.attempt(number).state == "refunded"
