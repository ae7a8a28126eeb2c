"""A refund that did not begin here is booked once, whatever number it bears and whoever tells of it first."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.sandbox.bills import Cells
from bot.sandbox.pay_refunds import Refund
from storage.agency.three_ways import in_three
from storage.certificates import CertificateBook
from storage.database import writing
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, LINE, NOTICE, PAYMENT, REFUND
from storage.orders.foreign_refunds import Booked
from storage.orders.refund_requests import ask_refund, chosen, parts_of
from tests.bot.billed import DAY, next_morning, open_kinds, paid, reconciled
from tests.bot.room import PAYER, Room, placed
from tests.storage.counter import ZONE, at_once, payable

TOLD_BY = ("callback", "bill", "operator")


def given_back(room: Room, no: str, amount: int = 50000, *, told: bool = True, attempt: int = 1) -> Refund:
    """Staff give money back in the merchant console; `told`: a v3 callback is on its way."""
    number = f"{no}-{attempt}"
    url = room.pay.orders.find(out_trade_no=number).terms.notify_url if told else None
    refund = room.pay.refunds.from_console(number, amount, url)
    room.pay.refunds.settle_due()
    return refund


def tell(room: Room, refund: Refund, by: str) -> None:
    """The bot learns of a refund in this way."""
    if by == "callback":
        room.work()
    elif by == "bill":
        next_morning(room)
        reconciled(room)
    else:
        state = room.app.till.gateway.query_refund(refund.terms.out_refund_no)
        assert state is not None
        room.app.till.book_refund(state, by="李四", why="商户平台退的")


def without_our_numbers(instead: str) -> Callable[[list[Cells]], list[Cells]]:
    """The bill has no number of the merchant's for its refunds."""

    def alter(rows: list[Cells]) -> list[Cells]:
        return [row | {"商户退款单号": instead} if row["交易状态"] == "REFUND" else row for row in rows]

    return alter


def family(room: Room, *amounts: int) -> str:
    """One order over several people, paid."""
    people = ("wang", "zhao", "sun", "li")
    lines = [payable(one, amount) for one, amount in zip(people, amounts, strict=False)]
    no = room.counter.open(PAYER, *lines)
    placed(room, no)
    room.sheet(no).pay()
    room.work()
    return no


def statuses(room: Room, no: str) -> list[str]:
    return [row.status for row in room.counter.rows(PAYMENT, order_no=no)]


def said(room: Room) -> str:
    return "\n".join(row.body for row in room.counter.rows(NOTICE))


def certifiable(room: Room) -> list[int]:
    book = CertificateBook(room.app.engine, room.app.seal, ZONE, "税务局")
    return [one.amount for one in book.choosable(PAYER)]


def ways(room: Room) -> bool:
    """Whether ledger and agencies' rows tie on the day."""
    [day] = in_three(room.app.engine, DAY, DAY, ZONE)
    return day.ties


@pytest.mark.parametrize("order", list(itertools.permutations(TOLD_BY)), ids="-".join)
def test_a_whole_refund_of_the_console_is_booked_once(room: Room, order: tuple[str, ...]) -> None:
    no = paid(room)
    refund = given_back(room, no, told=order[0] == "callback")
    for by in (*order, *order):
        tell(room, refund, by)
    number = refund.terms.out_refund_no
    assert [(row.reason, row.amount) for row in room.counter.rows(LEDGER, kind="refund")] == [(number, -50000)]
    assert (room.counter.order(no).state, room.counter.order(no).due_at) == ("refunded", None)
    assert statuses(room, no) == ["refunded"]
    assert [row.status for row in room.counter.rows(EXPORT)] == ["PAID", "REFUNDED"]
    assert room.counter.notices().count(f"refunded:{number}") == 1
    assert "重新缴" in said(room)
    assert (certifiable(room), open_kinds(room), ways(room)) == ([], [], True)


def test_what_was_given_back_in_the_console_can_be_paid_again(room: Room) -> None:
    first = paid(room)
    given_back(room, first)
    room.work()
    assert room.counter.holds(first) == [None]
    second = paid(room)
    assert (room.counter.order(second).state, statuses(room, second)) == ("paid", ["paid"])


def test_the_bill_alone_finds_it(room: Room) -> None:
    no = paid(room)
    refund = given_back(room, no, told=False)
    next_morning(room)
    report = reconciled(room)
    assert statuses(room, no) == ["refunded"]
    assert (report.open, report.ties) == (0, True)
    assert room.counter.notices().count(f"refunded:{refund.terms.out_refund_no}") == 1


