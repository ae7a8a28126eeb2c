"""Reconciling a day: the sandbox's own bill ties to the fen; every way in which it may not is found and classed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from bot.reconciling.reconciler import Reconciler
from bot.reconciling.refusal import BillRefused, NoBillYet
from bot.reconciling.routine import reconciling
from bot.sandbox.bills import Cells, trade_bill
from bot.sandbox.faults import Fault
from bot.sandbox.http import Answer
from storage.database import writing
from storage.orders.columns import DISCREPANCY, LEDGER, ORDER, PAYMENT
from storage.reconciliation.bills import stored_bill
from storage.reconciliation.columns import (
    AMOUNT,
    DUPLICATE,
    MATCHED,
    OURS_ONLY,
    STATE,
    THEIRS_ONLY,
)
from storage.reconciliation.discrepancies import close
from tests.bot.billed import (
    DAY,
    TEN,
    a_day,
    dumped,
    next_morning,
    open_kinds,
    paid,
    reconciled,
    rows_of,
    verdicts,
    written,
)
from tests.bot.room import PAYER, Room, each_fault, placed
from tests.storage.counter import NOON, seconds

FOUR_AND_ONE = {("payment", MATCHED): 4, ("refund", MATCHED): 1}


def test_a_day_of_payments_and_refunds_reconciles_to_nothing_open(room: Room) -> None:
    a_day(room)
    next_morning(room)
    report = reconciled(room)
    assert (verdicts(report), report.open, report.ties) == (FOUR_AND_ONE, 0, True)
    assert report.figures.untied() == []
    assert report.figures.summed.ordered == 120001
    assert report.figures.summed.asked == 30000
    assert all(report.figures.ledger_ties(kind) for kind in ("payment", "refund"))
    assert report.flow is not None
    assert report.flow.net("交易", "收入") == 120001


def test_reconciling_a_day_again_changes_no_row_of_any_table(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter = _changed(0, 订单金额="499.99")
    next_morning(room)
    reconciled(room)
    before = dumped(room)
    room.sandbox.clock.move(3600)
    report = reconciled(room)
    assert dumped(room) == before
    assert report.open == 1


# -- each class


def test_a_row_less_is_ours_only(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter = lambda rows: rows[1:]
    room.pay.bills.alter_funds = lambda rows: rows[2:]
    next_morning(room)
    report = reconciled(room)
    assert verdicts(report) == {("payment", MATCHED): 3, ("payment", OURS_ONLY): 1, ("refund", MATCHED): 1}
    assert (open_kinds(room), report.figures.untied(), report.ties) == ([OURS_ONLY], [], False)


def test_a_row_more_is_theirs_only(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter = lambda rows: [*rows, rows[0] | {"微信订单号": "4200000001", "商户订单号": "261123UNKNOWN-1"}]
    next_morning(room)
    report = reconciled(room)
    assert verdicts(report) == FOUR_AND_ONE | {("payment", THEIRS_ONLY): 1}
    assert sorted(open_kinds(room)) == [THEIRS_ONLY, "fund_fees", "fund_payments"]


def test_another_amount_another_state_and_a_row_twice_are_told_apart(room: Room) -> None:
    a_day(room)
    next_morning(room)

    def alter(rows: list[Cells]) -> list[Cells]:
        changed = [rows[0] | {"订单金额": "500.01"}, rows[1] | {"商户号": "1900009999"}, *rows[2:-1]]
        return [*changed, rows[-1] | {"退款状态": "FAIL"}, rows[2]]

    room.pay.bills.alter = alter
    report = reconciled(room)
    assert verdicts(report) == {
        ("payment", AMOUNT): 1,
        ("payment", STATE): 1,
        ("payment", DUPLICATE): 1,
        ("payment", MATCHED): 2,
        ("refund", STATE): 1,
    }
    kinds = [kind for kind in open_kinds(room) if kind.startswith("bill_")]
    assert sorted(kinds) == [AMOUNT, DUPLICATE, STATE, STATE]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"退款状态": "PROCESSING"}, MATCHED),
        ({"申请退款金额": "300.01"}, AMOUNT),
        ({"商户退款单号": "else"}, THEIRS_ONLY),
    ],
)
def test_a_refund_is_known_by_its_number_and_counts_as_done_once_accepted(
    room: Room, changes: dict[str, str], verdict: str
) -> None:
    a_day(room)
    room.pay.bills.alter = _changed(-1, **changes)
    next_morning(room)
    assert verdicts(reconciled(room))["refund", verdict] == 1


def test_a_refund_that_is_under_way_at_midnight_fits_the_bill_of_the_day_it_was_asked_for(room: Room) -> None:
    room.pay.refunds.seconds = 2 * 86400
    a_day(room)
    next_morning(room)
    first = reconciled(room)
    assert (verdicts(first), first.open) == (FOUR_AND_ONE, 0)
    for days in (2, 3):
        next_morning(room, TEN + timedelta(days=days))
        room.work()
    assert [row.kind for row in room.counter.rows(LEDGER)].count("refund") == 1
    later = reconciled(room, DAY + timedelta(days=3))
    assert (later.open, later.figures.entries("refund").elsewhere_rows) == (0, 1)
    assert later.figures.ledger_ties("refund")
    assert reconciled(room).open == 0


def test_money_just_before_midnight_that_stands_in_the_next_day_s_bill_closes_by_itself(room: Room) -> None:
    no = paid(room)
    room.pay.bills.alter = lambda rows: []
    room.pay.bills.alter_funds = lambda rows: []
    next_morning(room)
    assert reconciled(room).open == 1
    transaction = room.counter.rows(LEDGER, order_no=no)[0].reason
    row = _row(transaction, f"{no}-1", "2026-11-24 00:00:01")
    room.pay.bills.alter = lambda rows: [row]
    room.pay.bills.alter_funds = lambda rows: [_flow("交易", "收入", "500.00")]
    next_morning(room, TEN + timedelta(days=1))
    later = reconciled(room, DAY + timedelta(days=1))
    assert (verdicts(later), later.ties) == ({("payment", MATCHED): 1}, True)
    [found] = room.counter.rows(DISCREPANCY)
    assert (found.state, found.closed_by) == ("closed", "对账")


# -- theirs only, put right


def _forgotten(room: Room, no: str) -> None:
    """The database as it was before this payment was heard of."""
    with writing(room.app.engine) as connection:
        connection.execute(update(ORDER).where(ORDER.c.no == no).values(due_at=None))
    room.fault("callback.payment", Fault.DROP_BEFORE, times=None)


def test_a_payment_nobody_heard_of_is_settled_by_the_bill_and_told_to_the_citizen(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    _forgotten(room, no)
    room.sheet(no).pay()
    next_morning(room)
    assert room.counter.rows(LEDGER) == []
    report = reconciled(room)
    assert (verdicts(report), report.ties) == ({("payment", MATCHED): 1}, True)
    assert [row.settles is not None for row in room.counter.rows(PAYMENT)] == [True]
    assert f"paid:{no}" in room.counter.notices()
    assert room.counter.order(no).state == "paid"


def test_money_whose_payable_is_taken_meanwhile_goes_back_after_the_bill_told_of_it(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    _forgotten(room, no)
    room.sheet(no).pay()
    with writing(room.app.engine) as connection:
        connection.execute(update(ORDER).where(ORDER.c.no == no).values(state="paid"))
    next_morning(room)
    assert reconciled(room).open == 0
    room.work()
    room.wait(120)
    assert room.books() == (50000, 50000)
    assert sum(row.amount for row in room.counter.rows(LEDGER)) == 0


@each_fault
def test_what_wechat_pay_does_not_answer_about_is_asked_again_next_time(room: Room, fault: Fault) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    _forgotten(room, no)
    room.sheet(no).pay()
    next_morning(room)
    room.fault("pay.query", fault)
    first = reconciled(room)
    assert (first.unanswered, open_kinds(room), first.ties) == (1, [THEIRS_ONLY], False)
    second = reconciled(room)
    assert (second.ties, open_kinds(room)) == (True, [])
    assert room.counter.rows(DISCREPANCY)[0].closed_by == "对账"


def test_a_refund_nobody_heard_of_is_booked(room: Room) -> None:
    a_day(room)
    with writing(room.app.engine) as connection:
        connection.execute(delete(LEDGER).where(LEDGER.c.kind == "refund"))
        connection.exec_driver_sql("UPDATE refund SET state = 'refunding'")
        connection.exec_driver_sql("UPDATE attempt SET state = 'refunding' WHERE state = 'refunded'")
    next_morning(room)
    report = reconciled(room)
    assert (verdicts(report), report.ties) == (FOUR_AND_ONE, True)


def test_what_settle_has_noted_already_is_one_discrepancy_and_not_two(room: Room) -> None:
    no = room.counter.open(PAYER)
    placed(room, no)
    _forgotten(room, no)
    with writing(room.app.engine) as connection:
        connection.exec_driver_sql("UPDATE attempt SET amount = 40000")
    order = room.pay.orders.all()[0]
    room.pay.orders.take(order.handle, PAYER, "OTHERS")
    next_morning(room)
    report = reconciled(room)
    assert (verdicts(report), open_kinds(room), report.open) == ({("payment", THEIRS_ONLY): 1}, ["amount"], 1)
    with writing(room.app.engine) as connection:
        close(connection, room.counter.rows(DISCREPANCY)[0].id, "wang", "refunded in the console", 1)
    assert reconciled(room).ties


# -- the bill itself


def test_there_is_no_bill_before_ten_of_the_next_day(room: Room) -> None:
    a_day(room)
    for at in (NOON, TEN - timedelta(seconds=1)):
        room.sandbox.clock.pin(at.timestamp())
        with pytest.raises(NoBillYet, match="10 点"):
            reconciled(room)
    next_morning(room)
    room.pay.bills.creating = True
    with pytest.raises(NoBillYet, match="还在做"):
        reconciled(room)
    assert room.counter.rows(DISCREPANCY) == []


def test_a_day_without_trade_has_an_empty_bill_and_ours_has_to_be_empty_too(room: Room) -> None:
    next_morning(room)
    report = reconciled(room)
    assert (report.figures.by, report.ties) == ((), True)
    with room.app.engine.connect() as connection:
        kept = stored_bill(connection, DAY, "trade")
    assert kept is not None
    assert (kept.sha1, kept.rows) == ("", 0)


def test_an_empty_bill_against_a_ledger_that_is_not_is_ours_only(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter = lambda rows: []
    room.pay.bills.alter_funds = lambda rows: []
    next_morning(room)
    assert verdicts(reconciled(room)) == {("payment", OURS_ONLY): 4, ("refund", OURS_ONLY): 1}


@pytest.mark.parametrize("endpoint", ["pay.tradebill", "pay.download"])
@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.STATUS_500, Fault.GARBLED])
def test_a_bill_that_does_not_arrive_whole_is_not_taken(room: Room, endpoint: str, fault: Fault) -> None:
    a_day(room)
    next_morning(room)
    room.fault(endpoint, fault)
    before = dumped(room)
    with pytest.raises((NoBillYet, BillRefused)):
        reconciled(room)
    assert dumped(room) == before
    assert reconciled(room).ties


def test_a_whole_bill_that_is_not_the_one_promised_is_not_taken(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    a_day(room)
    next_morning(room)
    other = trade_bill("ALL", rows_of(room)[1:])
    assert other
    answer = Answer(200, gzip.compress(other.encode()), {})
    monkeypatch.setattr(room.pay.bills, "download", lambda token: answer)
    with pytest.raises(NoBillYet, match="SHA1"):
        reconciled(room)
    assert room.counter.rows(DISCREPANCY) == []


def test_a_bill_whose_rows_do_not_come_to_its_summary_is_a_discrepancy_of_its_own_and_closes_nothing(
    room: Room, tmp_path: Path
) -> None:
    a_day(room)
    next_morning(room)
    rows = rows_of(room)
    room.pay.bills.alter = _changed(0, 订单金额="499.00")
    assert reconciled(room).open == 1
    file = written(tmp_path / "bill.csv", rows)
    lines = file.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "short.csv").write_text("".join([lines[0], *lines[2:]]), "utf-8")
    report = reconciled(room, bill=tmp_path / "short.csv")
    assert {one.kind for one in report.figures.untied()} == {"bill_sum"}
    assert AMOUNT in open_kinds(room)
    assert "bill_sum" in open_kinds(room)
    again = reconciled(room, bill=file)
    assert (again.ties, open_kinds(room)) == (True, [])


def test_a_person_s_closing_holds_however_often_the_day_is_reconciled(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter = _changed(0, 订单金额="499.00")
    next_morning(room)
    reconciled(room)
    with writing(room.app.engine) as connection:
        close(connection, room.counter.rows(DISCREPANCY)[0].id, "wang", "asked WeChat Pay", 1)
    report = reconciled(room)
    assert (report.open, report.ties, verdicts(report)["payment", AMOUNT]) == (0, True, 1)


def test_what_closed_by_itself_is_open_again_when_it_comes_back(room: Room) -> None:
    a_day(room)
    next_morning(room)
    for amount, state in (("499.00", "open"), ("500.00", "closed"), ("499.00", "open")):
        room.pay.bills.alter = _changed(0, 订单金额=amount)
        reconciled(room)
        [found] = room.counter.rows(DISCREPANCY)
        assert found.state == state


def test_the_second_witness_is_held_against_both(room: Room) -> None:
    a_day(room)
    room.pay.bills.alter_funds = lambda rows: rows[:-1]  # the refund moved nothing
    next_morning(room)
    report = reconciled(room)
    assert open_kinds(room) == ["fund_refunds"]
    assert report.figures.untied() == []


def test_without_the_second_witness_nothing_is_proved(room: Room) -> None:
    a_day(room)
    next_morning(room)
    room.fault("pay.fundflowbill", Fault.STATUS_500)
    report = reconciled(room)
    assert (report.ties, report.open, bool(report.no_flow)) == (False, 0, True)
    assert reconciled(room).ties


@pytest.mark.parametrize("packed", [False, True])
def test_a_bill_from_a_file_may_have_a_mark_crlf_other_columns_and_another_order(
    room: Room, tmp_path: Path, packed: bool
) -> None:
    a_day(room)
    next_morning(room)
    lines = written(tmp_path / "bill.csv", rows_of(room)).read_text("utf-8").splitlines()
    header, *rows = [line.split(",") for line in lines[:-2]]
    turned = [[*reversed(header), "将来的列"], *([*reversed(row), "`x,y"] for row in rows)]
    summary = [lines[-2], lines[-1].replace("`5,", "`5.0,")]
    text = "\ufeff" + "\r\n".join([*(",".join(row) for row in turned), *summary]) + "\r\n"
    file = tmp_path / "turned"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    report = reconciled(room, bill=file)
    assert (verdicts(report), report.ties) == (FOUR_AND_ONE, True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text.replace("订单金额,", "", 1), "缺少列"),
        (lambda text: text.replace(",订单金额", ",X"), "缺少列：订单金额"),
        (lambda text: "\n".join(text.split("\n")[:3]), "没有汇总行"),
        (lambda text: text.replace("`50", "`5x", 1), "第 1 行"),
        (lambda text: text.replace("2026-11-23", "2026-11-22"), "没有一笔是 2026-11-23"),
        (lambda text: text.replace("`SUCCESS,", "`SUCCESS,`,", 1), "第 1 行"),
        (lambda text: "", "不是微信支付的账单"),
        (lambda text: "<xml>NO</xml>", "不是微信支付的账单"),
    ],
)
def test_a_file_that_is_no_bill_of_this_day_is_refused_whole(
    room: Room, tmp_path: Path, damage: Callable[[str], str], words: str
) -> None:
    a_day(room)
    next_morning(room)
    file = written(tmp_path / "bill.csv", rows_of(room))
    file.write_text(damage(file.read_text("utf-8")), "utf-8")
    before = dumped(room)
    with pytest.raises(BillRefused, match=words):
        reconciled(room, bill=file)
    assert dumped(room) == before


def test_a_bill_of_another_type_or_another_merchant_is_refused(room: Room, tmp_path: Path) -> None:
    a_day(room)
    next_morning(room)
    rows = rows_of(room)
    for kind in ("SUCCESS", "REFUND"):
        with pytest.raises(BillRefused, match=f"{kind} 账单"):
            reconciled(room, bill=written(tmp_path / kind, rows, kind))
    others = [row | {"商户号": "1900009999"} for row in rows]
    with pytest.raises(BillRefused, match="商户号"):
        reconciled(room, bill=written(tmp_path / "others", others))


# -- every morning


def test_every_morning_yesterday_is_reconciled_and_what_was_missed(room: Room) -> None:
    run = reconciling(Reconciler(room.app.till)).run
    a_day(room)
    at_ten_past = seconds(TEN) + 300
    assert run(seconds(NOON + timedelta(hours=20))) == at_ten_past
    room.sandbox.clock.pin(at_ten_past)
    room.pay.bills.creating = True
    assert run(at_ten_past) == at_ten_past + 1800
    room.pay.bills.creating = False
    assert run(at_ten_past) == at_ten_past + 86400
    assert open_kinds(room) == []
    with writing(room.app.engine) as connection:
        connection.exec_driver_sql("DELETE FROM bill")
    next_morning(room, TEN + timedelta(days=4, minutes=5))
    assert run(seconds(TEN) + 300 + 4 * 86400) == at_ten_past + 5 * 86400
    with room.app.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT day FROM bill WHERE kind = 'trade' ORDER BY day").scalars().all()
    assert kept == [f"2026-11-{day}" for day in (23, 24, 25, 26, 27)]


def _changed(place: int, **cells: str) -> Callable[[list[Cells]], list[Cells]]:
    def alter(rows: list[Cells]) -> list[Cells]:
        rows[place] |= cells
        return rows

    return alter


def _row(transaction: str, number: str, at: str) -> Cells:
    from tests.bot.sandbox_parts import keys

    plain = {"交易时间": at, "商户号": keys().mch_id, "微信订单号": transaction, "商户订单号": number}
    amounts = {"应结订单金额": "500.00", "订单金额": "500.00", "手续费": "0.00000", "退款金额": "0.00"}
    return plain | amounts | {"交易状态": "SUCCESS", "货币种类": "CNY"}


def _flow(business: str, way: str, amount: str) -> Cells:
    return {"业务类型": business, "收支类型": way, "收支金额(元)": amount}
