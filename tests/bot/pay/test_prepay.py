"""A prepay_id: given once, signed anew at each opening, and followed by a new attempt where its cashier failed.

Whether an old prepay_id still opens the cashier after a newer one was given is documented nowhere: both are played.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from bot.sandbox.phone import USER_AGENT
from dialogs.texts import say
from storage.database import writing
from storage.orders import attempts
from storage.orders.columns import LEDGER, ORDER, PAYMENT
from storage.orders.events import PAY_EVENT
from storage.orders.opening import Opener
from tests.bot.room import PAYER, Room, assert_paid_once, placed
from tests.storage.counter import ZONE, at_once, later, payable

both = pytest.mark.parametrize("lives", [False, True], ids=["old dies", "old lives"])


def sheet_of(room: Room, no: str) -> dict[str, str]:
    """The six parameters in the page of an order's link."""
    found = re.search(r'id="sheet">(.*?)</script>', room.page(no)[1])
    assert found
    parameters: dict[str, str] = json.loads(found.group(1))
    return parameters


def report(room: Room, no: str, failed: str) -> int:
    """What the page does by itself once WeChat's cashier answers "fail"."""
    status, _, body = room.links.open(room.links.url(no).rpartition("/")[2], USER_AGENT, failed)
    assert body == b""
    return status


def asked(room: Room, no: str) -> int:
    """How often WeChat Pay said what became of the order."""
    return sum(row.what == "asked" for row in room.counter.rows(PAY_EVENT, order_no=no))


@both
def test_who_opens_the_link_while_the_worker_places_waits_for_that_one_prepay_id(room: Room, lives: bool) -> None:
    room.pay.orders.old_prepay_lives = lives
    no = room.counter.open(PAYER)
    room.sandbox.faults.put("pay.jsapi", Fault.LATENCY, times=1, seconds=0.5)
    *_, (status, _) = at_once(room.app.run_due, lambda: room.page(no), lambda: room.page(no))
    assert status == 200
    [there] = room.pay.orders.all()
    assert sheet_of(room, no)["package"] == f"prepay_id={there.handle}"
    assert room.counter.running(no).prepay_id == there.handle
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_who_waits_longer_than_two_seconds_reads_one_plain_sentence_and_nothing_is_placed(room: Room) -> None:
    no = room.counter.open(PAYER)
    with writing(room.app.engine) as connection:  # another process has just called
        attempts.mark_called(connection, f"{no}-1", int(room.sandbox.clock.now()))
    waited: list[float] = []
    links = replace(room.links, sleep=waited.append)
    status, _, body = links.open(links.url(no).rpartition("/")[2], USER_AGENT)
    assert (status, say("pay.busy") in body.decode()) == (503, True)
    assert sum(waited) == pytest.approx(2.0)
    assert room.at_wechat() == {}


@both
def test_every_opening_keeps_the_prepay_id_and_signs_anew(room: Room, lives: bool) -> None:
    room.pay.orders.old_prepay_lives = lives
    no = room.counter.open(PAYER)
    first = sheet_of(room, no)
    room.wait(60)
    second = sheet_of(room, no)
    assert first["package"] == second["package"]
    assert all(first[name] != second[name] for name in ("timeStamp", "nonceStr", "paySign"))
    assert room.at_wechat() == {f"{no}-1": "NOTPAY"}


def test_a_tap_after_the_cashier_failed_begins_a_new_attempt_with_the_old_one_closed_first(room: Room) -> None:
    no = room.counter.open(PAYER)
    before, first = sheet_of(room, no)["package"], room.sheet(no)
    assert 'data-attempt="1"' in room.page(no)[1]
    assert report(room, no, "1") == 204
    assert sheet_of(room, no)["package"] != before
    assert 'data-attempt="2"' in room.page(no)[1]
    assert room.at_wechat() == {f"{no}-1": "CLOSED", f"{no}-2": "NOTPAY"}
    with pytest.raises(CashierRefused):
        first.pay()
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


@pytest.mark.parametrize("failed", ["2", "0", "x", "-1", "１", "9" * 40, "1;"])
def test_a_report_of_another_attempt_changes_nothing(room: Room, failed: str) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    assert report(room, no, failed) == 204
    room.work()
    assert room.at_wechat() == {f"{no}-1": "NOTPAY"}


