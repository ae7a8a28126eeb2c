"""The till against WeChat Pay as it misbehaves: placed once, paid once, closed for certain, given back once."""

from __future__ import annotations

from typing import Any

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import update

from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from bot.sandbox.pay_sign import PayRefused
from dialogs.terms.insurance import Insurance
from dialogs.world import Cancelling, OrderState
from storage.database import writing
from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER, NOTICE, ORDER, PAYMENT
from tests.bot.room import PAYER, Room, room  # noqa: F401 - a fixture
from tests.storage.counter import payable
from tests.storage.databases import migrated_file  # noqa: F401 - a fixture

FAULTS = [
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.STATUS_500,
    Fault.STATUS_429,
    Fault.WRONG_SIGNATURE,
    Fault.GARBLED,
]
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())


def placed(room: Room, no: str) -> str:
    """Have it placed; the number of its attempt."""
    room.work()
    number = str(room.counter.running(no).out_trade_no)
    assert room.counter.attempt(number).state == "placed"
    return number


def assert_paid_once(room: Room, no: str) -> None:
    """One payment, one ledger entry, one notice; nothing runs, nothing is due."""
    assert room.counter.order(no).state == "paid"
    assert len(room.counter.rows(PAYMENT)) == 1
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000]
    assert room.counter.notices().count(f"paid:{no}") == 1
    assert (room.counter.rows(ATTEMPT, runs=no), room.counter.order(no).due_at) == ([], None)


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
    room.fault("pay.jsapi", fault, times=2)
    status, text = room.page(no)
    assert status == 503
    assert "没有回应" in text or "请" in text
    room.sandbox.clock.move(10)
    assert room.sheet(no).amount == 50000


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


def test_who_says_that_it_is_paid_is_believed_after_asking(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    order = room.cashier.check(PAYER, no)
    assert order is not None
    assert order.state is OrderState.OPEN
    room.sheet(no).pay()
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


@each_fault
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


# -- giving back


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


# -- the family's way


def picture(room: Room) -> Image.Image:
    """The last picture pushed to the payer."""
    import io

    [*_, bubble] = [one for one in room.phone.inbox if one.kind == "image"]
    return Image.open(io.BytesIO(room.sandbox.wechat.media.picture(bubble.media_id).content))


def test_the_familys_card_shows_the_code_that_can_be_paid(room: Room) -> None:
    no = room.counter.open(PAYER)
    first = placed(room, no)
    room.phone.type("你好")
    order = room.cashier.ask_card(PAYER, no)
    assert order is not None
    assert order.family
    room.work()
    [found] = zxingcpp.read_barcodes(picture(room))
    assert found.text == room.code(f"{no}-2")
    sheet = room.pay.scan(found.text, "oFamily")
    assert sheet.out_trade_no == f"{no}-2"
    sheet.pay()
    room.work()
    assert_paid_once(room, no)
    assert room.at_wechat() == {first: "CLOSED", f"{no}-2": "SUCCESS"}


@each_fault
def test_a_code_whose_answer_was_lost_is_made_anew_and_the_card_shows_the_new_one(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.phone.type("你好")
    room.cashier.ask_card(PAYER, no)
    room.fault("pay.native", fault)
    room.work()
    room.wait(15)
    [found] = zxingcpp.read_barcodes(picture(room))
    room.pay.scan(found.text, "oFamily").pay()
    room.work()
    assert_paid_once(room, no)


def test_a_look_while_another_places_the_code_does_not_void_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.cashier.ask_card(PAYER, no)
    gateway = type(room.app.till.gateway)
    place = gateway.place_native

    def meanwhile(self: Any, *words: Any) -> str:
        code = place(self, *words)
        monkeypatch.setattr(gateway, "place_native", place)
        room.cashier.check(PAYER, no)  # the citizen says "付了" while the worker waits for its answer
        return code

    monkeypatch.setattr(gateway, "place_native", meanwhile)
    number = placed(room, no)
    assert room.pay.scan(room.code(number), "oFamily").amount == 50000


def test_asked_for_again_the_card_is_sent_again(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.phone.type("你好")
    for _ in range(2):
        room.cashier.ask_card(PAYER, no)
        room.work()
        room.wait(2)
    assert [bubble.kind for bubble in room.phone.inbox if bubble.pushed] == ["image", "image"]
    assert len(room.counter.rows(NOTICE)) == 2


def test_back_to_the_own_phone_ends_the_card(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.cashier.ask_card(PAYER, no)
    code = room.code(placed(room, no))
    room.cashier.ask_link(PAYER, no)
    room.work()
    with pytest.raises(CashierRefused):
        room.pay.scan(code, "oFamily")
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


# -- the pay link


def test_outside_wechat_the_link_says_what_to_do_and_places_nothing(room: Room) -> None:
    no = room.counter.open(PAYER)
    status, text = room.page(no, "Mozilla/5.0 Chrome/126.0")
    assert (status, "微信" in text, "sheet" in text) == (200, True, False)
    assert room.at_wechat() == {}


def test_the_link_of_an_order_that_is_over_says_so(room: Room) -> None:
    paid, closed, expired = (room.counter.open(PAYER, payable(one)) for one in ("wang", "li", "zhao"))
    room.sheet(paid).pay()
    room.work()
    room.cashier.cancel(PAYER, closed)
    texts = {no: room.page(no)[1] for no in (paid, closed)}
    room.sandbox.clock.move(30 * 60)
    texts[expired] = room.page(expired)[1]
    assert all("sheet" not in text for text in texts.values())
    assert texts[closed] == texts[expired] != texts[paid]


def test_the_link_of_an_order_that_goes_by_card_says_so(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.cashier.ask_card(PAYER, no)
    status, text = room.page(no)
    assert (status, "sheet" in text) == (200, False)


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), lambda _: "x", str.lower]
)
def test_a_link_that_was_altered_is_unknown(room: Room, change: Any) -> None:
    no = room.counter.open(PAYER)
    token = room.links.url(no).rpartition("/")[2]
    assert room.links.open(token, "MicroMessenger")[0] == 200
    status, _, body = room.links.open(change(token), "MicroMessenger")
    assert status == 404
    assert "sheet" not in body.decode()


def test_a_link_made_for_no_order_is_unknown(room: Room) -> None:
    assert room.page("261123ABCDEFGH")[0] == 404


def test_nothing_about_the_insured_is_in_the_page_or_what_wechat_pay_is_told(room: Room) -> None:
    no = room.counter.open(PAYER, payable("wang", insurance=Insurance.MEDICAL))
    room.sheet(no)
    [there] = room.pay.orders.all()
    said = room.page(no)[1] + repr(there.terms)
    for word in ("wang", "no-wang", "东湖区", PAYER):
        assert word not in room.page(no)[1]
    assert "wang" not in said


def test_only_the_payer_can_pay_by_the_link(room: Room) -> None:
    no = room.counter.open(PAYER)
    with pytest.raises(CashierRefused):
        room.sheet(no, openid="oThief")
