"""What an operator has given back: line by line, never more than was paid, with who and why; closed ones once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import Engine, insert, update

from dialogs.world import OrderRefund
from storage.database import writing
from storage.orders import refunds
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, PAYMENT, REFUND
from storage.orders.reading import OrderReader
from storage.orders.refund_requests import NotRefundable, Part, Stands, ask_refund, chosen, parts_of
from storage.orders.refunds import APART_SECONDS
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def paid(counter: Counter, *people: str) -> str:
    """A paid order with a line for each."""
    lines = [payable(one) for one in people or ("wang",)]
    no = counter.open("oPayer", *lines)
    counter.place(f"{no}-1")
    counter.settle(f"{no}-1", amount=50000 * len(lines))
    return no


def parts(counter: Counter, no: str) -> Sequence[Part]:
    found = parts_of(counter.engine, no)
    assert found is not None
    return found


def ask(counter: Counter, no: str, *lines: int, booked: bool = False, at: datetime = NOON) -> Sequence[str]:
    wanted = chosen(parts(counter, no), lines, booked=booked)
    return ask_refund(counter.engine, no, wanted, by="oper", why="缴错了", booked=booked, now=seconds(at))


def stuck(counter: Counter, number: str, state: str) -> None:
    with writing(counter.engine) as connection:
        refunds.mark_stuck(connection, number, state, seconds(NOON))


def test_what_is_asked_is_kept_with_who_and_why_and_is_due_at_once(counter: Counter) -> None:
    no = paid(counter)
    assert ask(counter, no) == [f"{no}-1-L1"]
    [refund] = counter.rows(REFUND)
    assert (refund.asked_by, refund.why, refund.amount, refund.state) == ("oper", "缴错了", 50000, "due")
    order = counter.order(no)
    assert (order.state, order.due_at) == ("refunding", seconds(NOON))
    assert [row.status for row in counter.rows(PAYMENT)] == ["refunding"]
    assert counter.notices() == [f"paid:{no}", f"refund_asked:{no}-1-L1"]


def test_a_refunded_payment_frees_its_payable_and_is_told_to_payer_and_agency(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    assert counter.try_to_open("oOther", payable()).paid  # not while it is on its way
    counter.refunded(f"{no}-1", later(days=2), kind="L1")
    assert (counter.order(no).state, counter.order(no).due_at, counter.holds(no)) == ("refunded", None, [None])
    assert [(row.status, row.settles) for row in counter.rows(PAYMENT)] == [("refunded", None)]
    assert [(row.status, row.settle_date.isoformat()) for row in counter.rows(EXPORT)] == [
        ("PAID", "2026-11-23"),
        ("REFUNDED", "2026-11-25"),
    ]
    assert [row.amount for row in counter.rows(LEDGER)] == [50000, -50000]
    assert counter.notices()[-1] == f"refunded:{no}-1:1"
    assert counter.try_to_open("oOther", payable(), at=later(days=2)).order_no


def test_one_line_of_a_family_goes_back_and_the_order_stays_paid(counter: Counter) -> None:
    no = paid(counter, "wang", "li", "zhao")
    ask(counter, no, 2)
    assert counter.order(no).state == "paid"
    counter.refunded(f"{no}-1", kind="L2")
    assert (counter.order(no).state, counter.order(no).due_at) == ("paid", None)
    assert [part.stands for part in parts(counter, no)] == [Stands.PAID, Stands.REFUNDED, Stands.PAID]
    assert [row.status for row in counter.rows(PAYMENT)] == ["paid", "refunded", "paid"]
    ask(counter, no)
    assert counter.order(no).state == "refunding"
    counter.refunded(f"{no}-1", kind="L1")
    assert counter.order(no).state == "refunding"
    counter.refunded(f"{no}-1", kind="L3")
    assert counter.order(no).state == "refunded"
    assert sum(row.amount for row in counter.rows(LEDGER)) == 0


def test_the_same_line_is_given_back_once_however_often_it_is_asked(counter: Counter) -> None:
    no = paid(counter)
    wanted = parts(counter, no)
    asking = partial(ask_refund, counter.engine, no, wanted, by="oper", why="缴错了", booked=False, now=seconds(NOON))

    def told() -> str:
        try:
            return asking()[0]
        except NotRefundable:
            return ""

    assert sorted(at_once(*[told] * 4)) == ["", "", "", f"{no}-1-L1"]
    assert len(counter.rows(REFUND)) == 1
    with pytest.raises(NotRefundable, match="已经在退"):
        ask(counter, no, 1)
    counter.refunded(f"{no}-1", kind="L1")
    counter.refunded(f"{no}-1", kind="L1")
    assert [row.amount for row in counter.rows(LEDGER)] == [50000, -50000]
    with pytest.raises(NotRefundable, match="已经退过"):
        ask(counter, no, 1)


def test_what_the_agency_has_booked_goes_back_only_if_said_expressly(counter: Counter) -> None:
    no = paid(counter)
    with writing(counter.engine) as connection:
        connection.execute(update(PAYMENT).values(status="booked"))
    assert chosen(parts(counter, no), [], booked=False) == []
    with pytest.raises(NotRefundable, match="入库"):
        ask(counter, no, 1)
    with pytest.raises(NotRefundable, match="入库"):
        ask_refund(counter.engine, no, parts(counter, no), by="o", why="w", booked=False, now=seconds(NOON))
    assert ask(counter, no, 1, booked=True) == [f"{no}-1-L1"]


@pytest.mark.parametrize("why", ["", " ", "两\n行", "长" * 201])
def test_without_a_reason_nothing_goes_back(counter: Counter, why: str) -> None:
    no = paid(counter)
    with pytest.raises(NotRefundable, match="--reason"):
        ask_refund(counter.engine, no, parts(counter, no), by="o", why=why, booked=False, now=seconds(NOON))
    assert counter.rows(REFUND) == []


def test_what_changed_since_it_was_shown_does_not_go_back(counter: Counter) -> None:
    no = paid(counter)
    shown = parts(counter, no)
    with writing(counter.engine) as connection:
        connection.execute(update(PAYMENT).values(status="booked"))
    with pytest.raises(NotRefundable, match="变化"):
        ask_refund(counter.engine, no, shown, by="o", why="w", booked=True, now=seconds(NOON))
    assert [row.status for row in counter.rows(PAYMENT)] == ["booked"]


def test_an_order_nobody_paid_has_nothing_to_give_back(counter: Counter) -> None:
    no = counter.open()
    assert parts(counter, no) == []
    with pytest.raises(NotRefundable):
        ask(counter, no, 1)
    assert parts_of(counter.engine, "unknown") is None


def test_a_closed_refund_is_tried_again_with_a_new_number_and_the_old_one_is_kept(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    stuck(counter, f"{no}-1-L1", "CLOSED")
    assert [part.stands for part in parts(counter, no)] == [Stands.CLOSED]
    assert ask(counter, no) == [f"{no}-1-L1-2"]
    old, new = counter.rows(REFUND)
    assert (old.state, old.owes) == ("closed", None)
    assert (new.state, new.replaces, new.amount) == ("due", f"{no}-1-L1", 50000)
    [noted] = counter.rows(DISCREPANCY)
    assert (noted.key, noted.state) == (f"{no}-1-L1", "closed")
    counter.refunded(f"{no}-1", kind="L1-2")
    assert [row.amount for row in counter.rows(LEDGER)] == [50000, -50000]
    assert counter.order(no).state == "refunded"
    assert counter.notices().count(f"refunded:{no}-1:1") == 1


def test_the_third_number_is_another_one_again(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    stuck(counter, f"{no}-1-L1", "CLOSED")
    ask(counter, no)
    stuck(counter, f"{no}-1-L1-2", "CLOSED")
    assert ask(counter, no) == [f"{no}-1-L1-3"]


def test_money_that_settled_nothing_may_be_tried_again_too(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.paid_elsewhere(payable())
    counter.settle(f"{no}-1")
    stuck(counter, f"{no}-1-R", "CLOSED")
    assert ask(counter, no, 0) == [f"{no}-1-R-2"]
    counter.refunded(f"{no}-1", kind="R-2")
    assert (counter.order(no).state, counter.attempt(f"{no}-1").state) == ("refunded", "refunded")
    assert sum(row.amount for row in counter.rows(LEDGER)) == 0


def test_what_is_abnormal_is_for_the_merchant_console(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    stuck(counter, f"{no}-1-L1", "ABNORMAL")
    with pytest.raises(NotRefundable, match="商户平台"):
        ask(counter, no, 1)
    counter.refunded(f"{no}-1", kind="L1")
    assert [row.state for row in counter.rows(DISCREPANCY)] == ["closed"]


def test_a_paid_line_and_a_closed_refund_are_not_given_back_in_one_breath(counter: Counter) -> None:
    no = paid(counter, "wang", "li")
    ask(counter, no, 1)
    stuck(counter, f"{no}-1-L1", "CLOSED")
    with pytest.raises(NotRefundable, match="--line"):
        ask(counter, no)
    assert ask(counter, no, 1) == [f"{no}-1-L1-2"]


def test_a_closed_refund_that_paid_after_all_is_booked_and_left_to_a_person(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    stuck(counter, f"{no}-1-L1", "CLOSED")
    ask(counter, no)
    counter.refunded(f"{no}-1", kind="L1")
    assert [row.reason for row in counter.rows(LEDGER)] == [f"T-{no}-1", f"{no}-1-L1"]
    assert counter.rows(DISCREPANCY, state="open")[0].reason == f"refund:refunded_after_closed:{no}-1-L1"


def test_the_old_number_is_used_on_where_it_is_alive_after_all(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    stuck(counter, f"{no}-1-L1", "CLOSED")
    ask(counter, no)
    with writing(counter.engine) as connection:
        refunds.drop(connection, f"{no}-1-L1-2")
    old, new = counter.rows(REFUND)
    assert (new.state, new.owes) == ("dropped", None)
    assert (old.state, old.owes) == ("refunding", f"{no}-1:L1")
    with writing(counter.engine) as connection:
        assert refunds.mark_called(connection, f"{no}-1-L1-2", seconds(NOON))
    counter.refunded(f"{no}-1", kind="L1")
    assert counter.order(no).state == "refunded"


def test_refunds_of_one_transaction_are_called_a_minute_apart(counter: Counter) -> None:
    no = paid(counter, "wang", "li")
    first, second = ask(counter, no)
    with writing(counter.engine) as connection:
        assert refunds.mark_called(connection, first, seconds(NOON)) == 0
        assert refunds.mark_called(connection, second, seconds(NOON) + 5) == APART_SECONDS - 5
        assert refunds.mark_called(connection, first, seconds(NOON) + 5) == 0  # a repeat of the same number
        assert refunds.mark_called(connection, second, seconds(NOON) + 5 + APART_SECONDS) == 0


def test_a_payment_through_the_second_attempt_goes_back_by_that_attempt(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    counter.place(f"{no}-2")
    counter.settle(f"{no}-2")
    assert ask(counter, no) == [f"{no}-2-L1"]


def test_what_is_refunded_is_told_with_where_the_money_went(counter: Counter) -> None:
    no = paid(counter)
    ask(counter, no)
    with writing(counter.engine) as connection:
        refunds.mark_refunded(connection, f"{no}-1-L1", seconds(NOON), ZONE, seconds(NOON), "支付用户零钱")
    assert counter.rows(REFUND)[0].account == "支付用户零钱"


def test_what_a_bank_took_as_well_settles_the_payable_once_ours_is_back(counter: Counter) -> None:
    no = paid(counter)
    row = counter.rows(PAYMENT)[0]._asdict()
    bank = {name: row[name] for name in row if name != "id"}
    bank |= {"settles": None, "channel": "bank", "receipt_no": "R1", "status": "booked", "order_no": None}
    with writing(counter.engine) as connection:
        connection.execute(insert(PAYMENT).values(bank | {"line_no": None}))
    ask(counter, no)
    counter.refunded(f"{no}-1", kind="L1")
    assert [(one.channel, one.settles) for one in counter.rows(PAYMENT)] == [
        ("wechat", None),
        ("bank", payable().key),
    ]
    assert counter.try_to_open("oOther", payable()).paid


def test_the_payer_sees_which_line_goes_back_and_where_it_went(counter: Counter) -> None:
    no = paid(counter, "wang", "li")
    reader = OrderReader(counter.engine, ZONE, lambda number: number)
    ask(counter, no, 2)
    [order] = reader.orders("oPayer")
    assert (order.state.value, [line.going_back for line in order.lines]) == ("paid", [False, True])
    assert order.refunds == (OrderRefund(50000, None, ""),)
    with writing(counter.engine) as connection:
        at = seconds(later(days=1))
        refunds.mark_refunded(connection, f"{no}-1-L2", at, ZONE, at, "支付用户零钱")
    seen = reader.order("oPayer", no)
    assert seen is not None
    assert [(line.going_back, line.given_back) for line in seen.lines] == [(False, False), (False, True)]
    assert seen.refunds == (OrderRefund(50000, later(days=1), "支付用户零钱"),)
    assert reader.order("oOther", no) is None
