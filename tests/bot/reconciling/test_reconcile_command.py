"""`run.py reconcile` and `run.py discrepancies` as an operator uses them: what they print, write, and exit with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands import app
from bot.sandbox.bills import Cells
from dialogs.world import OrderState
from storage.database import writing
from storage.orders.columns import DISCREPANCY, ORDER
from tests.bot.billed import DAY, a_day, next_morning, open_kinds, paid, reconciled, rows_of, written
from tests.bot.room import PAYER, Room, placed
from tests.storage.counter import payable


@pytest.fixture
def run(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """The command line over the room's own database and stand-in; exit code and all it said."""
    sections = room.sandbox.settings_overrides("http://127.0.0.1:9")
    sections["storage"] = {"database": "sqlite:///bot.db", "field_key": "field.key"}
    monkeypatch.setattr("bot.logs.set_up", lambda: None)  # it would leave this process a log that is closed
    lines: list[str] = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    (tmp_path / "command.toml").write_text("\n".join(lines), "utf-8")

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, "--config", str(tmp_path / "command.toml")])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return call


Run = Callable[..., tuple[int, str]]


def test_a_day_that_ties_exits_with_0_and_says_so(room: Room, run: Run, tmp_path: Path) -> None:
    a_day(room)
    next_morning(room)
    bill = written(tmp_path / "bill.csv", rows_of(room))
    code, said = run("reconcile", str(DAY), "--bill", str(bill), "--out", str(tmp_path))
    assert code == 0, said
    for words in ("全部相符", "1200.01", "300.00", "账单合计", "平"):
        assert words in said
    assert "不平" not in said
    rows = _read(tmp_path / f"reconcile_{DAY}.csv")
    assert {row["是否相符"] for row in rows} == {"", "是"}
    [counted] = [row for row in rows if row["部分"] == "汇总行与明细合计" and row["项目"] == "笔数"]
    of_bill = [row for row in rows if row["部分"] == "对账" and row["类别"] == "相符"]
    assert counted["账单"] == str(sum(int(row["笔数"]) for row in of_bill)) == "5"


def test_what_is_open_exits_with_1_until_it_is_explained_or_closed(room: Room, run: Run, tmp_path: Path) -> None:
    a_day(room)
    next_morning(room)
    bill = written(tmp_path / "bill.csv", rows_of(room)[1:])
    out = tmp_path / "report.csv"
    words = ("reconcile", str(DAY), "--bill", str(bill), "--out", str(out))
    code, said = run(*words)
    assert (code, "待核对的差异 1 项" in said, "只有账上有" in said) == (1, True, True)
    assert [(row["类别"], row["状态"]) for row in _read(out) if row["部分"] == "差异"] == [("只有账上有", "待核对")]
    code, said = run("discrepancies", "list")
    assert (code, len(said.splitlines())) == (0, 1)
    number = said.split()[0]
    assert run("discrepancies", "explain", number, "--reason", "问了微信支付", "--by", "李")[0] == 0
    assert run(*words)[0] == 0
    assert run("discrepancies", "close", number, "--reason", "=1+1")[0] == 0
    assert run("discrepancies", "close", number, "--reason", "又一次")[0] == 1
    assert run("discrepancies", "explain", "999", "--reason", "没有")[0] == 1
    assert run("discrepancies", "close", number, "--reason", " ")[0] == 2
    assert run("discrepancies", "list") == (0, "")
    said = run("discrepancies", "list", "--all", "--day", str(DAY))[1]
    assert "李：问了微信支付" in said
    assert "已了结" in said
    assert run(*words)[0] == 0
    [found] = [row for row in _read(out) if row["部分"] == "差异"]
    assert found["说明"] == "'=1+1"
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == ["bill_ours_only"]


def test_wrong_usage_exits_with_2_and_no_bill_yet_with_1(room: Room, run: Run, tmp_path: Path) -> None:
    assert run("reconcile", "yesterday")[0] == 2
    assert run("reconcile", str(DAY), "--bill", str(tmp_path / "none"))[0] == 2
    assert run("reconcile", str(DAY), "--out", str(tmp_path / "no" / "folder.csv"))[0] == 2
    code, said = run("reconcile", "2100-01-01")
    assert (code, "10 点以后" in said) == (1, True)
    code, said = run("reconcile", str(DAY), "--fund-flow", str(written(tmp_path / "b", [_any()])))
    assert (code, "缺少列" in said) == (1, True)


def test_closing_what_settle_noted_lets_the_order_s_closing_go_on(room: Room, run: Run) -> None:
    no = room.counter.open(PAYER, payable())
    placed(room, no)
    with writing(room.app.engine) as connection:
        connection.exec_driver_sql("UPDATE attempt SET amount = 40000")
    order = room.pay.orders.all()[0]
    room.pay.orders.take(order.handle, PAYER, "OTHERS")
    room.work_for(40 * 60, 60)
    assert room.counter.rows(ORDER)[0].state == OrderState.CLOSING
    [noted] = room.counter.rows(DISCREPANCY)
    assert (noted.kind, noted.key) == ("amount", order.transaction_id)
    assert run("discrepancies", "close", str(noted.id), "--reason", "已在商户平台退回")[0] == 0
    room.wait(60)
    assert (room.counter.rows(ORDER)[0].state, room.counter.holds(no)) == (OrderState.CLOSED, [None])
    next_morning(room)
    assert reconciled(room).ties
    assert open_kinds(room) == []


def test_money_of_an_unknown_number_is_left_to_a_person(room: Room) -> None:
    paid(room)
    room.pay.bills.alter = lambda rows: [*rows, rows[0] | {"微信订单号": "42000099", "商户订单号": "NOBODY-KNOWS-1"}]
    room.pay.bills.alter_funds = lambda rows: [*rows, *rows]
    next_morning(room)
    assert reconciled(room).open == 1
    [found] = room.counter.rows(DISCREPANCY)
    assert (found.kind, found.key, found.out_trade_no) == ("bill_theirs_only", "42000099", "NOBODY-KNOWS-1")


def _any() -> Cells:
    return {"交易时间": "2026-11-23 12:00:00", "交易状态": "SUCCESS", "货币种类": "CNY"}


def _read(path: Path) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