def test_a_bill_with_nothing_but_wechat_pays_number_finds_it_and_the_callback_changes_nothing(room: Room) -> None:
    no = paid(room)
    refund = given_back(room, no, told=False)
    room.pay.bills.alter = lambda rows: [
        row | {"商户退款单号": ""} if row["交易状态"] == "REFUND" else row for row in rows
    ]
    next_morning(room)
    assert reconciled(room).open == 0
    assert [row.reason for row in room.counter.rows(LEDGER, kind="refund")] == [refund.refund_id]
    tell(room, refund, "operator")
    assert len(room.counter.rows(LEDGER, kind="refund")) == 1


def test_a_bill_with_nothing_but_wechat_pays_number_matches_what_the_callback_booked(room: Room) -> None:
    no = paid(room)
    given_back(room, no)
    room.work()
    room.pay.bills.alter = lambda rows: [
        row | {"商户退款单号": "0"} if row["交易状态"] == "REFUND" else row for row in rows
    ]
    next_morning(room)
    assert reconciled(room).open == 0
    assert len(room.counter.rows(LEDGER, kind="refund")) == 1


def test_a_refund_before_the_payment_was_ever_told_settles_and_refunds(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.sheet(no).pay()
    room.pay.callbacks.all()[0].due_at += 86400
    given_back(room, no)
    room.pay.deliver_due()
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert (statuses(room, no), room.counter.order(no).state) == (["refunded"], "refunded")
    assert open_kinds(room) == []


def test_a_query_that_says_refunded_stops_certificates_until_the_refund_is_known(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.sheet(no).pay()
    room.pay.callbacks.all()[0].due_at += 10 * 86400
    refund = given_back(room, no, told=False)
    room.wait(10)
    assert (statuses(room, no), open_kinds(room), certifiable(room)) == (["paid"], ["refund"], [])
    tell(room, refund, "bill")
    assert (statuses(room, no), open_kinds(room)) == (["refunded"], [])


def test_a_part_is_for_a_person_and_parts_that_come_to_the_whole_are_the_whole(room: Room) -> None:
    no = paid(room)
    given_back(room, no, 20000)
    room.work()
    assert (statuses(room, no), open_kinds(room), certifiable(room)) == (["paid"], ["refund"], [])
    assert room.counter.holds(no) != [None]
    assert "核对" in said(room)
    given_back(room, no, 30000)
    room.work()
    assert [row.amount for row in room.counter.rows(LEDGER, kind="refund")] == [-20000, -30000]
    assert (statuses(room, no), open_kinds(room), room.counter.order(no).state) == (["refunded"], [], "refunded")
    assert [row.status for row in room.counter.rows(EXPORT)] == ["PAID", "REFUNDED"]
    assert ways(room)


def test_a_family_whole_refund_frees_every_line(room: Room) -> None:
    no = family(room, 50000, 30000, 30000)
    given_back(room, no, 110000)
    room.work()
    assert (statuses(room, no), room.counter.order(no).state) == (["refunded"] * 3, "refunded")
    assert [row.status for row in room.counter.rows(EXPORT)].count("REFUNDED") == 3
    assert (room.counter.holds(no), ways(room), open_kinds(room)) == ([None] * 3, True, [])


def test_a_family_part_that_can_be_one_line_only_is_that_line(room: Room) -> None:
    no = family(room, 50000, 30000, 30000)
    given_back(room, no, 50000)
    room.work()
    assert statuses(room, no) == ["refunded", "paid", "paid"]
    assert (room.counter.order(no).state, open_kinds(room)) == ("paid", [])


def test_a_family_part_that_may_be_either_of_two_waits_for_the_operator_to_say_which(room: Room) -> None:
    no = family(room, 50000, 30000, 30000)
    refund = given_back(room, no, 30000)
    room.work()
    assert (statuses(room, no), open_kinds(room)) == (["paid"] * 3, ["refund"])
    state = room.app.till.gateway.query_refund(refund.terms.out_refund_no)
    assert state is not None
    assert room.app.till.book_refund(state, by="李四", why="电话问过", lines=[3]) is Booked.DONE
    assert (statuses(room, no), open_kinds(room)) == (["paid", "paid", "refunded"], [])
    assert room.app.till.book_refund(state, by="李四", why="电话问过", lines=[2]) is Booked.AGAIN
    assert len(room.counter.rows(LEDGER, kind="refund")) == 1


def ask_back(room: Room, no: str) -> None:
    parts = parts_of(room.app.engine, no) or ()
    now = int(room.sandbox.clock.now())
    ask_refund(room.app.engine, no, chosen(parts, [], booked=False), by="李四", why="缴错了", booked=False, now=now)


@pytest.mark.parametrize("by", TOLD_BY)
def test_our_own_refund_ends_where_the_console_was_first(room: Room, by: str) -> None:
    """WeChat Pay refuses ours with NOT_ENOUGH or worse; as soon as the other is known, ours is over."""
    no = paid(room)
    refund = given_back(room, no, told=False)
    ask_back(room, no)
    room.work()
    assert open_kinds(room) == ["refund"]
    asked = len(room.pay.refunds.all())
    if by == "callback":
        given = room.app.till.gateway.query_refund(refund.terms.out_refund_no)
        assert given is not None
        assert room.app.till.refund_in_bill(given)
    else:
        tell(room, refund, by)
    [ours] = room.counter.rows(REFUND, payment_id=room.counter.rows(PAYMENT)[0].id)
    assert (ours.state, ours.given_back_by) == ("refunded", refund.terms.out_refund_no)
    assert (room.counter.order(no).state, room.counter.order(no).due_at, open_kinds(room)) == ("refunded", None, [])
    room.wait(86400)
    assert len(room.pay.refunds.all()) == asked
    assert len(room.counter.rows(LEDGER, kind="refund")) == 1


def test_not_enough_after_a_whole_refund_is_no_passing_trouble(room: Room) -> None:
    no = paid(room)
    given_back(room, no, told=False)
    room.pay.refunds.refused_above_total = "NOT_ENOUGH"
    ask_back(room, no)
    room.work()
    assert open_kinds(room) == ["refund"]
    due = room.counter.order(no).due_at
    assert due is not None
    assert due - room.sandbox.clock.now() > 3600


def test_our_closed_refund_given_back_in_the_console_is_that_refund(room: Room) -> None:
    no = family(room, 50000, 50000)
    room.pay.refunds.outcome = "CLOSED"
    parts = parts_of(room.app.engine, no) or ()
    now = int(room.sandbox.clock.now())
    ask_refund(room.app.engine, no, chosen(parts, [2], booked=False), by="李四", why="缴错了", booked=False, now=now)
    room.work()
    room.wait(60)
    assert open_kinds(room) == ["refund"]
    room.pay.refunds.outcome = "SUCCESS"
    given_back(room, no)
    room.work()
    assert (statuses(room, no), open_kinds(room)) == (["paid", "refunded"], [])


def test_two_at_once_book_it_once(room: Room) -> None:
    no = paid(room)
    refund = given_back(room, no, told=False)
    state = room.app.till.gateway.query_refund(refund.terms.out_refund_no)
    assert state is not None
    outcomes = at_once(*[lambda: room.app.till.book_refund(state)] * 4)
    assert sorted(outcome.value for outcome in outcomes) == ["again", "again", "again", "done"]
    assert len(room.counter.rows(LEDGER, kind="refund")) == 1


def test_a_refund_of_another_system_is_never_touched(room: Room) -> None:
    no = paid(room)
    state = given_back(room, no, told=False)
    told = room.app.till.gateway.query_refund(state.terms.out_refund_no)
    assert told is not None
    elsewhere = replace(told, out_trade_no="SHOP-7781", transaction_id="4200009999")
    assert room.app.till.book_refund(elsewhere) is Booked.NOT_OURS
    other_payment = replace(told, transaction_id="4200009999")
    assert room.app.till.book_refund(other_payment) is Booked.DISCREPANCY
    too_much = replace(told, amount=50001)
    assert room.app.till.book_refund(too_much) is Booked.DISCREPANCY
    assert room.counter.rows(LEDGER, kind="refund") == []
    assert statuses(room, no) == ["paid"]


@pytest.mark.parametrize("outcome", ["ABNORMAL", "CLOSED"])
def test_one_that_is_not_through_books_nothing(room: Room, outcome: str) -> None:
    no = paid(room)
    room.pay.refunds.outcome = outcome
    given_back(room, no)
    room.work()
    assert (statuses(room, no), room.counter.rows(LEDGER, kind="refund")) == (["paid"], [])


def test_late_money_given_back_in_the_console_is_over(room: Room) -> None:
    """What settled nothing was owed back by itself; the merchant was short, and staff gave it back by hand."""
    no = room.counter.open(PAYER)
    placed(room, no)
    room.counter.paid_elsewhere(payable())
    room.pay.refunds.merchant_is_short = True
    room.sheet(no).pay()
    room.work()
    room.pay.refunds.merchant_is_short = False
    given_back(room, no)
    room.pay.deliver_due()
    assert room.counter.attempt(f"{no}-1").state == "refunded"
    assert (room.counter.order(no).state, room.counter.order(no).due_at) == ("refunded", None)
    assert (ways(room), open_kinds(room)) == (True, [])
    room.wait(600)
    assert room.books() == (50000, 50000)


def test_the_payer_is_told_whose_and_how_much(room: Room) -> None:
    no = paid(room)
    with writing(room.app.engine) as connection:
        connection.execute(update(LINE).values(masked_name="王*三"))
    given_back(room, no)
    room.work()
    assert "王*三" in said(room)
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == []
