"""The agencies' CSV files as they lie on the disk: encoding, header, lines, and the `.ctl` beside each."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialogs.terms.money import Fen, NotMoney, fen_of
from storage.agency.refusals import FileRefused, Reason

REASON_COLUMN = "reject_reason"  # the last column of a file of refused rows; ignored when that file is imported again
_CODECS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its place among the rows, from 1, and its cells by column, or as they came if they are too
    many or too few."""

    place: int
    raw: tuple[str, ...]
    cells: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Control:
    """What a `.ctl` says: number of rows, sum of the amount column in fen, SHA-256 of the file's bytes."""

    rows: int
    total: Fen
    sha256: str


def codec_of(encoding: str) -> str:
    """Python's codec for `--encoding`; raises FileRefused."""
    codec = _CODECS.get(encoding.lower())
    if codec is None:
        raise FileRefused(Reason(None, f"不支持编码 {encoding}，可用 utf-8 或 gb18030"))
    return codec


def read_control(path: Path) -> Control | None:
    """The `.ctl` beside the file (`enrolments.csv.ctl`), None where there is none; raises FileRefused."""
    beside = path.with_name(f"{path.name}.ctl")
    try:
        text = beside.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(Reason(None, f"{beside.name} 读不出来")) from error
    found = dict(re.findall(r"^[ \t]*(\w+)[ \t]*=[ \t]*(\S*)[ \t]*$", text, re.MULTILINE))
    try:
        control = Control(int(found["rows"]), fen_of(found["sum"]), found["sha256"].lower())
    except (KeyError, NotMoney, ValueError) as error:
        raise FileRefused(Reason(None, f"{beside.name} 应有 rows、sum、sha256 三行")) from error
    return control


def digest_of(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hex; raises FileRefused."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileRefused(Reason(None, f"文件 {path.name} 打不开")) from error


def read_lines(path: Path, encoding: str, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Line]:
    """The file's rows one by one, columns in any order; raises FileRefused for what makes every row doubtful.

    `optional` columns that the file does not have are empty cells.
    """
    place = 0
    lacking = dict.fromkeys(optional, "")
    try:
        with path.open(encoding=codec_of(encoding), newline="") as file:
            reader = csv.reader(file, strict=True)
            header = _header(next(reader, []), columns, optional)
            for raw in reader:
                if not raw:
                    continue  # a blank line
                place += 1
                cells = lacking | dict(zip(header, raw, strict=True)) if len(raw) == len(header) else None
                yield Line(place, tuple(raw), cells)
    except UnicodeDecodeError as error:
        other = "gb18030" if codec_of(encoding) != "gb18030" else "utf-8"
        text = f"第 {place} 行以后不是 {encoding} 编码，请试 --encoding {other}"
        raise FileRefused(Reason(None, text)) from error
    except csv.Error as error:
        raise FileRefused(Reason(None, f"第 {place} 行以后不是规范的 CSV（多半是引号不成对）")) from error
    except OSError as error:
        raise FileRefused(Reason(None, f"文件 {path.name} 打不开")) from error


def _header(found: Sequence[str], columns: Sequence[str], optional: Sequence[str]) -> tuple[str, ...]:
    header = tuple(name.strip() for name in found)
    reasons = []
    if missing := [name for name in columns if name not in header]:
        reasons.append(Reason(None, f"缺少列：{'、'.join(missing)}"))
    if unknown := [name for name in header if name not in (*columns, *optional, REASON_COLUMN)]:
        reasons.append(Reason(None, f"不认识的列：{'、'.join(unknown)[:200]}"))
    if twice := sorted({name for name in header if header.count(name) > 1}):
        reasons.append(Reason(None, f"重复的列：{'、'.join(twice)[:200]}"))
    if reasons:
        raise FileRefused(*reasons)
    return header


def spreadsheet_safe(cell: str) -> str:
    """The cell written so that no spreadsheet runs it as a formula (design 9)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
