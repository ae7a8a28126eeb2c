"""The till against WeChat Pay as it misbehaves: placed once, paid once, closed for certain."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from bot.pay.charge import Charge
from bot.pay.gateway import Gateway
from bot.sandbox.faults import Fault
from bot.sandbox.pay_sign import PayRefused
from dialogs.world import Cancelling, OrderState
from storage.database import writing
from storage.orders import attempts
from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER, ORDER
from tests.bot.room import FAULTS, PAYER, Room, assert_paid_once, each_fault, placed
from tests.storage.counter import payable

# -- placing


@each_fault
def test_placed_once_and_paid_once_whatever_happens_to_the_call(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", fault)
    room.work()
    assert room.counter.running(no).state == "placing"
    room.wait(10)
    assert placed(room, no) == f"{no}-1"
    assert room.at_wechat() == {f"{no}-1": "NOTPAY"}
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


@each_fault
def test_the_pay_link_places_by_itself_and_says_when_wechat_pay_does_not_answer(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", fault)
    status, text = room.page(no)
    assert status == 503
    assert "没有回应" in text or "请" in text
    assert room.sheet(no).amount == 50000  # that call is over: the next tap need not wait


def test_worker_and_link_at_once_place_the_same_order(room: Room) -> None:
    no = room.counter.open(PAYER)
    first = room.sheet(no)
    room.work()
    assert room.at_wechat() == {f"{no}-1": "NOTPAY"}
    first.pay()
    room.work()
    assert_paid_once(room, no)


@pytest.mark.parametrize("code", ["OUT_TRADE_NO_USED", "ORDER_CLOSED"])
def test_a_number_wechat_pay_will_not_take_is_replaced_by_a_new_one(room: Room, code: str) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", Fault.DROP_AFTER)
    room.work()
    if code == "ORDER_CLOSED":
        room.pay.orders.close(f"{no}-1")
    else:
        with writing(room.app.engine) as connection:
            connection.execute(update(ATTEMPT).values(description="other words"))
    room.wait(10)
    assert placed(room, no) == f"{no}-2"
    assert room.at_wechat() == {f"{no}-1": "CLOSED", f"{no}-2": "NOTPAY"}
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_a_number_that_was_paid_before_its_placing_was_heard_of_is_paid(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", Fault.DROP_AFTER)
    room.work()
    [there] = room.pay.orders.all()
    room.pay.orders.take(there.handle, PAYER, "OTHERS")
    room.wait(10)
    assert_paid_once(room, no)


def test_wechat_pay_refusing_for_good_ends_with_a_closed_order_and_never_for_ever(room: Room) -> None:
    no = room.counter.open("oNobodyKnows")
    room.work_for(31 * 60 + 120)
    assert (room.counter.order(no).state, room.counter.holds(no)) == ("closed", [None])
    assert room.counter.order(no).due_at is None


# -- asking


def test_a_lost_callback_is_asked_after(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)
    room.sheet(no).pay()
    room.wait(5)
    assert_paid_once(room, no)
    room.sandbox.faults.clear()
    room.wait(20)
    assert_paid_once(room, no)


@each_fault
def test_asking_may_fail_and_is_repeated(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)
    room.sheet(no).pay()
    room.fault("pay.query", fault)
    room.wait(5)
    assert room.counter.order(no).state == "open"
    room.wait(10)
    assert_paid_once(room, no)


@pytest.mark.parametrize("fault", [None, Fault.DROP_BEFORE, Fault.STATUS_500], ids=["answered", "silent", "500"])
@pytest.mark.parametrize("wish", ["card", "cancel"])
def test_a_wish_while_wechat_pay_is_being_asked_is_seen_to_when_that_ends(
    room: Room, fault: Fault | None, wish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the next look of the schedule, which may be half an hour away."""
    no = room.counter.open(PAYER)
    room.work()
    room.phone.type("你好")
    if fault:
        room.fault("pay.query", fault)
    query = Gateway.query

    def meanwhile(gateway: Gateway, number: str) -> Charge:
        if number == f"{no}-1" and wish == "card":
            room.cashier.ask_card(PAYER, no)
        elif number == f"{no}-1":
            with writing(room.app.engine) as connection:
                attempts.begin_closing(connection, no, "cancelled", int(room.sandbox.clock.now()))
        return query(gateway, number)

    monkeypatch.setattr(Gateway, "query", meanwhile)
    room.wait(5)
    assert room.at_wechat()[f"{no}-1"] == "CLOSED"
    if wish == "card":
        assert room.counter.running(no).state == "placed"
        assert room.pushed() == ["image"]
    else:
        assert room.counter.order(no).state == OrderState.CLOSED


