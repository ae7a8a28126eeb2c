"""The payments file for the agencies: every payment and every refund once, the same bytes each time, for its owner."""

from __future__ import annotations

import os
import stat
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from storage.agency import exporting
from storage.agency.exporting import COLUMNS, DayNotOver
from storage.agency.refusals import FileRefused
from storage.database import table_of, writing
from storage.orders.columns import EXPORT, FILE
from storage.sealing import FieldSeal
from storage.tables import ContactRow, PersonRow
from tests.storage.counter import NOON, ZONE, Counter, at_once, later, payable
from tests.storage.payments_files import DAY, control_of, digest, export, known_people, pay, rows_in
from tests.storage.test_refund_requests import ask

NEXT = date(2026, 11, 24)


@pytest.fixture
def counter(engine: Engine, seal: FieldSeal) -> Counter:
    return known_people(engine, seal)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "payments_20261123.csv"


def test_a_row_says_who_what_when_and_for_whom(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    no = pay(counter)
    export(engine, seal, out)
    assert out.read_text("utf-8").splitlines()[0] == ",".join(COLUMNS)
    [row] = rows_in(out)
    assert row == {
        "file_no": "WX20261123",
        "row_no": "1",
        "order_no": no,
        "out_trade_no": f"{no}-1",
        "transaction_id": f"T-{no}-1",
        "insurance": "pension",
        "inst_code": "3601020001",
        "person_no": "no-wang",
        "id_type": "201",
        "id_no": "369902198511030032",
        "name": "王样三",
        "pay_kind": "10",
        "assess_no": "",
        "cover_year": "2026",
        "period_from": "202601",
        "period_to": "202612",
        "tier_code": "500",
        "amount_paid": "500.00",
        "paid_at": "2026-11-23T12:00:00+08:00",
        "settle_date": "2026-11-23",
        "status": "PAID",
        "payer_relation": "other",
    }


def test_the_control_file_carries_rows_sum_and_digest(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    pay(counter, "wang", "li")
    told = export(engine, seal, out)
    assert control_of(out) == {"rows": "2", "sum": "1000.00", "sha256": digest(out)}
    assert (told.file.rows, told.file.total, told.sha256) == (2, 100000, digest(out))


def test_only_its_owner_may_read_it_whatever_was_there(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    pay(counter)
    out.write_text("old")
    out.chmod(0o644)
    before = os.umask(0)
    try:
        export(engine, seal, out)
    finally:
        os.umask(before)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(one.name for one in out.parent.glob("*pay*")) == [out.name, f"{out.name}.ctl"]


def test_a_day_that_is_not_over_is_not_exported(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    pay(counter)
    for now in (NOON, datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZONE), later(days=-1)):
        with pytest.raises(DayNotOver):
            export(engine, seal, out, now=now)
    assert (counter.rows(FILE), list(out.parent.glob("pay*"))) == ([], [])
    assert export(engine, seal, out, now=datetime(2026, 11, 24, 0, 0, 0, tzinfo=ZONE)).file.rows == 1


def test_exported_again_a_day_is_the_same_to_the_byte(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    pay(counter)
    pay(counter, "li", at=later(hours=1))
    export(engine, seal, out)
    before = out.read_bytes()
    person, contact = table_of(PersonRow), table_of(ContactRow)
    pay(counter, "zhao", at=later(hours=2))  # settled for the same day, only later
    with writing(engine) as connection:
        connection.execute(update(person).values(name=seal.seal("改名了")))
        own = {"payer": "oPayer", "person": "wang", "relation": "self", "added_at": 0}
        connection.execute(insert(contact).values(own))
    ask(counter, counter.rows(EXPORT)[0].reason.split("-")[1], 1)
    again = out.with_name("again.csv")
    export(engine, seal, again, now=later(days=9))
    assert again.read_bytes() == before


def test_what_is_settled_after_a_days_file_was_fixed_is_in_the_next_one(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    pay(counter)
    export(engine, seal, out)
    late = pay(counter, "li", at=later(hours=11))
    tomorrow = pay(counter, "zhao", at=later(days=1))
    export(engine, seal, out, NEXT)
    assert [(row["order_no"], row["settle_date"]) for row in rows_in(out)] == [
        (late, "2026-11-23"),
        (tomorrow, "2026-11-24"),
    ]


def test_a_day_without_payments_has_an_empty_file(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    export(engine, seal, out)
    assert rows_in(out) == []
    assert control_of(out) == {"rows": "0", "sum": "0.00", "sha256": digest(out)}


def test_a_refund_is_a_row_of_its_own_on_its_own_day(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    no = pay(counter, "wang", "li")
    ask(counter, no, 2)
    export(engine, seal, out)
    assert [row["status"] for row in rows_in(out)] == ["PAID", "PAID"]
    counter.refunded(f"{no}-1", later(days=1), kind="L2")
    export(engine, seal, out, NEXT)
    [row] = rows_in(out)
    assert (row["status"], row["amount_paid"], row["settle_date"]) == ("REFUNDED", "500.00", "2026-11-24")
    assert (row["id_no"], row["transaction_id"]) == ("369901197005210021", f"T-{no}-1")
    assert row["paid_at"] == "2026-11-23T12:00:00+08:00"


def test_money_that_settled_nothing_is_no_row(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    no = counter.open()
    counter.place(f"{no}-1")
    counter.paid_elsewhere(payable())
    counter.settle(f"{no}-1")
    counter.refunded(f"{no}-1")
    export(engine, seal, out)
    assert rows_in(out) == []


def test_who_confirmed_to_be_the_insured_pays_for_himself(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path
) -> None:
    contact = table_of(ContactRow)
    with writing(engine) as connection:
        for person, relation in (("wang", "self"), ("li", "mother")):
            row = {"payer": "oPayer", "person": person, "relation": relation, "added_at": 0}
            connection.execute(insert(contact).values(row))
    pay(counter, "wang", "li")
    export(engine, seal, out)
    assert [row["payer_relation"] for row in rows_in(out)] == ["self", "other"]


def test_rare_characters_survive_both_encodings(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    pay(counter, "sun")
    for encoding in ("utf-8", "gb18030"):
        export(engine, seal, out, encoding=encoding)
        assert rows_in(out, encoding)[0]["name"] == "䶮样"
        assert control_of(out)["sha256"] == digest(out)
    assert not out.read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(FileRefused):
        export(engine, seal, out, encoding="ebcdic")


def test_no_spreadsheet_runs_a_cell(counter: Counter, engine: Engine, seal: FieldSeal, out: Path) -> None:
    person = table_of(PersonRow)
    with writing(engine) as connection:
        connection.execute(update(person).values(name=seal.seal("=HYPERLINK(1)")))
    pay(counter)
    export(engine, seal, out)
    assert rows_in(out)[0]["name"] == "'=HYPERLINK(1)"


def test_a_crash_in_the_middle_leaves_no_half_file_and_the_same_rows(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(counter, "wang", "li", "zhao")
    export(engine, seal, out.with_name("whole.csv"))
    cells = exporting._cells

    def breaks(row: object, *more: object) -> object:
        if row.row_no == 2:  # type: ignore[attr-defined]
            raise OSError("the disk is full")
        return cells(row, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "_cells", breaks)
    with pytest.raises(OSError, match="full"):
        export(engine, seal, out)
    assert not [one.name for one in out.parent.iterdir() if one.name.startswith((out.name, "."))]
    monkeypatch.undo()
    export(engine, seal, out)
    assert out.read_bytes() == out.with_name("whole.csv").read_bytes()


def test_a_failure_while_the_rows_are_chosen_chooses_none(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(counter)
    with monkeypatch.context() as broken:
        broken.setattr("storage.agency.export_rows.func.coalesce", None)
        with pytest.raises(TypeError):
            export(engine, seal, out)
    assert (counter.rows(FILE), [row.file_no for row in counter.rows(EXPORT)]) == ([], [None])


def test_exported_by_several_at_once_each_payment_is_in_one_file(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    pay(counter)
    no = pay(counter, "li", "zhao", at=later(days=1))
    days = [DAY, NEXT, DAY, NEXT]
    at_once(*[partial(export, engine, seal, tmp_path / f"{n}.csv", day) for n, day in enumerate(days)])
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    rows = [row for name in ("0.csv", "1.csv") for row in rows_in(tmp_path / name)]
    assert len({(row["transaction_id"], row["person_no"]) for row in rows}) == len(rows) == 3
    assert [row["row_no"] for row in rows_in(tmp_path / "1.csv")][-1] == str(len(rows_in(tmp_path / "1.csv")))
    assert no in {row["order_no"] for row in rows}


def test_a_file_of_many_rows_is_whole_and_in_order(
    counter: Counter, engine: Engine, seal: FieldSeal, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.agency.export_rows.PAGE", 2)
    monkeypatch.setattr(exporting, "LINES_AT_ONCE", 2)
    for year in range(2010, 2017):
        no = counter.open("oPayer", payable(cover_year=year))
        counter.place(f"{no}-1")
        counter.settle(f"{no}-1")
    export(engine, seal, out)
    assert [row["row_no"] for row in rows_in(out)] == [str(n) for n in range(1, 8)]
    assert [row["cover_year"] for row in rows_in(out)] == [str(year) for year in range(2010, 2017)]
