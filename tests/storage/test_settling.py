"""`settle`: money is booked once, whole, for what it was meant for, or goes back; what does not fit is for a person."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import IntegrityError

from storage.database import writing
from storage.orders.columns import ATTEMPT, DISCREPANCY, EXPORT, LEDGER, LINE, ORDER, PAYMENT, REFUND
from storage.orders.opening import Opened
from storage.orders.settling import Settled
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable, seconds


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter.opened(engine)


def money(counter: Counter) -> dict[str, list[Any]]:
    """Everything that says where money went."""
    tables = {"ledger": LEDGER, "payment": PAYMENT, "export": EXPORT, "order": ORDER, "attempt": ATTEMPT}
    return {name: counter.rows(table) for name, table in tables.items()} | {"news": counter.notices()}


def late_order(counter: Counter) -> str:
    """An order that ended without payment, and whose money comes all the same."""
    no = counter.open()
    counter.place(f"{no}-1")
    counter.close(no, at=later(minutes=30))
    return no


def assert_goes_back(counter: Counter, number: str, amount: int = 50000) -> None:
    attempt = counter.attempt(number)
    assert (attempt.state, attempt.refund_amount) == ("refund_due", amount)
    [refund] = counter.rows(REFUND, out_trade_no=number)
    assert (refund.out_refund_no, refund.amount, refund.state) == (f"{number}-R", amount, "due")
    assert attempt.runs is None
    assert f"refund_due:{number}" in counter.notices()
    assert counter.order(attempt.order_no).due_at is not None


def test_money_becomes_payment_ledger_notice_and_export_line(counter: Counter) -> None:
    no = counter.open("oPayer", payable("wang"), payable("li", 20000))
    counter.place(f"{no}-1")
    assert counter.settle(f"{no}-1", later(minutes=2), amount=70000) is Settled.DONE

    order, attempt = counter.order(no), counter.attempt(f"{no}-1")
    assert (order.state, order.paid_at, order.due_at) == ("paid", seconds(later(minutes=2)), None)
    assert (attempt.state, attempt.transaction_id, attempt.runs) == ("paid", f"T-{no}-1", None)
    assert (attempt.refund_amount, counter.rows(REFUND)) == (0, [])
    payments = counter.rows(PAYMENT)
    assert [(row.settles, row.amount, row.channel, row.status) for row in payments] == [
        (payable("wang").key, 50000, "wechat", "paid"),
        (payable("li").key, 20000, "wechat", "paid"),
    ]
    assert {(row.receipt_no, row.order_no, row.person_no) for row in payments} == {
        (f"T-{no}-1", no, "no-wang"),
        (f"T-{no}-1", no, "no-li"),
    }
    [entry] = counter.rows(LEDGER)
    assert (entry.kind, entry.reason, entry.amount, entry.at) == (
        "payment",
        f"T-{no}-1",
        70000,
        seconds(later(minutes=2)),
    )
    assert [(row.reason, row.status, row.settle_date) for row in counter.rows(EXPORT)] == [
        (f"T-{no}-1:1", "PAID", date(2026, 11, 23)),
        (f"T-{no}-1:2", "PAID", date(2026, 11, 23)),
    ]
    assert counter.notices() == [f"paid:{no}"]


def test_the_settle_date_is_the_day_in_shanghai(counter: Counter) -> None:
    no = counter.open(at=datetime(2026, 11, 23, 23, 50, tzinfo=ZONE))
    counter.settle(f"{no}-1", datetime(2026, 11, 24, 0, 5, tzinfo=ZONE))
    assert counter.rows(EXPORT)[0].settle_date == date(2026, 11, 24)


def test_the_same_facts_again_change_nothing(counter: Counter) -> None:
    no = counter.open()
    counter.settle(f"{no}-1")
    before = money(counter)
    assert [counter.settle(f"{no}-1", later(days=day)) for day in range(3)] == [Settled.AGAIN] * 3
    assert money(counter) == before
    assert counter.rows(DISCREPANCY) == []


def test_callback_query_and_sweep_at_once_book_once(counter: Counter) -> None:
    no = counter.open()
    outcomes = at_once(*[partial(counter.settle, f"{no}-1")] * 6)
    assert sorted(outcomes) == sorted([Settled.DONE, *[Settled.AGAIN] * 5])
    assert len(counter.rows(LEDGER)) == len(counter.rows(PAYMENT)) == len(counter.rows(EXPORT)) == 1


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"amount": 49999}, "amount"),
        ({"amount": 50001}, "amount"),
        ({"amount": 0}, "amount"),
        ({"mch_id": "1900000002"}, "not_ours"),
        ({"app_id": "wxother"}, "not_ours"),
        ({"currency": "HKD"}, "not_ours"),
        ({"currency": ""}, "not_ours"),
        ({"out_trade_no": "261123ABCDEFGH-1"}, "unknown_number"),
    ],
)
def test_what_does_not_fit_is_listed_once_for_a_person_and_nothing_is_booked(
    counter: Counter, said: dict[str, Any], kind: str
) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    before = money(counter)
    assert {counter.settle(f"{no}-1", **said) for _ in range(2)} == {Settled.DISCREPANCY}
    assert money(counter) == before
    [row] = counter.rows(DISCREPANCY)
    assert (row.kind, row.state, row.found_at) == (kind, "open", seconds(NOON))
    assert json.loads(row.facts)["transaction_id"] == f"T-{no}-1"
    assert counter.settle(f"{no}-1") is Settled.DONE


def test_an_unknown_number_is_listed_at_any_length(counter: Counter) -> None:
    assert counter.settle("X" * 500) is Settled.DISCREPANCY
    assert counter.rows(DISCREPANCY)[0].out_trade_no == "X" * 64


def test_a_second_transaction_for_a_paid_number_is_listed_and_not_booked(counter: Counter) -> None:
    no = counter.open()
    counter.settle(f"{no}-1")
    before = money(counter)
    assert counter.settle(f"{no}-1", transaction_id="T-other") is Settled.DISCREPANCY
    assert money(counter) == before
    assert [row.kind for row in counter.rows(DISCREPANCY)] == ["second_transaction"]


def test_the_transaction_of_another_order_is_listed_and_not_booked(counter: Counter) -> None:
    no, other = counter.open(), counter.open("oOther", payable("li"))
    counter.settle(f"{no}-1")
    before = money(counter)
    assert counter.settle(f"{other}-1", transaction_id=f"T-{no}-1") is Settled.DISCREPANCY
    assert money(counter) == before
    assert [row.kind for row in counter.rows(DISCREPANCY)] == ["transaction_of_another"]


def test_money_for_an_order_that_is_closing_pays_it(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_closing(no)
    assert counter.settle(f"{no}-1") is Settled.DONE
    assert (counter.order(no).state, counter.attempt(f"{no}-1").state) == ("paid", "paid")
    counter.mark_closed(f"{no}-1")
    assert (counter.order(no).state, counter.attempt(f"{no}-1").state) == ("paid", "paid")
    assert counter.holds(no) == [payable().key]


def test_late_money_is_accepted_while_its_payable_is_free(counter: Counter) -> None:
    no = late_order(counter)
    assert counter.settle(f"{no}-1", later(minutes=40)) is Settled.DONE
    assert (counter.order(no).state, counter.attempt(f"{no}-1").state) == ("paid", "paid")
    assert counter.notices() == [f"closed:{no}", f"paid:{no}"]
    assert counter.try_to_open("oOther", payable()) == Opened(paid=True)


def test_late_money_goes_back_while_another_order_holds_its_payable(counter: Counter) -> None:
    no = late_order(counter)
    other = counter.open("oOther", payable(), at=later(minutes=35))
    assert counter.settle(f"{no}-1", later(minutes=36)) is Settled.DONE
    assert_goes_back(counter, f"{no}-1")
    assert (counter.order(no).state, counter.order(other).state, counter.rows(PAYMENT)) == ("closed", "open", [])
    assert counter.settle(f"{other}-1", later(minutes=37)) is Settled.DONE
    assert [row.order_no for row in counter.rows(PAYMENT)] == [other]


def test_late_money_goes_back_where_its_payable_was_paid_by_another_order(counter: Counter) -> None:
    no = late_order(counter)
    other = counter.open("oOther", payable(), at=later(minutes=35))
    counter.settle(f"{other}-1", later(minutes=36))
    counter.settle(f"{no}-1", later(minutes=37))
    assert_goes_back(counter, f"{no}-1")
    assert [row.order_no for row in counter.rows(PAYMENT)] == [other]


def test_late_money_goes_back_after_the_last_day(counter: Counter) -> None:
    no = counter.open("oPayer", payable(last_day=date(2026, 11, 23)))
    counter.place(f"{no}-1")
    counter.close(no)
    counter.settle(f"{no}-1", datetime(2026, 11, 24, 0, 0, 1, tzinfo=ZONE))
    assert_goes_back(counter, f"{no}-1")


def test_money_paid_on_the_last_day_and_told_on_the_next_is_accepted(counter: Counter) -> None:
    no = counter.open("oPayer", payable(last_day=date(2026, 11, 23)))
    paid_at = seconds(datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZONE))
    counter.settle(f"{no}-1", datetime(2026, 11, 25, 8, 0, tzinfo=ZONE), paid_at=paid_at)
    assert counter.order(no).state == "paid"


def test_what_a_bank_took_meanwhile_makes_the_whole_order_go_back(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.paid_elsewhere(payable())
    assert counter.settle(f"{no}-1") is Settled.DONE
    assert_goes_back(counter, f"{no}-1")
    assert (counter.order(no).state, counter.holds(no)) == ("refunding", [None])
    assert [row.channel for row in counter.rows(PAYMENT)] == ["bank"]
    assert [row.kind for row in counter.rows(LEDGER)] == ["payment"]


def test_what_a_bank_took_for_one_of_three_goes_back_alone(counter: Counter) -> None:
    lines = payable("wang"), payable("li", 20000), payable("zhao", 30000)
    no = counter.open("oPayer", *lines)
    counter.paid_elsewhere(lines[1])
    assert counter.settle(f"{no}-1", amount=100000) is Settled.DONE
    assert_goes_back(counter, f"{no}-1", 20000)
    assert (counter.order(no).state, counter.holds(no)) == ("paid", [lines[0].key, None, lines[2].key])
    assert [row.amount for row in counter.rows(PAYMENT, channel="wechat")] == [50000, 30000]
    assert [row.reason for row in counter.rows(EXPORT)] == [f"T-{no}-1:1", f"T-{no}-1:3"]
    assert counter.notices() == [f"paid:{no}", f"refund_due:{no}-1"]


def test_money_for_a_closed_attempt_settles_its_order_and_ends_the_newer_one(counter: Counter) -> None:
    """WeChat Pay said "closed" and took the money all the same; nobody may pay the newer attempt after that."""
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    counter.place(f"{no}-2", code_url="weixin://x")
    assert counter.settle(f"{no}-1") is Settled.DONE
    assert (counter.order(no).state, counter.attempt(f"{no}-1").state) == ("paid", "paid")
    assert (counter.attempt(f"{no}-2").state, counter.running(no).out_trade_no) == ("closing", f"{no}-2")
    assert counter.order(no).due_at == seconds(NOON)

    counter.mark_closed(f"{no}-2")
    assert (counter.order(no).state, counter.order(no).due_at, counter.rows(ATTEMPT, runs=no)) == ("paid", None, [])
    assert counter.holds(no) == [payable().key]


def test_two_attempts_both_paid_settle_once_and_one_goes_back(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    counter.place(f"{no}-2")
    outcomes = at_once(partial(counter.settle, f"{no}-1"), partial(counter.settle, f"{no}-2"))
    assert outcomes == [Settled.DONE, Settled.DONE]
    states = {row.state: row.out_trade_no for row in counter.rows(ATTEMPT)}
    assert set(states) == {"paid", "refund_due"}
    assert_goes_back(counter, states["refund_due"])
    assert len(counter.rows(PAYMENT)) == 1
    assert len(counter.rows(LEDGER)) == 2


def test_money_for_an_attempt_that_was_never_placed_here_is_still_the_orders(counter: Counter) -> None:
    no = counter.open()
    assert counter.settle(f"{no}-1") is Settled.DONE
    assert counter.order(no).state == "paid"


def test_money_for_a_refunded_order_goes_back(counter: Counter) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.begin_switch(no, "native")
    counter.mark_closed(f"{no}-1")
    counter.paid_elsewhere(payable())
    counter.settle(f"{no}-2")
    counter.refunded(f"{no}-2")
    assert counter.order(no).state == "refunded"
    counter.settle(f"{no}-1")
    assert_goes_back(counter, f"{no}-1")


def test_the_ledger_takes_a_reason_once(counter: Counter) -> None:
    no = counter.open()
    counter.settle(f"{no}-1")
    entry = {name: value for name, value in counter.rows(LEDGER)[0]._asdict().items() if name != "id"}
    with pytest.raises(IntegrityError), writing(counter.engine) as connection:
        connection.execute(insert(LEDGER).values(entry))
    assert len(counter.rows(LEDGER)) == 1


def test_two_payments_cannot_settle_one_payable(counter: Counter) -> None:
    counter.paid_elsewhere(payable())
    with pytest.raises(IntegrityError):
        counter.paid_elsewhere(payable())


@pytest.mark.parametrize("step", ["_book", "write_notice", "close_running"])
def test_a_crash_inside_settle_leaves_nothing_and_the_next_call_books(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    no = counter.open()
    before = money(counter)

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(f"storage.orders.settling.{step}", dies)
        with pytest.raises(RuntimeError):
            counter.settle(f"{no}-1")
    assert money(counter) == before
    assert counter.settle(f"{no}-1") is Settled.DONE


def test_an_order_opened_at_the_moment_late_money_comes_is_either_refused_or_keeps_its_payable(
    counter: Counter,
) -> None:
    for _ in range(5):
        no = late_order(counter)
        opened, settled = at_once(
            partial(counter.try_to_open, "oOther", payable(), at=later(minutes=31)),
            partial(counter.settle, f"{no}-1", later(minutes=31)),
        )
        assert settled is Settled.DONE
        if opened.order_no:
            assert_goes_back(counter, f"{no}-1")
            counter.close(opened.order_no)
        else:
            assert opened == Opened(paid=True) or opened == Opened(held_by=no)
            assert counter.order(no).state == "paid"
            release(counter, no)


def release(counter: Counter, no: str) -> None:
    """Let the payable of a paid order be ordered again, for the next round."""
    with writing(counter.engine) as connection:
        connection.execute(update(PAYMENT).where(PAYMENT.c.order_no == no).values(settles=None))
        connection.execute(update(LINE).where(LINE.c.order_no == no).values(holds=None))
