"""The life of an attempt: at most one runs, and a new one comes only after WeChat Pay has closed the one before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine

from storage.database import reading, writing
from storage.orders import attempts
from storage.orders.columns import ATTEMPT, CLOSED, CLOSING, LOOK_AFTER, ORDER, PLACED, PLACING
from storage.orders.rows import running
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def states(counter: Counter) -> list[tuple[str, str]]:
    return [(row.out_trade_no.partition("-")[2], row.state) for row in counter.rows(ATTEMPT)]


def test_an_attempt_is_stored_as_called_before_wechat_pay_is_called(counter: Counter) -> None:
    no = counter.open()
    with writing(counter.engine) as connection:
        assert attempts.mark_called(connection, f"{no}-1", seconds(NOON))
    assert counter.attempt(f"{no}-1").called_at == seconds(NOON)


@pytest.mark.parametrize("state", ["placed", "closing", "closed", "paid"])
def test_what_is_no_longer_to_be_placed_is_not_called_for_again(counter: Counter, state: str) -> None:
    no = counter.open()
    number = f"{no}-1"
    if state == "placed":
        counter.place(number)
    elif state == "paid":
        counter.settle(number)
    else:
        counter.begin_closing(no)
        if state == "closed":
            counter.mark_closed(number)
    with writing(counter.engine) as connection:
        assert not attempts.mark_called(connection, number, seconds(later(minutes=1)))
        assert not attempts.mark_placed(connection, number, seconds(later(minutes=1)), prepay_id="late")
    attempt = counter.attempt(number)
    assert (attempt.state, attempt.prepay_id) == (state, "wx23" if state == "placed" else None)


def test_one_call_at_a_time_places_a_code_because_a_second_voids_the_first(counter: Counter) -> None:
    number = f"{counter.open()}-1"

    def called(after: float) -> bool:
        with writing(counter.engine) as connection:
            return attempts.mark_called(connection, number, seconds(later(seconds=after)))

    assert [called(0), called(0), called(attempts.CALL_SECONDS - 1)] == [True, False, False]
    assert called(attempts.CALL_SECONDS)  # the first has failed or its process has died


def test_two_workers_at_once_call_once_for_a_code(counter: Counter) -> None:
    number = f"{counter.open()}-1"

    def called() -> bool:
        with writing(counter.engine) as connection:
            return attempts.mark_called(connection, number, seconds(NOON))

    assert sorted(at_once(*[called] * 4)) == [False, False, False, True]


def test_wechat_pay_is_asked_by_the_schedule_and_at_the_expiry_and_then_no_more(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    looks, now = [], NOON
    while counter.order(no).due_at > seconds(now):
        looks.append(counter.order(no).due_at - seconds(NOON))
        now = later(seconds=looks[-1])
        with writing(counter.engine) as connection:
            attempts.schedule_look(connection, no, seconds(now))
    assert looks == [*LOOK_AFTER] == [5, 30, 60, 180, 300, 600, 1800]
    assert counter.order(no).expires_at == seconds(now)


def test_an_order_that_is_to_end_takes_its_attempt_along_and_frees_what_it_held(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    assert counter.begin_closing(no, at=later(minutes=30))
    assert (counter.order(no).state, counter.order(no).due_at) == ("closing", seconds(later(minutes=30)))
    assert states(counter) == [("1", CLOSING)]
    assert counter.holds(no) == [payable().key]
    counter.mark_closed(f"{no}-1", at=later(minutes=31))
    order = counter.order(no)
    assert (order.state, order.closed_at, order.due_at) == ("closed", seconds(later(minutes=31)), None)
    assert (counter.holds(no), states(counter), counter.notices()) == ([None], [("1", CLOSED)], [f"closed:{no}"])


def test_closing_is_begun_once_and_only_for_an_open_order(counter: Counter) -> None:
    no = counter.open()
    assert counter.begin_closing(no, "cancelled")
    assert not counter.begin_closing(no, "expired")
    assert counter.order(no).close_reason == "cancelled"
    assert not counter.begin_closing("none")


def test_closed_twice_is_closed_once(counter: Counter) -> None:
    no = counter.open()
    counter.close(no)
    before = counter.rows(ORDER)
    counter.mark_closed(f"{no}-1", at=later(hours=1))
    assert counter.rows(ORDER) == before
    assert counter.notices() == [f"closed:{no}"]


@pytest.mark.parametrize(("reason", "told"), [("expired", True), ("cancelling", True), ("cancelled", False)])
def test_who_was_told_in_the_chat_that_it_is_closed_is_not_told_again(
    counter: Counter, reason: str, told: bool
) -> None:
    no = counter.open()
    counter.close(no, reason)
    assert counter.notices() == ([f"closed:{no}"] if told else [])


def test_another_way_to_the_cashier_opens_only_after_the_first_is_closed(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    assert counter.begin_switch(no, "native")
    assert states(counter) == [("1", CLOSING)]
    counter.mark_closed(f"{no}-1", at=later(minutes=1))
    assert states(counter) == [("1", CLOSED), ("2", PLACING)]
    running = counter.running(no)
    assert (running.channel, running.amount, running.expires_at) == ("native", 50000, seconds(later(minutes=30)))
    assert (counter.order(no).state, counter.order(no).due_at) == ("open", seconds(later(minutes=1)))
    assert counter.holds(no) == [payable().key]


def test_switching_to_the_way_it_goes_already_changes_nothing(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    assert not counter.begin_switch(no, "jsapi")
    assert states(counter) == [("1", PLACED)]


def test_there_and_back_before_the_first_is_closed_makes_one_new_attempt(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    assert [counter.begin_switch(no, channel) for channel in ("native", "jsapi", "native")] == [True] * 3
    counter.mark_closed(f"{no}-1")
    assert (states(counter), counter.running(no).channel) == ([("1", CLOSED), ("2", PLACING)], "native")


def test_a_fresh_code_comes_only_after_the_last_is_closed_and_only_for_one_that_was_placed(counter: Counter) -> None:
    no = counter.open()
    for placed in (False, True, True):
        if placed and counter.running(no).state == PLACING:
            counter.place(f"{no}-1")
        with writing(counter.engine) as connection:
            attempts.begin_anew(connection, no, seconds(NOON))
        assert states(counter) == [("1", CLOSING if placed else PLACING)]
    counter.mark_closed(f"{no}-1")
    assert states(counter) == [("1", CLOSED), ("2", PLACING)]


def test_an_order_that_is_closing_cannot_be_switched(counter: Counter) -> None:
    no = counter.open()
    counter.begin_closing(no)
    assert not counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    assert states(counter) == [("1", CLOSED)]


def test_a_number_wechat_pay_will_not_take_is_closed_and_followed_by_another(counter: Counter) -> None:
    no = counter.open()
    with writing(counter.engine) as connection:
        attempts.replace_refused(connection, f"{no}-1")
    assert states(counter) == [("1", CLOSING)]
    counter.mark_closed(f"{no}-1")
    assert states(counter) == [("1", CLOSED), ("2", PLACING)]


def begins(counter: Counter, no: str) -> Callable[..., object]:
    return lambda connection: attempts.begin_closing(connection, no, "cancelled", seconds(NOON))


def follows(counter: Counter, no: str) -> Callable[..., object]:
    return lambda connection: attempts.mark_closed(connection, f"{no}-1", ZONE, seconds(NOON))


@pytest.mark.parametrize("first", [begins, follows])
def test_no_attempt_slips_in_while_its_order_begins_to_close(
    counter: Counter, first: Callable[[Counter, str], Callable[..., object]]
) -> None:
    """The first transaction has done its part and not yet committed; the second waits for it and sees what it did."""
    no = counter.open()
    counter.begin_switch(no, "native")
    second = follows if first is begins else begins

    def afterwards() -> None:
        with writing(counter.engine) as connection:
            second(counter, no)(connection)

    waiting = threading.Thread(target=afterwards)
    with ExitStack() as stack:
        connection = stack.enter_context(writing(counter.engine))
        first(counter, no)(connection)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join()
    assert counter.order(no).state == ("closed" if first is begins else "closing")
    assert states(counter) == ([("1", CLOSED)] if first is begins else [("1", CLOSED), ("2", CLOSING)])


def test_however_many_workers_close_it_one_attempt_follows(counter: Counter) -> None:
    no = counter.open()
    counter.begin_switch(no, "native")
    at_once(*[lambda: counter.mark_closed(f"{no}-1")] * 4)
    assert states(counter) == [("1", CLOSED), ("2", PLACING)]


def test_the_running_attempt_of_an_order_is_found_by_its_number(counter: Counter) -> None:
    no, other = counter.open(), counter.open("oOther", payable("li"))
    with reading(counter.engine) as connection:
        found = [running(connection, one) for one in (no, other, "none")]
    assert [row and row.out_trade_no for row in found] == [f"{no}-1", f"{other}-1", None]
