"""Rows of the agencies' files: A, U and D, once each, and what a bad row is told."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dialogs.terms.insurance import Insurance
from storage.agency.files import Line
from storage.agency.importing import ImportResult
from storage.agency.refusals import FileRefused
from storage.sealing import FieldSeal
from storage.tariffs import StoredTariffs
from tests.storage.agency_files import DEMO, ENROLMENT, count, rows_of, take, take_demo, write_file


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal, tmp_path: Path) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


def enrol(engine: Engine, seal: FieldSeal, folder: Path, *rows: dict[str, str], skip_bad: bool = True) -> ImportResult:
    path = write_file(folder / "e.csv", *(ENROLMENT | row for row in rows))
    return take(engine, seal, "enrolments", path, skip_bad=skip_bad)


def outcome(result: ImportResult) -> tuple[int, int, int, int, list[str]]:
    texts = [reason.text for reason in result.rejected]
    return result.added, result.changed, result.deleted, result.already, texts


def test_names_and_numbers_are_stored_sealed(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    enrol(desk, seal, tmp_path, {})
    [(key, number, name)] = rows_of(desk, "SELECT key, number, name FROM person")
    assert key == seal.look_up_key(ENROLMENT["id_no"])
    assert (seal.open(number), seal.open(name)) == (ENROLMENT["id_no"], ENROLMENT["name"])
    assert ENROLMENT["id_no"] not in number
    assert rows_of(desk, "SELECT content FROM imported") != [("",)]


def test_a_row_is_taken_once_however_often_it_is_sent(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    assert outcome(enrol(desk, seal, tmp_path, {})) == (1, 0, 0, 0, [])
    assert outcome(enrol(desk, seal, tmp_path, {}, {})) == (0, 0, 0, 2, [])


def test_a_row_sent_again_does_not_undo_a_later_one(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    enrol(desk, seal, tmp_path, {})
    enrol(desk, seal, tmp_path, {"batch_no": "B2", "op": "D"})
    assert outcome(enrol(desk, seal, tmp_path, {})) == (0, 0, 0, 1, [])
    assert count(desk, "enrolment") == 0


def test_the_same_number_with_another_content_is_another_row_and_refused(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    result = enrol(desk, seal, tmp_path, {}, {"person_no": "8"})
    assert outcome(result) == (
        1,
        0,
        0,
        0,
        ["这个批次的这个行号已导入过，内容不同；整批读错了的，用 --replace-batch 更正"],
    )


def test_an_update_changes_what_is_there_and_adds_what_is_not(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    change = {"op": "U", "status": "paused"}
    result = enrol(desk, seal, tmp_path, {}, {"row_no": "2"} | change, {"row_no": "3", "person_no": "8", "op": "U"})
    assert outcome(result) == (2, 1, 0, 0, [])
    assert rows_of(desk, "SELECT person_no, status FROM enrolment ORDER BY 1") == [("7", "paused"), ("8", "active")]


def test_an_addition_that_differs_from_what_is_there_is_refused(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    result = enrol(desk, seal, tmp_path, {}, {"row_no": "2"}, {"row_no": "3", "status": "paused"})
    assert outcome(result) == (1, 0, 0, 1, ["参保信息已登记，内容不同；要改请用 U"])


def test_a_deletion_deletes_and_is_content_with_nothing_to_delete(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    result = enrol(desk, seal, tmp_path, {}, {"row_no": "2", "op": "D"}, {"row_no": "3", "op": "D"})
    assert outcome(result) == (1, 0, 1, 1, [])
    assert count(desk, "enrolment") == 0


def test_another_name_for_a_known_number_is_refused_unless_it_is_a_correction(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    other = {"row_no": "2", "person_no": "8", "name": "李册二"}
    assert outcome(enrol(desk, seal, tmp_path, {}, other)) == (1, 0, 0, 0, ["与已登记的姓名不同"])
    correction = {"row_no": "3", "name": "李册二", "op": "U"}
    assert outcome(enrol(desk, seal, tmp_path, correction)) == (0, 1, 0, 0, [])
    [(name,)] = rows_of(desk, "SELECT name FROM person")
    assert seal.open(name) == "李册二"


def test_the_same_name_in_another_spelling_is_the_same_name(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    first = {"name": "买试·吐尔示"}
    assert outcome(enrol(desk, seal, tmp_path, first, {"row_no": "2", "person_no": "8", "name": "买试•吐尔示"}))[0] == 2


def test_one_person_number_does_not_pass_to_another_document(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    result = enrol(desk, seal, tmp_path, {}, {"row_no": "2", "id_no": "36990719800101005X", "name": "冯克十"})
    assert outcome(result) == (1, 0, 0, 0, ["这个个人编号已登记给另一个证件号码"])
    assert count(desk, "person") == 1


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id_type": "233"}, "证件类型与证件号码不符"),
        ({"id_no": "369901700521002"}, "是15位旧号码，应为18位"),
        ({"id_no": ""}, "证件号码是空的"),
        ({"name": ""}, "姓名是空的"),
        ({"name": "李测2"}, "姓名里有不该有的字符"),
        ({"name": "@SUM(A1)"}, "姓名是公式，不是姓名"),
        ({"valid_from": "2012-13-01"}, "valid_from 应为日期，如 2026-01-31"),
        ({"valid_from": "20120101"}, "valid_from 应为日期，如 2026-01-31"),
        ({"valid_to": "2011-01-01"}, "参保起止日期颠倒了"),
        ({"insurance": "dental"}, "insurance 只能是 pension、medical"),
        ({"row_no": "0"}, "row_no 应为从 1 起的整数"),
        ({"row_no": "9" * 30}, "row_no 应为从 1 起的整数"),
        ({"batch_no": ""}, "batch_no 应为字母和数字"),
        ({"person_no": "7\x007"}, "person_no 应为字母和数字"),
        ({"inst_code": "36\x00"}, "inst_code 里有看不见的控制字符"),
        ({"inst_code": ""}, "inst_code 是空的"),
        ({"inst_code": "x" * 41}, "inst_code 太长（最多 40 个字）"),
    ],
)
def test_a_bad_cell_is_told_in_a_short_sentence_without_the_cell(
    desk: Engine, seal: FieldSeal, tmp_path: Path, cells: dict[str, str], reason: str
) -> None:
    assert outcome(enrol(desk, seal, tmp_path, cells)) == (0, 0, 0, 0, [reason])


def test_a_tariff_or_an_institution_sent_with_changes_replaces_the_old_one(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_demo(engine, seal, "institutions", "tariffs")
    text = (DEMO / "tariffs.csv").read_text("utf-8").replace(",350.00,", ",360.00,")
    (tmp_path / "t.csv").write_text(text, "utf-8")
    result = take(engine, seal, "tariffs", tmp_path / "t.csv", require_control=False)
    assert (result.changed, result.already) == (1, 55)
    assert rows_of(engine, "SELECT amount FROM tariff WHERE cover_year = 2023") == [(36_000,)]


def test_what_a_file_of_tariffs_or_institutions_says_twice_is_refused(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    for kind, reason in (("institutions", "参保机构在文件里出现两次"), ("tariffs", "同一个标准在文件里出现两次")):
        lines = (DEMO / f"{kind}.csv").read_text("utf-8").splitlines()
        (tmp_path / "twice.csv").write_text("\n".join([*lines, lines[-1]]), "utf-8")
        with pytest.raises(FileRefused, match=reason):
            take(engine, seal, kind, tmp_path / "twice.csv", require_control=False)
        assert count(engine, kind[:-1]) == 0


def test_an_assessment_is_added_changed_and_deleted(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take_demo(engine, seal, "institutions", "enrolments", "assessments")
    header, first, *_ = (DEMO / "assessments.csv").read_text("utf-8").splitlines()
    for row_no, (op, amount) in enumerate([("A", "600.00"), ("U", "600.00"), ("D", "600.00")], 20):
        row = first.replace(",1,A,", f",{row_no},{op},").replace("500.00", amount)
        (tmp_path / "a.csv").write_text(f"{header}\n{row}\n", "utf-8")
        result = take(engine, seal, "assessments", tmp_path / "a.csv", require_control=False, skip_bad=True)
        expected = {"A": (0, 0, 1), "U": (1, 0, 0), "D": (0, 1, 0)}[op]
        assert (result.changed, result.deleted, result.refused) == expected
    assert count(engine, "assessment") == 7


def test_an_assessment_makes_its_person_and_refuses_another_name(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_demo(engine, seal, "institutions", "assessments")
    assert count(engine, "person") == 7
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": "李册二"})
    with pytest.raises(FileRefused, match="与已登记的姓名不同"):
        take(engine, seal, "enrolments", path)


def test_memory_does_not_grow_with_the_file(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    """Counts the lines alive while a file of four chunks is taken."""
    take_demo(engine, seal, "institutions")
    rows = [ENROLMENT | {"row_no": str(number), "person_no": str(number)} for number in range(1, 4_001)]
    alive: list[int] = []

    def look(_done: int, _total: int | None) -> None:
        alive.append(sum(isinstance(found, Line) for found in gc.get_objects()))

    take(engine, seal, "enrolments", write_file(tmp_path / "e.csv", *rows), progress=look)
    assert len(alive) == 4
    assert max(alive) <= 2_010  # the chunk in hand, the one being read, and what a thread has not let go of yet
    assert count(engine, "enrolment") == 4_000


@pytest.mark.parametrize(("cell", "subsidy"), [("60.00", 6000), ("0", 0), ("", None)])
def test_a_tariff_may_say_the_subsidy_and_keeps_silent_where_the_file_does(
    engine: Engine, seal: FieldSeal, tmp_path: Path, cell: str, subsidy: int | None
) -> None:
    header, row = (DEMO / "tariffs.csv").read_text("utf-8").splitlines()[:2]
    path = tmp_path / "t.csv"
    for lines, expected in ((f"{header}\n{row}\n", None), (f"{header},subsidy\n{row},{cell}\n", subsidy)):
        path.write_text(lines, "utf-8")
        assert take(engine, seal, "tariffs", path, require_control=False).refused == 0
        assert rows_of(engine, "SELECT subsidy FROM tariff") == [(expected,)]
        assert StoredTariffs(engine, lambda: 0.0).rows(Insurance.PENSION)[0].subsidy == expected


def test_a_subsidy_that_is_no_amount_refuses_its_row(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    header, row = (DEMO / "tariffs.csv").read_text("utf-8").splitlines()[:2]
    path = tmp_path / "t.csv"
    path.write_text(f"{header},subsidy\n{row},多补\n", "utf-8")
    result = take(engine, seal, "tariffs", path, require_control=False, skip_bad=True)
    assert [reason.text for reason in result.rejected] == ["subsidy 不是金额"]
