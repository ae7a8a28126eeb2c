"""Money that found no open order goes back once and by itself, whatever happens to the calls."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import update

from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from storage.database import writing
from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER, ORDER, PAYMENT, REFUND
from storage.orders.refund_requests import ask_refund, chosen, parts_of
from tests.bot.room import FAULTS, PAYER, Room, assert_paid_once, placed
from tests.storage.counter import payable


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
    room.phone.type("你好")
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
    told = "\n".join(room.pushed())
    assert "这张缴费单已经付过了，多付的 500元会原路退回" in told
    assert "500元已经原路退回，退到了微信零钱。" in told


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


def ask(room: Room, no: str, *lines: int) -> list[str]:
    """An operator has these lines given back."""
    parts = chosen(parts_of(room.app.engine, no) or (), lines, booked=False)
    now = int(room.sandbox.clock.now())
    return list(ask_refund(room.app.engine, no, parts, by="oper", why="缴错了", booked=False, now=now))


def paid_for(room: Room, *people: str) -> str:
    no = room.counter.open(PAYER, *(payable(one) for one in people))
    placed(room, no)
    room.sheet(no).pay()
    room.work()
    assert room.counter.order(no).state == "paid"
    return no


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault.name.lower() if fault else "well")
@pytest.mark.parametrize("endpoint", ["pay.refund", "pay.refund_query"])
def test_what_an_operator_asks_for_goes_back_once(room: Room, fault: Fault | None, endpoint: str) -> None:
    no = paid_for(room, "wang")
    if fault:
        room.fault(endpoint, fault)
    ask(room, no)
    room.work()
    room.wait(60)
    assert room.books() == (50000, 50000)
    assert len(room.pay.refunds.all()) == 1
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert (room.counter.order(no).state, room.counter.order(no).due_at) == ("refunded", None)
    assert room.counter.notices().count(f"refunded:{no}-1:1") == 1


def test_lines_of_one_transaction_go_back_one_by_one_and_a_minute_apart(room: Room) -> None:
    no = paid_for(room, "wang", "li", "zhao")
    ask(room, no)
    room.work()
    assert room.books() == (150000, 50000)
    room.work_for(240)
    assert room.books() == (150000, 150000)
    assert room.counter.order(no).state == "refunded"
    asked = sorted(refund.asked_at for refund in room.pay.refunds.all())
    assert all(later - sooner >= 60 for sooner, later in pairwise(asked))


def test_a_closed_refund_is_paid_by_a_new_number_and_only_by_that(room: Room) -> None:
    room.pay.refunds.outcome = "CLOSED"
    no = paid_for(room, "wang")
    [first] = ask(room, no)
    room.work()
    room.wait(7 * 3600)
    assert room.books() == (50000, 0)
    assert [row.state for row in room.counter.rows(DISCREPANCY)] == ["open"]
    room.pay.refunds.outcome = "SUCCESS"
    [second] = ask(room, no)
    room.work()
    assert [(one.terms.out_refund_no, one.status) for one in room.pay.refunds.all()] == [
        (first, "CLOSED"),
        (second, "SUCCESS"),
    ]
    assert room.books() == (50000, 50000)
    assert (room.counter.order(no).state, room.counter.order(no).due_at) == ("refunded", None)
    assert [row.state for row in room.counter.rows(DISCREPANCY)] == ["closed"]


def test_a_new_number_is_not_used_where_the_old_one_is_alive(room: Room) -> None:
    """WeChat Pay is asked about the old number before the new one is used, whatever it said of it before."""
    room.pay.refunds.outcome = "CLOSED"
    no = paid_for(room, "wang")
    [first] = ask(room, no)
    room.work()
    [second] = ask(room, no)
    there = room.pay.refunds.all()[0]
    there.status, there.done_at = "SUCCESS", room.sandbox.clock.now()
    room.work()
    room.wait(7 * 3600)
    assert [one.terms.out_refund_no for one in room.pay.refunds.all()] == [first]
    assert {row.out_refund_no: row.state for row in room.counter.rows(REFUND)} == {first: "refunded", second: "dropped"}
    assert room.counter.order(no).state == "refunded"


def test_an_abnormal_refund_is_booked_when_the_merchant_console_has_brought_it_to_its_end(room: Room) -> None:
    room.pay.refunds.outcome = "ABNORMAL"
    no = paid_for(room, "wang")
    ask(room, no)
    room.work()
    assert [row.state for row in room.counter.rows(DISCREPANCY)] == ["open"]
    there = room.pay.refunds.all()[0]
    there.status, there.done_at = "SUCCESS", room.sandbox.clock.now()
    room.wait(7 * 3600)
    assert room.counter.order(no).state == "refunded"
    assert [row.state for row in room.counter.rows(DISCREPANCY)] == ["closed"]


def test_a_refusal_that_does_not_pass_by_itself_is_listed_and_asked_seldom(room: Room) -> None:
    no = paid_for(room, "wang")
    ask(room, no)
    room.sandbox.clock.move(366 * 86400)  # WeChat Pay gives money back for a year
    room.work()
    [listed] = room.counter.rows(DISCREPANCY)
    assert (listed.kind, listed.key) == ("refund", f"{no}-1-L1")
    assert room.counter.order(no).due_at > room.sandbox.clock.now() + 3600


def test_the_payer_is_told_that_it_goes_back_and_where_it_went(room: Room) -> None:
    room.phone.type("你好")
    no = paid_for(room, "wang")
    ask(room, no)
    room.work()
    told = "\n".join(room.pushed())
    assert "税务部门给您办了退款：wang* 2026 年养老保险 500元。" in told
    assert "500元已经原路退回，退到了微信零钱。" in told
