"""`run.py doctor`: well when all is well, and each thing that is not is a line that says what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from bot.background.routines import ROUTINE
from bot.operating.doctor import examine
from bot.sandbox import DEMO
from bot.sandbox.faults import Fault
from bot.settings import read
from bot.web.services import Check
from storage.database import writing
from storage.demo import load_demo
from storage.orders.columns import DISCREPANCY, NOTICE, ORDER, REFUND
from tests.bot.billed import TEN, a_day, next_morning, paid, reconciled
from tests.bot.room import Room
from tests.storage.counter import NOON, seconds

BREAK = Callable[[Room], object]
MINUTE = 60


@pytest.fixture
def well(room: Room) -> Room:
    """A room in which nothing is the matter: tariffs are imported."""
    load_demo(room.app.engine, room.app.seal, DEMO, NOON.date(), shift=True)
    return room


def findings(room: Room) -> dict[str, Check]:
    return {one.name: one for one in examine(room.app.settings, room.sandbox.clock.now)}


def unwell(room: Room) -> dict[str, str]:
    return {name: one.says for name, one in findings(room).items() if not one.ok}


def test_where_all_is_well_every_line_is(well: Room) -> None:
    assert unwell(well) == {}
    lines = findings(well)
    assert set(lines) >= {"配置", "database", "sessions", "后台", "定时事务", "差异", "退款", "对账", "磁盘"}
    assert set(lines) >= {"微信接口", "微信支付", "标准 pension", "标准 medical"}


def late_order(room: Room) -> None:
    no = room.counter.open()
    update_rows(room, update(ORDER).where(ORDER.c.no == no).values(due_at=now(room) - 11 * MINUTE))


def late_notice(room: Room) -> None:
    a_day(room)
    update_rows(room, update(NOTICE).values(due_at=now(room) - 11 * MINUTE))


def failing_routine(room: Room) -> None:
    row = {"name": "sweeping", "due_at": now(room), "failures": 3, "last_error": "OSError: 没有地方了"}
    update_rows(room, insert(ROUTINE).values(row))


def a_fact_for_a_person(room: Room) -> None:
    facts = {"reason": "amount:1", "kind": "amount", "out_trade_no": "1", "facts": "{}", "found_at": now(room)}
    update_rows(room, insert(DISCREPANCY).values(facts))


def refund_elsewhere(room: Room) -> None:
    a_day(room)
    update_rows(room, update(REFUND).values(state="abnormal", owes="R"))


def slow_refund(room: Room) -> None:
    a_day(room)
    update_rows(room, update(REFUND).values(state="refunding", owes="R", asked_at=now(room) - 6 * 86400))


def no_bill(room: Room) -> None:
    a_day(room)
    next_morning(room, TEN + timedelta(hours=3))


def update_rows(room: Room, statement: Any) -> None:
    with writing(room.app.engine) as connection:
        connection.execute(statement)


def now(room: Room) -> int:
    return int(room.sandbox.clock.now())


@pytest.mark.parametrize(
    ("happens", "line", "says"),
    [
        (late_order, "后台", "缴费单 1，通知 0"),
        (late_notice, "后台", "缴费单 0，通知 "),
        (failing_routine, "定时事务", "sweeping 连续失败 3 次：OSError: 没有地方了"),
        (a_fact_for_a_person, "差异", "待人核对 1"),
        (refund_elsewhere, "退款", "退款异常或被关闭 "),
        (slow_refund, "退款", "超过 5 天没到账 1"),
        (no_bill, "对账", "还没有对的：2026-11-23"),
        (lambda room: room.fault("wechat.token", Fault.STATUS_500, None), "微信接口", ""),
        (lambda room: room.fault("pay.query", Fault.STATUS_500, None), "微信支付", ""),
        (lambda room: (paid(room), room.fault("pay.query", Fault.WRONG_SIGNATURE, None)), "微信支付", "signature"),
    ],
)
def test_what_is_not_well_is_one_line_and_says_what(well: Room, happens: BREAK, line: str, says: str) -> None:
    happens(well)
    found = unwell(well)
    assert set(found) == {line}, found
    assert says in found[line]
    assert found[line]


def test_before_the_first_payment_it_says_what_it_could_not_look_at(well: Room) -> None:
    assert findings(well)["微信支付"].says == "收过款以后，才验得了微信支付的签名"
    paid(well)
    assert findings(well)["微信支付"].says == ""


def test_the_bill_is_missed_from_noon_on_and_no_more_once_it_is_here(well: Room) -> None:
    a_day(well)
    next_morning(well, TEN + timedelta(hours=1, minutes=59))
    assert unwell(well) == {}
    next_morning(well, TEN + timedelta(hours=2))
    assert set(unwell(well)) == {"对账"}
    reconciled(well)
    assert unwell(well) == {}


def test_missing_secrets_are_findings_and_nothing_else_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text("")
    found = examine(read(tmp_path / "bot.toml"), lambda: seconds(NOON))
    assert {one.name for one in found} == {"配置"}
    assert any("wechat.app_id" in one.says for one in found)
