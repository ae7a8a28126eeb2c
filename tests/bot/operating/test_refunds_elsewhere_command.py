"""`orders adopt-refund` and `orders transferred` as operators use them: asked twice, and kept with who and why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands import app
from storage.orders.columns import LEDGER, PAYMENT, REFUND
from storage.orders.refund_requests import ask_refund, chosen, parts_of
from tests.bot.billed import open_kinds, paid
from tests.bot.room import Room

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line over the room's own database and stand-in, both at the machine's own time."""
    sections = room.sandbox.settings_overrides("http://127.0.0.1:9")
    sections["storage"] = {"database": "sqlite:///bot.db", "field_key": "field.key"}
    monkeypatch.setattr("bot.logs.set_up", lambda: None)
    lines: list[str] = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    (tmp_path / "command.toml").write_text("\n".join(lines), "utf-8")

    def call(*words: str) -> tuple[int, str]:
        room.sandbox.clock.pin(time.time())
        done = CliRunner().invoke(app, [*words, "--config", str(tmp_path / "command.toml")])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return call


def test_a_refund_of_the_console_is_adopted_once_with_who_and_why(room: Room, run: Run) -> None:
    no = paid(room)
    number = room.pay.refunds.from_console(f"{no}-1", 50000).terms.out_refund_no
    words = ("orders", "adopt-refund", number, "--reason", "投诉退款", "--by", "李四")
    for some in ((), ("--yes",), ("--yes", "--amount", "500")):
        code, said = run(*words, *some)
        assert (code, "--yes --amount 500.00" in said) == (2, True), said
    assert room.counter.rows(LEDGER, kind="refund") == []
    code, said = run(*words, "--yes", "--amount", "500.00")
    assert (code, "已记账：退款 500.00 元（李四）" in said) == (0, True), said
    [adopted] = room.counter.rows(REFUND, out_refund_no=number)
    assert (adopted.asked_by, adopted.why) == ("李四", "投诉退款")
    assert [row.status for row in room.counter.rows(PAYMENT)] == ["refunded"]
    code, said = run(*words, "--yes", "--amount", "500.00")
    assert (code, "已经记过账" in said, len(room.counter.rows(LEDGER))) == (0, True, 2)
    assert number in run("orders", "show", no)[1]


def test_a_number_wechat_pay_does_not_know_or_cannot_be_asked_about_changes_nothing(room: Room, run: Run) -> None:
    paid(room)
    for number in ("20261123000001", "a/../b", "退款1"):
        code, said = run("orders", "adopt-refund", number, "--reason", "x", "--yes", "--amount", "500.00")
        assert code == 1, said
    assert run("orders", "adopt-refund", "1", "--reason", " ", "--yes")[0] == 2
    assert len(room.counter.rows(LEDGER)) == 1


def test_one_that_is_still_under_way_or_of_another_order_is_not_adopted(room: Room, run: Run) -> None:
    no = paid(room)
    room.pay.refunds.seconds = 10 * 365 * 86400
    number = room.pay.refunds.from_console(f"{no}-1", 50000).terms.out_refund_no
    code, said = run("orders", "adopt-refund", number, "--reason", "x", "--yes", "--amount", "500.00")
    assert (code, "还在退" in said) == (1, True)


def test_a_closed_refund_that_was_transferred_ends_once(room: Room, run: Run) -> None:
    no = paid(room)
    room.pay.refunds.outcome = "CLOSED"
    now = int(room.sandbox.clock.now())
    parts = chosen(parts_of(room.app.engine, no) or (), [], booked=False)
    words = (
        "orders",
        "transferred",
        no,
        "--reason",
        "卡已注销，银行转账",
        "--by",
        "王五",
        "--yes",
        "--amount",
        "500.00",
    )
    code, said = run(*words)
    assert (code, "没有退不成的退款" in said) == (1, True), said
    ask_refund(room.app.engine, no, parts, by="李四", why="缴错了", booked=False, now=now)
    room.work()
    assert open_kinds(room) == ["refund"]
    assert run(*words[:-1], "499.00")[0] == 2
    code, said = run(*words)
    assert (code, "已登记：500.00 元" in said) == (0, True), said
    assert (room.counter.order(no).state, room.counter.holds(no), open_kinds(room)) == ("refunded", [None], [])
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000]
    assert "王五：卡已注销" in run("orders", "show", no)[1]
    assert run(*words)[0] == 1


def test_a_refund_that_lives_at_wechat_pay_is_not_recorded_as_transferred(room: Room, run: Run) -> None:
    no = paid(room)
    room.pay.refunds.outcome = "CLOSED"
    parts = chosen(parts_of(room.app.engine, no) or (), [], booked=False)
    ask_refund(room.app.engine, no, parts, by="李四", why="缴错了", booked=False, now=int(room.sandbox.clock.now()))
    room.work()
    room.pay.refunds.all()[0].status = "PROCESSING"
    code, said = run("orders", "transferred", no, "--reason", "转账", "--yes", "--amount", "500.00")
    assert (code, "还在退" in said) == (1, True), said
    assert [row.status for row in room.counter.rows(PAYMENT)] == ["refunding"]
