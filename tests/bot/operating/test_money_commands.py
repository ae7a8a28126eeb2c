"""`orders refund`, `export payments`, `import acks` and `report` as an operator types them."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner, Result

from bot.background.nightly_export import EXPORT_AT, nightly_export
from bot.commands import app
from bot.commands import refunding as refunding_commands
from storage.database import open_database, reading
from storage.orders.columns import PAYMENT, REFUND
from storage.sealing import FieldSeal
from tests.storage.counter import ZONE, Counter, payable
from tests.storage.payments_files import known_people, rows_in

YESTERDAY = datetime.now(ZONE).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=1)


class Office:
    """A bureau's machine with one family's order, paid yesterday."""

    def __init__(self, folder: Path, migrated_file: Path) -> None:
        shutil.copyfile(migrated_file, folder / "bot.db")
        FieldSeal.create(folder / "field.key")
        self.config = folder / "bot.toml"
        self.config.write_text('[storage]\ndatabase = "sqlite:///bot.db"\nfield_key = "field.key"\n')
        self.folder = folder
        self.engine: Engine = open_database(f"sqlite:///{folder / 'bot.db'}")
        self.seal = FieldSeal.read(folder / "field.key")
        self.counter: Counter = known_people(self.engine, self.seal)
        far = YESTERDAY.date() + timedelta(days=30)
        lines = [payable("wang", last_day=far), payable("li", last_day=far)]
        self.no = self.counter.open("oPayer", *lines, at=YESTERDAY)
        self.counter.place(f"{self.no}-1", YESTERDAY)
        self.counter.settle(f"{self.no}-1", YESTERDAY, amount=100000)

    def run(self, *words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)], input=typed)

    def refunds(self) -> Sequence[tuple[str, str, str]]:
        with reading(self.engine) as connection:
            rows = connection.execute(select(REFUND).order_by(REFUND.c.out_refund_no)).all()
        return [(row.out_refund_no.removeprefix(self.no), row.asked_by, row.why) for row in rows]

    def booked(self) -> list[str]:
        with reading(self.engine) as connection:
            return list(connection.scalars(select(PAYMENT.c.status).order_by(PAYMENT.c.id)))


@pytest.fixture
def office(tmp_path: Path, migrated_file: Path) -> Office:
    return Office(tmp_path, migrated_file)


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        class stdin:
            @staticmethod
            def isatty() -> bool:
                return True

    monkeypatch.setattr(refunding_commands, "sys", Terminal)


@pytest.mark.parametrize("words", [(), ("--yes",), ("--yes", "--amount", "500.00"), ("--amount", "1000.00")])
def test_without_a_terminal_nothing_goes_back_by_accident(office: Office, words: tuple[str, ...]) -> None:
    result = office.run("orders", "refund", office.no, "--reason", "缴错了", *words, typed="y\n1000.00\n")
    assert result.exit_code == 2
    assert "--yes --amount 1000.00" in result.output
    assert office.refunds() == []


def test_a_script_that_says_the_amount_may_refund(office: Office) -> None:
    result = office.run(
        "orders", "refund", office.no, "--reason", "缴错了", "--by", "李四", "--yes", "--amount", "1000.00"
    )
    assert result.exit_code == 0, result.output
    assert office.refunds() == [("-1-L1", "李四", "缴错了"), ("-1-L2", "李四", "缴错了")]


@pytest.mark.parametrize(
    ("typed", "done"),
    [
        ("y\n500.00\n", True),
        ("y\nORDER\n", True),
        ("y\ny\n", False),
        ("y\n500\n", False),
        ("n\n", False),
        ("\n", False),
        ("y\n1000.00\n", False),
    ],
)
def test_a_person_is_asked_twice_and_types_the_amount_or_the_number(
    office: Office, at_a_terminal: None, typed: str, done: bool
) -> None:
    answers = typed.replace("ORDER", office.no)
    result = office.run("orders", "refund", office.no, "--reason", "缴错了", "--line", "2", typed=answers)
    assert result.exit_code == (0 if done else 1), result.output
    assert "li*" in result.output
    assert [number for number, _, _ in office.refunds()] == (["-1-L2"] if done else [])


def test_who_it_was_is_the_system_s_user_where_nothing_else_is_said(
    office: Office, at_a_terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "operator7")
    office.run("orders", "refund", office.no, "--reason", "缴错了", typed=f"y\n{office.no}\n")
    assert {who for _, who, _ in office.refunds()} == {"operator7"}
    shown = office.run("orders", "show", office.no).output
    assert "operator7：缴错了" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("UNKNOWN", "--reason", "x"), "没有这张缴费单"),
        (("NO", "--reason", "x", "--line", "7"), "明细 7"),
        (("NO", "--reason", " ", "--line", "1"), "--reason"),
    ],
)
def test_what_cannot_go_back_is_told(office: Office, words: tuple[str, ...], told: str) -> None:
    said = [office.no if word == "NO" else word for word in words]
    result = office.run("orders", "refund", *said, "--yes", "--amount", "500.00")
    assert result.exit_code == 1
    assert told in result.output
    assert office.refunds() == []


def test_export_acks_and_report_in_one_day(office: Office) -> None:
    day, out = str(YESTERDAY.date()), office.folder / "payments.csv"
    result = office.run("export", "payments", "--date", day, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = rows_in(out)
    acks = office.folder / "acks.csv"
    lines = [f"{row['file_no']},{row['row_no']},BOOKED,,{day}T10:00:00+08:00" for row in rows]
    acks.write_text("\n".join(["file_no,row_no,result,reason_code,agency_book_time", *lines]) + "\n")
    assert office.run("import", "acks", str(acks)).exit_code == 1  # no .ctl
    assert office.run("import", "acks", str(acks), "--skip-bad").exit_code == 0
    assert office.booked() == ["booked", "booked"]
    table = office.folder / "report.csv"
    result = office.run("report", "--from", day, "--out", str(table))
    assert result.exit_code == 0, result.output
    assert "已入库  2 笔  1000.00 元" in result.output
    assert "未对账" in result.output
    assert table.read_text("utf-8-sig").splitlines()[1].startswith(f"{day},未对账,,未对账,,1,1000.00,")


@pytest.mark.parametrize("when", ["today", "tomorrow", "1 November", "2026-02-30"])
def test_only_days_that_are_over_are_exported(office: Office, when: str) -> None:
    days = {"today": 0, "tomorrow": 1}
    day = str((datetime.now(ZONE) + timedelta(days=days[when])).date()) if when in days else when
    result = office.run("export", "payments", "--date", day, "--out", str(office.folder / "p.csv"))
    assert result.exit_code == 2
    assert not list(office.folder.glob("p.csv*"))


def test_a_folder_that_is_not_there_is_told_and_nothing_is_lost(office: Office) -> None:
    day, out = str(YESTERDAY.date()), office.folder / "gone" / "p.csv"
    result = office.run("export", "payments", "--date", day, "--out", str(out))
    assert result.exit_code == 1
    assert "写不了" in result.output
    out.parent.mkdir()
    assert office.run("export", "payments", "--date", day, "--out", str(out)).exit_code == 0
    assert len(rows_in(out)) == 2


def test_every_night_yesterday_is_written_and_what_is_there_is_left_alone(office: Office) -> None:
    folder = office.folder / "out"
    routine = nightly_export(office.engine, office.seal, folder, ZONE)
    night = datetime.combine(YESTERDAY.date() + timedelta(days=1), EXPORT_AT, ZONE)
    early = night - timedelta(minutes=30)
    assert routine.run(int(early.timestamp())) == int(night.timestamp())
    assert not folder.exists()
    assert routine.run(int(night.timestamp())) == int((night + timedelta(days=1)).timestamp())
    out = folder / f"payments_{YESTERDAY.date()}.csv"
    assert len(rows_in(out)) == 2
    before = out.stat().st_mtime_ns
    routine.run(int(night.timestamp()) + 60)
    assert out.stat().st_mtime_ns == before
    out.unlink()
    out.with_name(f"{out.name}.ctl").unlink()
    routine.run(int(night.timestamp()) + 120)
    assert len(rows_in(out)) == 2