def test_a_report_said_twice_begins_one_new_attempt(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    for _ in range(3):
        report(room, no, "1")
        room.work()
    assert room.at_wechat() == {f"{no}-1": "CLOSED", f"{no}-2": "NOTPAY"}


def test_at_most_ten_new_attempts_in_ten_minutes(room: Room) -> None:
    no = room.counter.open(PAYER)
    for number in range(1, 15):
        placed(room, no)
        report(room, no, str(number))
        room.work()
    assert len(room.at_wechat()) == 1 + attempts.MOST_RENEWALS
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_what_was_paid_although_the_page_said_that_it_failed_is_paid(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.fault("callback.payment", Fault.LOST, times=None)
    room.sheet(no).pay()
    report(room, no, "1")
    status, text = room.page(no)
    assert (status, "sheet" in text) == (200, False) or status == 503
    room.work()
    assert_paid_once(room, no)
    assert room.page(no)[1].count(say("pay.paid")) == 1


def test_two_hours_later_the_link_begins_a_new_attempt_by_itself(room: Room) -> None:
    """A prepay_id lives two hours, whatever time_expire says."""
    opener = Opener(room.app.engine, ZONE, "jsapi", 240)
    no = opener.open(PAYER, "pay.pension", [payable()], {"wang": "wang*"}, later()).order_no
    first = sheet_of(room, no)["package"]
    room.sandbox.clock.move(timedelta(minutes=118).total_seconds())
    assert sheet_of(room, no)["package"] == first
    room.sandbox.clock.move(60)
    assert sheet_of(room, no)["package"] != first
    assert room.at_wechat() == {f"{no}-1": "CLOSED", f"{no}-2": "NOTPAY"}
    room.sandbox.clock.move(60)
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_an_identical_repeat_that_is_refused_goes_on_with_another_number(room: Room) -> None:
    """The answer of the first call is lost, and WeChat Pay does not take the same number again."""
    no = room.counter.open(PAYER)
    room.fault("pay.jsapi", Fault.DROP_AFTER)
    room.work()
    room.pay.orders.repeats_are_refused = True
    room.wait(10)
    assert room.at_wechat() == {f"{no}-1": "CLOSED", f"{no}-2": "NOTPAY"}
    room.sheet(no).pay()
    room.work()
    assert_paid_once(room, no)


def test_a_fresh_card_is_made_ten_times_in_ten_minutes_and_then_again_later(room: Room) -> None:
    no = room.counter.open(PAYER)
    room.cashier.ask_card(PAYER, no)
    made = []
    for _ in range(13):
        placed(room, no)
        made.append(room.cashier.ask_card(PAYER, no) is not None)
    assert made == [True] * 10 + [False] * 3
    assert room.counter.running(no).state == "placed"  # the last one is good
    assert room.cashier.ask_new_link("oStranger", no) is None
    room.sandbox.clock.move(attempts.RENEWAL_SECONDS)
    assert room.cashier.ask_card(PAYER, no) is not None


# -- time_expire is no wall: only closing is


def test_money_that_comes_thirty_seconds_after_the_expiry_and_before_the_closing_settles_the_order(room: Room) -> None:
    room.pay.orders.late_seconds = 60
    no = room.counter.open(PAYER)
    sheet = room.sheet(no)
    room.sandbox.clock.move(30 * 60 + 30)  # nobody has closed it yet
    sheet.pay()
    room.work()
    assert_paid_once(room, no)


def test_money_that_comes_late_for_what_was_paid_elsewhere_meanwhile_goes_back_in_full(room: Room) -> None:
    room.pay.orders.late_seconds = 60
    no = room.counter.open(PAYER)
    sheet = room.sheet(no)
    room.sandbox.clock.move(30 * 60 + 30)
    room.counter.paid_elsewhere(payable())
    sheet.pay()
    room.work_for(120)
    assert [row.order_no for row in room.counter.rows(PAYMENT)] == [None]
    assert sum(row.amount for row in room.counter.rows(LEDGER)) == 0
    assert room.books() == (50000, 50000)


def test_after_the_closing_no_money_can_come(room: Room) -> None:
    room.pay.orders.late_seconds = 600
    no = room.counter.open(PAYER)
    sheet = room.sheet(no)
    room.wait(30 * 60)
    room.sandbox.clock.move(30)
    with pytest.raises(CashierRefused, match="关闭"):
        sheet.pay()


# -- the payer's word


def test_the_payers_word_has_wechat_pay_asked_once_in_ten_seconds(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    room.wait(60)
    with writing(room.app.engine) as connection:  # nobody else asks meanwhile
        connection.execute(update(ORDER).values(due_at=int(room.sandbox.clock.now()) + 600))
    before = asked(room, no)
    for _ in range(20):
        room.cashier.check(PAYER, no)
    assert asked(room, no) == before + 1
    assert room.counter.order(no).due_at <= room.sandbox.clock.now() + attempts.CHECK_SECONDS
    room.sandbox.clock.move(attempts.CHECK_SECONDS)
    room.cashier.check(PAYER, no)
    assert asked(room, no) == before + 2
