"""Opening an order: one payable is held by one order, and nobody can order what is paid, held, or out of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from dialogs.terms.insurance import Payable, PayKind
from storage.database import DatabaseUnavailable, writing
from storage.orders.columns import ATTEMPT, LINE, ORDER
from storage.orders.opening import ALPHABET, Opened, OrderLimits, order_number
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def test_an_order_holds_its_payables_and_has_one_attempt_that_is_to_be_placed_now(counter: Counter) -> None:
    no = counter.open("oPayer", payable("wang"), payable("li", 20000))
    order, attempt = counter.order(no), counter.running(no)
    assert (order.state, order.payer, order.amount, order.due_at) == ("open", "oPayer", 70000, seconds(NOON))
    assert counter.holds(no) == [payable("wang").key, payable("li").key]
    assert (attempt.out_trade_no, attempt.state, attempt.amount) == (f"{no}-1", "placing", 70000)
    assert (attempt.openid, attempt.called_at, attempt.expires_at) == ("oPayer", None, order.expires_at)


@pytest.mark.parametrize("payers", [("oFirst", "oSecond"), tuple(f"o{number}" for number in range(6))])
def test_payers_at_once_get_one_order_and_the_others_are_told_it_is_held(
    counter: Counter, payers: tuple[str, ...]
) -> None:
    outcomes = at_once(*(partial(counter.try_to_open, payer, payable()) for payer in payers))
    [no] = {opened.order_no for opened in outcomes} - {""}
    assert sorted(opened.held_by for opened in outcomes) == sorted(["", *[no] * (len(payers) - 1)])
    assert len(counter.rows(ORDER)) == len(counter.rows(LINE)) == len(counter.rows(ATTEMPT)) == 1


def test_one_payer_asking_twice_at_once_gets_one_order(counter: Counter) -> None:
    outcomes = at_once(*[partial(counter.try_to_open, "oPayer", payable())] * 4)
    assert len({opened.order_no for opened in outcomes}) == len(counter.rows(ORDER)) == 1


def test_families_that_share_people_in_another_order_never_wait_in_a_ring(counter: Counter) -> None:
    two, reversed_two = (payable("wang"), payable("li")), (payable("li"), payable("wang"))
    outcomes = at_once(
        *[partial(counter.try_to_open, "oFirst", *two), partial(counter.try_to_open, "oSecond", *reversed_two)] * 3
    )
    assert len({opened.order_no or opened.held_by for opened in outcomes}) == 1


def test_the_same_payer_asking_again_gets_the_same_order(counter: Counter) -> None:
    no = counter.open("oPayer", payable())
    assert counter.try_to_open("oPayer", payable(), at=later(minutes=29)) == Opened(order_no=no)
    assert len(counter.rows(ORDER)) == 1


@pytest.mark.parametrize(
    "other",
    [
        payable(amount=100000),
        payable(tier_code="T9"),
        payable(institution_code="3601030001"),
    ],
    ids=["amount", "tier", "institution"],
)
def test_the_same_payer_asking_for_other_words_is_told_that_it_is_held(counter: Counter, other: Payable) -> None:
    no = counter.open("oPayer", payable())
    assert counter.try_to_open("oPayer", other) == Opened(held_by=no)


def test_a_part_of_an_order_is_not_that_order(counter: Counter) -> None:
    no = counter.open("oPayer", payable("wang"), payable("li"))
    assert counter.try_to_open("oPayer", payable("wang")) == Opened(held_by=no)
    assert counter.try_to_open("oPayer", payable("wang"), payable("li"), payable("zhao")) == Opened(held_by=no)


def test_an_expired_order_holds_until_it_is_closed(counter: Counter) -> None:
    no = counter.open("oPayer", payable())
    for payer in ("oPayer", "oOther"):
        assert counter.try_to_open(payer, payable(), at=later(minutes=30)) == Opened(held_by=no)
    counter.begin_closing(no)
    assert counter.try_to_open("oPayer", payable(), at=later(minutes=31)) == Opened(held_by=no)
    counter.mark_closed(f"{no}-1")
    assert counter.open("oOther", payable(), at=later(minutes=31)) != no


def test_nothing_is_ordered_that_another_channel_was_paid_for(counter: Counter) -> None:
    counter.paid_elsewhere(payable())
    assert counter.try_to_open("oPayer", payable()) == Opened(paid=True)
    assert counter.try_to_open("oPayer", payable("li"), payable("wang")) == Opened(paid=True)
    assert counter.rows(ORDER) == []


def test_nothing_is_ordered_that_was_paid_here(counter: Counter) -> None:
    no = counter.open()
    counter.settle(f"{no}-1")
    for payer in ("oPayer", "oOther"):
        assert counter.try_to_open(payer, payable()) == Opened(paid=True)


@pytest.mark.parametrize("amount", [0, -1])
def test_an_order_of_nothing_is_refused(counter: Counter, amount: int) -> None:
    with pytest.raises(ValueError):
        counter.try_to_open("oPayer", payable("li"), payable(amount=amount))
    assert counter.rows(ORDER) == []


def test_the_expiry_is_half_an_hour_away(counter: Counter) -> None:
    assert counter.order(counter.open()).expires_at == seconds(later(minutes=30))


@pytest.mark.parametrize("zone", [ZONE, UTC], ids=["Shanghai", "UTC"])
def test_the_expiry_is_never_past_the_end_of_the_last_day_in_shanghai(counter: Counter, zone: tzinfo) -> None:
    late = datetime(2026, 12, 20, 23, 45, tzinfo=ZONE).astimezone(zone)
    end = datetime(2026, 12, 20, 23, 59, 59, tzinfo=ZONE)
    assert counter.order(counter.open(at=late)).expires_at == seconds(end)


def test_the_earliest_last_day_of_all_payables_counts(counter: Counter) -> None:
    at = datetime(2026, 11, 23, 23, 50, tzinfo=ZONE)
    no = counter.open("oPayer", payable("wang"), payable("li", last_day=date(2026, 11, 23)), at=at)
    assert counter.order(no).expires_at == seconds(datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZONE))


@pytest.mark.parametrize(("left", "too_late"), [(90, False), (89, True), (0, True), (-86400, True)])
def test_too_near_the_end_nothing_is_opened_that_wechat_pay_would_refuse(
    counter: Counter, left: int, too_late: bool
) -> None:
    at = datetime(2026, 12, 20, 23, 59, 59, tzinfo=ZONE) - timedelta(seconds=left)
    assert counter.try_to_open("oPayer", payable(), at=at).too_late is too_late
    assert (counter.rows(ORDER) == []) is too_late


def test_two_lines_of_one_order_cannot_be_the_same_payable(counter: Counter) -> None:
    with pytest.raises(IntegrityError):
        counter.try_to_open("oPayer", payable(), payable(amount=20000))
    assert counter.rows(ORDER) == counter.rows(ATTEMPT) == []


def test_the_database_itself_refuses_a_second_holder_and_a_second_running_attempt(counter: Counter) -> None:
    no = counter.open()
    line, attempt = counter.rows(LINE)[0]._asdict(), counter.rows(ATTEMPT)[0]._asdict()
    other = counter.open("oPayer", payable("li"))
    with pytest.raises(IntegrityError), writing(counter.engine) as connection:
        connection.execute(insert(LINE).values(line | {"order_no": other, "line_no": 2}))
    with pytest.raises(IntegrityError), writing(counter.engine) as connection:
        connection.execute(insert(ATTEMPT).values(attempt | {"out_trade_no": f"{no}-9"}))


def test_a_failure_on_the_way_leaves_nothing(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("storage.orders.opening.add_attempt", fails)
    with pytest.raises(DatabaseUnavailable):
        counter.open()
    assert counter.rows(ORDER) == counter.rows(LINE) == counter.rows(ATTEMPT) == []


def test_order_numbers_can_be_read_out_and_not_be_guessed() -> None:
    numbers = {order_number(NOON) for _ in range(500)}
    assert len(numbers) == 500
    assert all(len(no) == 14 and no.startswith("261123") and set(no[6:]) <= set(ALPHABET) for no in numbers)
    assert not set("01IOl") & set(ALPHABET)


def test_a_back_payment_is_owed_beside_the_years_own(counter: Counter) -> None:
    counter.open("oPayer", payable())
    counter.open("oOther", replace(payable(), pay_kind=PayKind.BACK, assess_no="A1"))
    assert len(counter.rows(ORDER)) == 2


def limited(counter: Counter) -> Counter:
    return replace(counter, limits=OrderLimits())


def several(count: int) -> list[Payable]:
    """As many things that can be paid, of one person: a year each."""
    return [replace(payable("wang"), cover_year=2000 + number) for number in range(count)]


def test_a_payer_has_at_most_five_orders_open_however_many_are_asked_for_at_once(counter: Counter) -> None:
    counter = limited(counter)
    outcomes = at_once(*(partial(counter.try_to_open, "oPayer", one) for one in several(9)))
    assert len([one for one in outcomes if one.order_no]) == 5
    assert {one.too_many for one in outcomes if not one.order_no} == {5}
    assert counter.try_to_open("oOther", payable("li")).order_no


def test_thirty_orders_opened_and_given_up_run_shorter_after_the_third_and_two_at_a_time(counter: Counter) -> None:
    counter = limited(counter)
    for number in range(3):
        counter.close(counter.open("oPayer", payable(), at=later(minutes=number)), "cancelled", later(minutes=number))
    first, second, third = several(3)
    opened = counter.try_to_open("oPayer", first, at=later(hours=1))
    assert opened.short_minutes == 10
    assert counter.order(opened.order_no).expires_at == seconds(later(hours=1, minutes=10))
    assert counter.try_to_open("oPayer", second, at=later(hours=1)).order_no
    assert counter.try_to_open("oPayer", third, at=later(hours=1)) == Opened(too_many=2)


def test_a_day_later_orders_run_as_long_as_ever(counter: Counter) -> None:
    counter = limited(counter)
    for number in range(3):
        counter.close(counter.open("oPayer", payable(), at=later(minutes=number)), "expired", later(minutes=number))
    opened = counter.try_to_open("oPayer", payable(), at=later(days=1, minutes=3))
    assert (bool(opened.order_no), opened.short_minutes) == (True, 0)
