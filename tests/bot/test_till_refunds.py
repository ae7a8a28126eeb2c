"""Money that found no open order goes back once and by itself, whatever happens to the calls."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from storage.database import writing
from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER, ORDER, PAYMENT
from tests.bot.room import FAULTS, PAYER, Room, assert_paid_once, placed


def late_money(room: Room) -> tuple[str, str]:
    """The payer's money has come for an order that was closed and whose payable somebody else has ordered since."""
    no = room.counter.open(PAYER)
    placed(room, no)
    room.sheet(no).pay()
    room.pay.callbacks.all()[0].due_at += 60
    with writing(room.app.engine) as connection:
        connection.execute(update(ATTEMPT).values(state="closed", runs=None))
        connection.execute(update(ORDER).values(state="closed", due_at=None))
        connection.exec_driver_sql("UPDATE pay_order_line SET holds = NULL")
    room.sandbox.wechat.phone("oOther")
    other = room.counter.open("oOther")
    room.work()
    return no, other


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault.name.lower() if fault else "well")
@pytest.mark.parametrize("endpoint", ["pay.refund", "pay.refund_query"])
def test_money_that_came_too_late_is_given_back_once(room: Room, fault: Fault | None, endpoint: str) -> None:
    no, other = late_money(room)
    if fault:
        room.fault(endpoint, fault)
    room.wait(60)
    room.wait(20)
    assert room.counter.attempt(f"{no}-1").state == "refunded"
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert room.books() == (50000, 50000)
    assert len(room.pay.refunds.all()) == 1
    assert room.counter.notices() == [f"refund_due:{no}-1", f"refunded:{no}-1"]
    assert room.counter.order(other).state == "open"
    assert room.counter.order(no).due_at is None


def test_a_refund_that_takes_days_is_asked_about_and_told_when_it_is_through(room: Room) -> None:
    room.pay.refunds.seconds = 3 * 86400
    no, _ = late_money(room)
    room.fault("callback.refund", Fault.DROP_BEFORE, times=None)
    room.wait(60)
    assert room.counter.attempt(f"{no}-1").state == "refunding"
    room.wait(86400)
    assert room.counter.attempt(f"{no}-1").state == "refunding"
    room.wait(2 * 86400)
    assert room.counter.attempt(f"{no}-1").state == "refunded"
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]


@pytest.mark.parametrize("outcome", ["ABNORMAL", "CLOSED"])
def test_a_refund_that_wechat_pay_cannot_give_is_left_to_a_person(room: Room, outcome: str) -> None:
    room.pay.refunds.outcome = outcome
    no, _ = late_money(room)
    room.wait(60)
    room.wait(7 * 3600)
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == ["refund"]
    assert len(room.counter.rows(LEDGER)) == 1
    assert room.counter.attempt(f"{no}-1").state in ("refund_due", "refunding")


def test_a_merchant_short_of_money_gives_back_when_he_has_it(room: Room) -> None:
    room.pay.refunds.merchant_is_short = True
    no, _ = late_money(room)
    room.wait(60)
    assert room.counter.attempt(f"{no}-1").state == "refund_due"
    room.pay.refunds.merchant_is_short = False
    room.wait(60)
    assert room.counter.attempt(f"{no}-1").state == "refunded"


def test_both_attempts_paid_are_one_payment_and_one_refund(room: Room) -> None:
    """WeChat Pay takes money for the first after it said it had closed it; then somebody pays the second as well."""
    no = room.counter.open(PAYER)
    first = placed(room, no)
    room.cashier.ask_card(PAYER, no)
    second = placed(room, no)
    there = room.pay.orders.find(out_trade_no=first)
    there.closed = False
    room.pay.checkout_jsapi(room.app.till.gateway.sheet(there.handle, room.sandbox.clock.now()), PAYER).pay()
    room.pay.scan(room.code(second), "oFamily").pay()
    room.work()
    room.wait(60)
    assert sorted(row.state for row in room.counter.rows(ATTEMPT)) == ["paid", "refunded"]
    assert room.books() == (100000, 50000)
    assert (len(room.counter.rows(PAYMENT)), room.counter.order(no).state) == (1, "paid")
    assert room.counter.order(no).due_at is None


def test_after_late_money_for_the_first_nobody_can_pay_the_second(room: Room) -> None:
    no = room.counter.open(PAYER)
    first = placed(room, no)
    room.cashier.ask_card(PAYER, no)
    second = placed(room, no)
    there = room.pay.orders.find(out_trade_no=first)
    there.closed = False
    room.pay.checkout_jsapi(room.app.till.gateway.sheet(there.handle, room.sandbox.clock.now()), PAYER).pay()
    code = room.code(second)
    room.work()
    assert room.at_wechat() == {first: "SUCCESS", second: "CLOSED"}
    with pytest.raises(CashierRefused):
        room.pay.scan(code, "oFamily")
    assert_paid_once(room, no)