def test_who_says_that_it_is_paid_is_believed_after_asking(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    order = room.cashier.check(PAYER, no)
    assert order is not None
    assert order.state is OrderState.OPEN
    room.sheet(no).pay()
    room.sandbox.clock.move(attempts.CHECK_SECONDS)
    order = room.cashier.check(PAYER, no)
    assert order is not None
    assert order.state is OrderState.PAID
    assert room.cashier.check("oStranger", no) is None


def test_an_order_closed_at_wechat_pay_goes_on_with_a_new_number(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.pay.orders.close(placed(room, no))
    room.wait(5)
    assert placed(room, no) == f"{no}-2"


def test_another_amount_than_ours_is_left_to_a_person_and_is_not_asked_after_without_a_pause(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.sheet(no).pay()
    with writing(room.app.engine) as connection:
        connection.execute(update(ATTEMPT).values(amount=49999))
    room.work_for(32 * 60, step=30)
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == ["amount"]
    assert (room.counter.order(no).state, room.counter.rows(LEDGER), room.counter.holds(no)) == (
        "closing",
        [],
        [payable().key],
    )
    assert room.counter.order(no).due_at > room.sandbox.clock.now()


# -- closing


@pytest.mark.parametrize("fault", FAULTS[:-1], ids=lambda fault: fault.name.lower())  # a 204 cannot be garbled
def test_an_expired_order_is_closed_and_its_payable_is_free(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    number = placed(room, no)
    room.fault("pay.close", fault)
    room.wait(30 * 60)
    assert (room.counter.order(no).state, room.counter.holds(no)) == ("closing", [payable().key])
    room.wait(15)
    assert (room.counter.order(no).state, room.counter.holds(no)) == ("closed", [None])
    assert room.at_wechat() == {number: "CLOSED"}
    assert room.counter.notices() == [f"closed:{no}"]


def test_closing_that_is_answered_paid_is_a_payment(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)
    room.sheet(no).pay()
    assert room.cashier.cancel(PAYER, no) is Cancelling.PAID
    room.work()
    assert_paid_once(room, no)


def test_a_refusal_to_close_in_unknown_words_is_held_against_the_query(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which code a paid order's close gives is not certain (facts/wechat.md B4)."""
    no = room.counter.open(PAYER)
    placed(room, no)
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)
    room.sheet(no).pay()

    def refuses(*_: Any) -> None:
        raise PayRefused(403, "TRADE_ERROR", "交易错误")

    monkeypatch.setattr(room.pay.orders, "close", refuses)
    assert room.cashier.cancel(PAYER, no) is Cancelling.PAID
    assert_paid_once(room, no)


def test_an_order_that_was_never_called_for_is_closed_without_a_call(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.*", Fault.STATUS_500, times=None)
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSED
    assert room.at_wechat() == {}


def test_a_number_whose_placing_may_be_under_way_is_not_thought_closed_for_a_minute(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", Fault.DROP_BEFORE)
    room.work()
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSING
    room.work_for(45)
    assert (room.counter.order(no).state, room.counter.holds(no)) == ("closing", [payable().key])
    room.work_for(30)
    assert (room.counter.order(no).state, room.counter.holds(no)) == ("closed", [None])
    assert room.counter.notices() == [f"closed:{no}"]


def test_a_placing_that_arrives_while_the_order_closes_is_closed_too(room: Room) -> None:
    """The answer of the call comes when the order is closing already: nobody is given the way to pay it."""
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", Fault.DROP_AFTER)
    room.work()
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSED
    assert room.at_wechat() == {f"{no}-1": "CLOSED"}


def test_cancelling_while_wechat_pay_is_silent_closes_later_and_then_says_so(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.fault("pay.*", Fault.DROP_BEFORE, times=None)
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSING
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSING
    room.wait(60)
    assert room.counter.notices() == []
    room.sandbox.faults.clear()
    room.wait(15)
    assert room.counter.order(no).state == "closed"
    assert room.counter.notices() == [f"closed:{no}"]


def test_cancelling_that_is_answered_at_once_is_not_told_twice(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    assert room.cashier.cancel(PAYER, no) is Cancelling.CLOSED
    room.wait(60)
    assert room.counter.notices() == []
    assert room.cashier.cancel("oStranger", no) is Cancelling.UNKNOWN


def test_a_notice_follows_whenever_the_citizen_was_told_that_one_follows(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker closes it between the turn's look and its last word."""
    no = room.counter.open(PAYER)
    number = placed(room, no)
    room.fault("pay.close", Fault.DROP_BEFORE)
    till = type(room.app.till)
    advance = till.advance

    def slow(self: Any, order_no: str, *, ask: bool = False) -> None:
        advance(self, order_no, ask=ask)
        room.counter.mark_closed(number)

    monkeypatch.setattr(till, "advance", slow)
    outcome = room.cashier.cancel(PAYER, no)
    assert (outcome is Cancelling.CLOSING) == (room.counter.notices() != [])


def test_a_callback_after_closing_is_settled_where_the_payable_is_free(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    sheet = room.sheet(no)
    sheet.pay()
    with writing(room.app.engine) as connection:  # WeChat Pay had said "closed", and took it all the same
        connection.execute(update(ATTEMPT).values(state="closed", runs=None))
        connection.execute(update(ORDER).values(state="closed", due_at=None))
    room.work()
    assert_paid_once(room, no)
