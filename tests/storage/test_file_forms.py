"""Files that are not what they are called, and files that a spreadsheet or an old system has touched."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.agency.importing import ImportResult
from storage.agency.refusals import FileRefused
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, count, rows_of, take, take_demo, write_control, write_file

ASSESSMENT = {
    "batch_no": "B1",
    "row_no": "1",
    "op": "A",
    "assess_no": "HD1",
    "insurance": "pension",
    "inst_code": "360102YL01",
    "person_no": "7",
    "id_type": "201",
    "id_no": "369901197005210021",
    "name": "李测二",
    "pay_kind": "31",
    "cover_year": "2025",
    "period_from": "202501",
    "period_to": "202512",
    "tier_code": "T500",
    "tier_name": "500元档",
    "amount_due": "500.00",
    "valid_until": "2026-12-31",
    "reason": "",
}
TEXT = "\n".join([",".join(ENROLMENT), ",".join(ENROLMENT.values())]) + "\n"


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


def save(folder: Path, content: bytes) -> Path:
    """A file of one enrolment, as these bytes, with a `.ctl` that fits."""
    path = folder / "e.csv"
    path.write_bytes(content)
    write_control(path, rows=1)
    return path


def why(desk: Engine, seal: FieldSeal, path: Path, encoding: str = "utf-8") -> str:
    with pytest.raises(FileRefused) as refused:
        take(desk, seal, "enrolments", path, encoding=encoding)
    assert count(desk, "enrolment") == count(desk, "imported") == 0
    [reason] = refused.value.reasons
    return str(reason)


def packed(*names: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return into.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed("[Content_Types].xml", "xl/workbook.xml"), "Excel 工作簿（xlsx）"),
        (packed("mimetype", "content.xml"), "表格软件的文件（ods）"),
        (packed("e.csv"), "zip 压缩文件"),
        (packed("e.csv")[:-30], "不完整的压缩文件"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500, "Excel 97-2003 或 WPS 的工作簿"),
        (gzip.compress(TEXT.encode()), "gzip 压缩文件"),
        (b"%PDF-1.7\n%...", "PDF 文件"),
        (f"<html><body><table><tr><td>{TEXT}".encode(), "网页或 XML 表格"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook></Workbook>', "网页或 XML 表格"),
        (TEXT.encode("utf-16"), "“Unicode 文本”"),
        (TEXT.encode("utf-16-be"), "“Unicode 文本”"),
        (b'[{"batch_no": "B1"}]', "JSON 文件"),
        (b"", "空文件"),
        (b"\xef\xbb\xbf\r\n\r\n", "空文件"),
    ],
)
def test_what_is_no_csv_is_said_with_how_to_save_it(
    desk: Engine, seal: FieldSeal, tmp_path: Path, content: bytes, said: str, encoding: str
) -> None:
    reason = why(desk, seal, save(tmp_path, content), encoding)
    assert reason.replace("是 ", "是").startswith(f"e.csv 是{said}")
    assert any(hint in reason for hint in ("另存为", "解压", "请让经办机构", "请重新传"))


def lines(change: Callable[[list[str]], list[str]]) -> bytes:
    return "\n".join(change(TEXT.splitlines())).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT.encode(),
        lines(lambda two: [f"{line},,," for line in two]),
        lines(lambda two: [f"{two[0]},,", two[1]]),
        lines(lambda two: [two[0], f"{two[1]},, ,"]),
        lines(lambda two: [*two, "," * 12, "", " , , "]),
        lines(lambda two: ["", ",,,", *two]),
        TEXT.encode() + b"\x1a",
        TEXT.encode() + b"\r\n\x1a\x00\x00",
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", "，").encode(),
        b"sep=,\r\n" + TEXT.encode(),
        b"\xef\xbb\xbfsep=;\n" + TEXT.replace(",", ";").encode(),
        lines(lambda two: [",".join(f'"{cell}"' for cell in line.split(",")) for line in two]),
        lines(lambda two: [two[0], two[1].replace(ENROLMENT["id_no"], f'"=""{ENROLMENT["id_no"]}"""')]),
        lines(lambda two: [two[0], two[1].replace(ENROLMENT["id_no"], f"'{ENROLMENT['id_no']}\t")]),
        lines(lambda two: [two[0].upper(), two[1]]),
        lines(lambda two: [two[0].replace(",", " , "), two[1]]),
        lines(lambda two: [two[0].replace("op,", "op,,"), two[1].replace(",A,", ",A,,")]),
        lines(lambda two: [two[0], two[1].replace("2012-01-01", "2012/1/1")]),
    ],
)
def test_what_spreadsheets_and_old_systems_add_is_read(
    desk: Engine, seal: FieldSeal, tmp_path: Path, content: bytes
) -> None:
    assert take(desk, seal, "enrolments", save(tmp_path, content)).added == 1
    [(name, since)] = rows_of(desk, "SELECT person.name, valid_from FROM person JOIN enrolment ON person = key")
    assert (seal.open(name), str(since)) == ("李测二", "2012-01-01")


