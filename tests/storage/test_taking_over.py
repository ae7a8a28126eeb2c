"""Taking over what another payer's open order holds: not too early, not too often, and only what is not paid."""

from __future__ import annotations

import json
from functools import partial

import pytest
from sqlalchemy import Engine

from dialogs.world import TakingOver
from storage.database import writing
from storage.orders import taking_over
from storage.orders.columns import NOTICE
from tests.storage.counter import Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def begin(counter: Counter, minutes: float) -> TakingOver | None:
    """What taking over comes to some minutes after noon; the order is closed at WeChat Pay afterwards."""
    key = payable().key
    with writing(counter.engine) as connection:
        holder = taking_over.holder_of(connection, key)
        assert holder is not None
        return taking_over.begin(connection, holder, key, seconds(later(minutes=minutes)))


def test_an_order_is_taken_over_only_after_it_stood_unpaid_for_three_minutes(counter: Counter) -> None:
    no = counter.open("oFirst", payable(), payable("li"))
    assert begin(counter, 2.9) is TakingOver.EARLY
    assert counter.order(no).state == "open"
    assert begin(counter, 3) is None
    assert (counter.order(no).state, counter.order(no).close_reason) == ("closing", "taken_over")
    counter.mark_closed(f"{no}-1", later(minutes=3))
    assert counter.try_to_open("oSecond", payable(), at=later(minutes=4)).order_no
    assert counter.try_to_open("oFirst", payable("li"), at=later(minutes=4)).is_taken_over
    assert counter.try_to_open("oFirst", payable("li"), at=later(minutes=14)).order_no, "the other lines are free again"


def test_two_who_take_over_at_once_close_it_once(counter: Counter) -> None:
    no = counter.open("oFirst", payable())
    assert at_once(*[partial(begin, counter, 5)] * 4) == [None] * 4
    counter.mark_closed(f"{no}-1", later(minutes=5))
    assert counter.order(no).state == "closed"


def test_an_order_that_was_paid_is_not_taken_over(counter: Counter) -> None:
    no = counter.open("oFirst", payable())
    counter.place(f"{no}-1")
    begin(counter, 5)
    counter.settle(f"{no}-1", later(minutes=5))  # WeChat Pay had taken the money just before
    assert counter.order(no).state == "paid"
    assert begin(counter, 6) is TakingOver.PAID


def test_one_payable_is_taken_over_three_times_an_hour(counter: Counter) -> None:
    for turn in range(3):
        at = later(minutes=10 * turn)
        no = counter.open(f"o{turn}", payable(), at=at)
        assert begin(counter, 10 * turn + 3) is None
        counter.mark_closed(f"{no}-1", later(minutes=10 * turn + 3))
    counter.open("oLast", payable(), at=later(minutes=40))
    assert begin(counter, 44) is TakingOver.OFTEN
    assert begin(counter, 64) is None


def test_the_payer_is_told_that_another_pays_now(counter: Counter) -> None:
    no = counter.open("oFirst", payable())
    begin(counter, 5)
    counter.mark_closed(f"{no}-1", later(minutes=5))
    [notice] = counter.rows(NOTICE)
    assert (notice.openid, notice.kind) == ("oFirst", "closed")
    assert "接过去缴" in json.loads(notice.body)["lines"][0]


def test_who_lost_an_order_cannot_open_it_again_before_the_one_who_took_over_had_time(counter: Counter) -> None:
    no = counter.open("oFirst", payable())
    begin(counter, 5)
    counter.mark_closed(f"{no}-1", later(minutes=5))
    assert counter.try_to_open("oFirst", payable(), at=later(minutes=6)).is_taken_over
    assert counter.try_to_open("oSecond", payable(), at=later(minutes=7)).order_no
