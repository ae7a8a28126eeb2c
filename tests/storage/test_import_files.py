"""Files of the agencies as files: `.ctl`, encoding, header, whole or nothing, refused rows beside."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.agency.kinds import FROM_AGENCIES
from storage.agency.refusals import FileRefused
from storage.sealing import FieldSeal
from tests.storage.agency_files import DEMO, ENROLMENT, count, rows_of, take, take_demo, write_control, write_file

BAD_ROWS = {
    1: "身份证号码校验位不对",
    2: "没有这个参保机构",
    3: "证件号码里的出生日期不存在",
    4: "op 只能是 A、U、D",
    5: "姓名是公式，不是姓名",
    6: "status 只能是 active、paused、ended、receiving",
    7: "险种与参保机构不一致",
}


def reasons_of(refused: pytest.ExceptionInfo[FileRefused]) -> list[str]:
    return [str(reason) for reason in refused.value.reasons]


def test_the_five_demo_files_are_taken_whole(engine: Engine, seal: FieldSeal) -> None:
    told: list[tuple[int, int | None]] = []
    for kind, rows in {"institutions": 6, "tariffs": 56, "enrolments": 26, "assessments": 8, "payments": 9}.items():
        result = take(engine, seal, kind, DEMO / f"{kind}.csv", progress=lambda *done: told.append(done))
        assert (result.rows, result.added, result.refused, result.controlled) == (rows, rows, 0, True)
        assert told.pop() == (rows, rows)
    assert count(engine, "person") == 15


def test_taking_the_demo_files_again_changes_nothing(engine: Engine, seal: FieldSeal) -> None:
    take_demo(engine, seal)
    for kind in FROM_AGENCIES:
        result = take(engine, seal, kind.name, DEMO / f"{kind.name}.csv")
        assert result.already == result.rows


def test_the_bad_file_has_seven_bad_rows_of_seven_kinds(engine: Engine, seal: FieldSeal) -> None:
    take_demo(engine, seal, "institutions")
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "enrolments", DEMO / "enrolments.bad.csv", require_control=False)
    assert {reason.row_no: reason.text for reason in refused.value.reasons} == BAD_ROWS
    assert count(engine, "enrolment") == count(engine, "person") == 0


def test_refused_rows_are_written_beside_the_file_and_no_spreadsheet_runs_them(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_demo(engine, seal, "institutions")
    bad = Path(shutil.copy(DEMO / "enrolments.bad.csv", tmp_path))
    result = take(engine, seal, "enrolments", bad, skip_bad=True)  # has no `.ctl`, which only a whole file needs
    assert (result.refused, result.added, result.controlled) == (7, 0, False)
    assert result.rejected_file == tmp_path / "enrolments.bad.rejected.csv"
    with result.rejected_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reject_reason"] for row in rows] == list(BAD_ROWS.values())
    assert list(rows[0])[-1] == "reject_reason"
    assert rows[4]["name"].startswith("'=")


def test_the_refused_rows_once_mended_are_a_file_that_can_be_imported(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_demo(engine, seal, "institutions")
    path = write_file(tmp_path / "e.csv", ENROLMENT, ENROLMENT | {"row_no": "2", "person_no": "8", "status": "asleep"})
    first = take(engine, seal, "enrolments", path, skip_bad=True)
    assert (first.added, first.refused) == (1, 1)
    assert first.rejected_file is not None
    mended = first.rejected_file.read_text("utf-8").replace("asleep", "active")
    first.rejected_file.write_text(mended, "utf-8")
    assert take(engine, seal, "enrolments", first.rejected_file, require_control=False).added == 1


def test_no_file_of_refused_rows_is_left_when_the_import_fails(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take_demo(engine, seal, "institutions")
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"status": "asleep"})
    write_control(path, rows=2)
    with pytest.raises(FileRefused):
        take(engine, seal, "enrolments", path, skip_bad=True)
    assert {found.name for found in tmp_path.iterdir() if "rejected" in found.name} == set()


def test_one_bad_row_and_nothing_is_taken(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take_demo(engine, seal, "institutions")
    many = [ENROLMENT | {"row_no": str(number), "person_no": str(number)} for number in range(1, 1_502)]
    many[-1] = many[-1] | {"status": "asleep"}  # in the second chunk, when the first is written
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "enrolments", write_file(tmp_path / "e.csv", *many))
    assert reasons_of(refused) == ["第 1501 行：status 只能是 active、paused、ended、receiving"]
    assert count(engine, "enrolment") == count(engine, "imported") == 0


def test_a_missing_control_file_is_an_error_that_says_so(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    path = Path(shutil.copy(DEMO / "institutions.csv", tmp_path))
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "institutions", path)
    assert reasons_of(refused) == ["缺少 institutions.csv.ctl，不能确认文件完整"]
    with pytest.raises(FileRefused):
        take(engine, seal, "institutions", path, skip_bad=True, require_control=True)
    assert take(engine, seal, "institutions", path, require_control=False).added == 6


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ({"rows": 2, "total": "500.00"}, "文件有 1 行，.ctl 写的是 2 行"),
        ({"rows": 1, "total": "500.01"}, "金额合计 500.00，.ctl 写的是 500.01"),
        ({"rows": 1, "sha256": "0" * 64}, "sha256 与 t.csv.ctl 不符，文件可能不完整或被改过"),
        ({"rows": 1, "total": "many"}, "t.csv.ctl 的 sum 应为金额，如 sum=1500.00，没有金额列的写 0.00"),
    ],
)
def test_a_control_file_that_disagrees_refuses_the_file(
    engine: Engine, seal: FieldSeal, tmp_path: Path, control: dict[str, object], reason: str, skip_bad: bool
) -> None:
    lines = (DEMO / "tariffs.csv").read_text("utf-8").splitlines()
    path = tmp_path / "t.csv"
    path.write_text("\n".join([lines[0], lines[3]]), "utf-8")
    write_control(path, **control)  # type: ignore[arg-type]
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "tariffs", path, skip_bad=skip_bad)
    assert reasons_of(refused) == [reason]
    assert count(engine, "tariff") == 0


@pytest.mark.parametrize(("written", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "GB18030")])
def test_both_encodings_are_read_with_rare_names_and_with_a_byte_order_mark(
    engine: Engine, seal: FieldSeal, tmp_path: Path, written: str, said: str
) -> None:
    take_demo(engine, seal, "institutions")
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": "𬭎示"}, encoding=written)
    assert take(engine, seal, "enrolments", path, encoding=said).added == 1
    [(name,)] = rows_of(engine, "SELECT name FROM person")
    assert seal.open(name) == "𬭎示"


def test_a_file_in_the_other_encoding_is_told_with_the_way_out(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT, encoding="gb18030")
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "enrolments", path)
    assert "--encoding gb18030" in reasons_of(refused)[0]
    with pytest.raises(FileRefused, match="不支持编码"):
        take(engine, seal, "enrolments", path, encoding="latin-1")


def test_missing_unknown_and_repeated_columns_are_named(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("inst_code,inst_name,insurance,division_code,division_name,phone,phone,colour\n", "utf-8")
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "institutions", path, require_control=False)
    assert reasons_of(refused) == ["缺少列：tax_org_name", "不认识的列：colour", "重复的列：phone"]


def test_columns_may_come_in_any_order(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take_demo(engine, seal, "institutions")
    path = write_file(tmp_path / "e.csv", dict(reversed(ENROLMENT.items())))
    assert take(engine, seal, "enrolments", path).added == 1


@pytest.mark.parametrize("ending", ["", '"open quote', "a\x00"])
def test_what_is_no_file_of_rows_is_refused_without_a_crash(
    engine: Engine, seal: FieldSeal, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "e.csv"
    path.write_text((",".join(ENROLMENT) if ending else "") + "\n" + ending, "utf-8")
    with pytest.raises(FileRefused):
        take(engine, seal, "enrolments", path, require_control=False)
    with pytest.raises(FileRefused, match="打不开"):
        take(engine, seal, "enrolments", tmp_path / "nowhere.csv")


def test_a_row_with_too_few_cells_is_a_bad_row(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take_demo(engine, seal, "institutions")
    path = tmp_path / "e.csv"
    path.write_text(f"{','.join(ENROLMENT)}\nB1,1,A,pension\n", "utf-8")
    result = take(engine, seal, "enrolments", path, require_control=False, skip_bad=True)
    assert [str(reason) for reason in result.rejected] == ["第 1 行：这一行有 4 格，与表头不符"]


def test_a_hopeless_file_is_given_up_after_a_thousand_reasons(engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    many = [ENROLMENT | {"row_no": str(number), "status": "asleep"} for number in range(1, 2_500)]
    with pytest.raises(FileRefused) as refused:
        take(engine, seal, "enrolments", write_file(tmp_path / "e.csv", *many))
    assert len(refused.value.reasons) == 1_000