def test_a_cell_under_no_name_is_a_bad_row(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    content = lines(lambda two: [two[0].replace("op,", "op,,"), two[1].replace(",A,", ",A,x,")])
    assert why(desk, seal, save(tmp_path, content)) == "第 1 行：这一行有 14 格，与表头不符"


def test_a_column_with_an_invisible_character_is_shown(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    content = TEXT.replace("op,", "o\u200bp,").encode()
    with pytest.raises(FileRefused) as refused:
        take(desk, seal, "enrolments", save(tmp_path, content))
    assert [str(one) for one in refused.value.reasons] == ["缺少列：op", "不认识的列：o〈U+200B〉p"]


@pytest.mark.parametrize("name", ["何测", "李测", "欧阳样三", "王𬭎·三样", "JOSÉ"])
def test_utf8_is_not_read_as_gb18030(desk: Engine, seal: FieldSeal, tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": name})
    reason = why(desk, seal, path, "gb18030")
    assert "UTF-8" in reason
    assert "--encoding utf-8" in reason
    assert take(desk, seal, "enrolments", path).added == 1


@pytest.mark.parametrize("name", ["何测", "李测二", "买试·吐尔示", "王䶮"])
def test_gb18030_and_plain_ascii_are_read_as_before(desk: Engine, seal: FieldSeal, tmp_path: Path, name: str) -> None:
    people = [ENROLMENT | {"name": name}, ENROLMENT | {"row_no": "2", "id_no": "369902198511030032", "name": "SAMPLE"}]
    path = write_file(tmp_path / "e.csv", *people, encoding="gb18030")
    assert take(desk, seal, "enrolments", path, encoding="gb18030", skip_bad=True).added >= 1


@pytest.mark.parametrize(("written", "read"), [("utf-8", "gb18030"), ("gb18030", "latin-1"), ("utf-8", "latin-1")])
def test_a_file_that_was_misread_before_it_came_is_refused(
    desk: Engine, seal: FieldSeal, tmp_path: Path, written: str, read: str
) -> None:
    names = ["何测", "李测", "王样", "赵样", "钱样", "孙测"]
    rows = [
        ENROLMENT | {"row_no": str(n), "name": name.encode(written).decode(read)} for n, name in enumerate(names, 1)
    ]
    assert "乱码" in why(desk, seal, write_file(tmp_path / "e.csv", *rows))


def control(desk: Engine, seal: FieldSeal, folder: Path, change: Callable[[str], bytes]) -> ImportResult:
    path = write_file(folder / "e.csv", ENROLMENT)
    beside = path.with_name("e.csv.ctl")
    beside.write_bytes(change(beside.read_text()))
    return take(desk, seal, "enrolments", path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode() + b"\x1a",
        lambda text: text.replace("=", " = ").encode(),
        lambda text: text.replace("=", "：").encode("gb18030"),
        lambda text: text.upper().encode(),
        lambda text: text.replace("rows=1", "rows=1,").replace("sum=0.00", 'sum="0.00"').encode(),
        lambda text: text.rstrip().encode() + b"  e.csv\n",
        lambda text: ("# 第一批\n" + text).encode("gb18030"),
        lambda text: text.replace("0.00", "0.00元").encode(),
    ],
)
def test_a_control_file_is_read_however_it_was_saved(
    desk: Engine, seal: FieldSeal, tmp_path: Path, change: Callable[[str], bytes]
) -> None:
    assert control(desk, seal, tmp_path, change).controlled


@pytest.mark.parametrize("name", ["e.ctl", "e.CTL", "e.csv.CTL"])
def test_a_control_file_may_be_named_in_either_way(desk: Engine, seal: FieldSeal, tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT)
    path.with_name("e.csv.ctl").rename(tmp_path / name)
    assert take(desk, seal, "enrolments", path).controlled


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("rows=1", "rows=one").encode(), "e.csv.ctl 的 rows 应为行数，如 rows=1500"),
        (lambda text: text.replace("rows=1", "").encode(), "e.csv.ctl 缺少 rows，应有 rows、sum、sha256 三行"),
        (
            lambda text: text.replace("0.00", "1e9").encode(),
            "e.csv.ctl 的 sum 应为金额，如 sum=1500.00，没有金额列的写 0.00",
        ),
        (lambda text: text[:-9].encode(), "e.csv.ctl 的 sha256 应为 64 位十六进制数"),
    ],
)
def test_a_control_file_that_cannot_be_read_says_which_line(
    desk: Engine, seal: FieldSeal, tmp_path: Path, change: Callable[[str], bytes], said: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        control(desk, seal, tmp_path, change)
    assert [str(one) for one in refused.value.reasons] == [said]


@pytest.mark.parametrize("total", ["10000000000.01", "25000000000.00", "9999999999999.99"])
def test_a_sum_above_ten_thousand_million_is_read_and_compared(
    desk: Engine, seal: FieldSeal, tmp_path: Path, total: str
) -> None:
    path = write_file(tmp_path / "a.csv", ASSESSMENT, total=total)
    with pytest.raises(FileRefused) as refused:
        take(desk, seal, "assessments", path)
    assert [str(one) for one in refused.value.reasons] == [f"金额合计 500.00，.ctl 写的是 {total}"]
    great = [ASSESSMENT | {"assess_no": f"HD{n}", "row_no": str(n), "amount_due": "9000000000.00"} for n in (1, 2, 3)]
    taken = take(desk, seal, "assessments", write_file(tmp_path / "b.csv", *great, total="27000000000.00"))
    assert (taken.added, taken.controlled) == (3, True)
    with_separators = write_file(tmp_path / "c.csv", *great, total="27,000,000,000.00")
    assert take(desk, seal, "assessments", with_separators).already == 3


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("补缴\r\n2025 年", "补缴 2025 年"),
        ("补缴\t差额", "补缴 差额"),
        ("上半年\u2028下半年", "上半年 下半年"),
        ("-无-", "-无-"),
        ("@张", "@张"),
        ("+补缴", "+补缴"),
        ("=同上", "=同上"),
        ("\n", ""),
    ],
)
def test_a_remark_of_any_content_is_read(desk: Engine, seal: FieldSeal, tmp_path: Path, typed: str, kept: str) -> None:
    path = write_file(tmp_path / "a.csv", ASSESSMENT | {"reason": f'"{typed}"'}, total="500.00")
    assert take(desk, seal, "assessments", path).added == 1
    assert rows_of(desk, "SELECT reason FROM assessment") == [(kept,)]


def test_a_guarded_remark_comes_back_as_it_was(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    rows = [ASSESSMENT | {"reason": "-无-", "amount_due": "?"}]
    first = take(desk, seal, "assessments", write_file(tmp_path / "a.csv", *rows), skip_bad=True)
    assert first.rejected_file is not None
    mended = first.rejected_file.read_text("utf-8")
    assert ",'-无-," in mended
    first.rejected_file.write_text(mended.replace("?", "500.00"), "utf-8")
    assert take(desk, seal, "assessments", first.rejected_file, require_control=False).added == 1
    assert rows_of(desk, "SELECT reason FROM assessment") == [("-无-",)]


@pytest.mark.parametrize("cell", ["3.69901E+17", "3.69901197005210E+17"])
def test_a_number_that_a_spreadsheet_rounded_is_said_so(
    desk: Engine, seal: FieldSeal, tmp_path: Path, cell: str
) -> None:
    assert "科学计数" in why(desk, seal, write_file(tmp_path / "e.csv", ENROLMENT | {"id_no": cell}))
