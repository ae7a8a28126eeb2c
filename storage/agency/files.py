"""The agencies' CSV files as they lie on the disk: encoding, header, lines, and the `.ctl` beside each."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialogs.terms.money import Fen, NotMoney, sum_of
from storage.agency.file_form import HEAD_BYTES, column_name, read_cells, shown
from storage.agency.refusals import FileRefused, Reason

REASON_COLUMN = "reject_reason"  # the last column of a file of refused rows; ignored when that file is imported again
_CODECS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
_CONTROL_LINE = re.compile(r"^[ \t\"']*(\w+)[ \t\"']*[=:][ \t\"']*([^\r\n]*?)[ \t\"',;]*$", re.MULTILINE)
_PLAIN_COUNT, _COUNT_IN_THREES = "[0-9]+", r"[0-9]{1,3}(?:,[0-9]{3})+"


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
    """The `.ctl` beside the file (`enrolments.csv.ctl`, or `enrolments.ctl`), None where there is none.

    Raises FileRefused.
    """
    names = (f"{path.name}.ctl", f"{path.name}.CTL", f"{path.stem}.ctl", f"{path.stem}.CTL")
    beside = next((found for found in map(path.with_name, names) if found.is_file()), path.with_name(names[0]))
    try:
        text = _control_text(beside.read_bytes()[:HEAD_BYTES])
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(Reason(None, f"{beside.name} 读不出来")) from error
    found = {name.lower(): value for name, value in _CONTROL_LINE.findall(text)}
    if missing := [name for name in ("rows", "sum", "sha256") if name not in found]:
        raise FileRefused(Reason(None, f"{beside.name} 缺少 {'、'.join(missing)}，应有 rows、sum、sha256 三行"))
    rows, total, sha256 = (found[name] for name in ("rows", "sum", "sha256"))
    if re.fullmatch(f"(?:{_PLAIN_COUNT}|{_COUNT_IN_THREES})", rows) is None:
        raise FileRefused(Reason(None, f"{beside.name} 的 rows 应为行数，如 rows=1500"))
    try:
        total = total.removesuffix("元").strip()
        fen = sum_of(total.replace(",", "") if re.match(_COUNT_IN_THREES, total) else total)
    except NotMoney as error:
        raise FileRefused(
            Reason(None, f"{beside.name} 的 sum 应为金额，如 sum=1500.00，没有金额列的写 0.00")
        ) from error
    digest = sha256.split()[0].lower()  # sha256sum writes the name behind it
    if re.fullmatch("[0-9a-f]{64}", digest) is None:
        raise FileRefused(Reason(None, f"{beside.name} 的 sha256 应为 64 位十六进制数"))
    return Control(int(rows.replace(",", "")), fen, digest)


def _control_text(content: bytes) -> str:
    """A `.ctl` as text: three lines of ASCII, whatever a text editor saved them as."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("gb18030")
    return "\n".join(unicodedata.normalize("NFKC", re.sub("[\ufeff\x1a\x00]", "", text)).splitlines())


def read_lines(path: Path, encoding: str, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Line]:
    """The file's rows one by one, columns in any order; raises FileRefused for what makes every row doubtful.

    `optional` columns that the file does not have are empty cells. Columns without a name must be empty.
    """
    place = 0
    lacking = dict.fromkeys(optional, "")
    try:
        rows = read_cells(path, codec_of(encoding), (*columns, *optional, REASON_COLUMN))
        header = _header(next(rows, []), columns, optional)
        width = len(header)
        for raw in rows:
            place += 1
            while len(raw) > width and not raw[-1].strip():
                raw.pop()  # columns that a spreadsheet added
            raw = [unguarded(cell) for cell in raw]
            unnamed = any(cell.strip() for name, cell in zip(header, raw, strict=False) if not name)
            cells = dict(zip(header, raw, strict=True)) if len(raw) == width and not unnamed else None
            yield Line(place, tuple(raw), None if cells is None else lacking | cells)
    except UnicodeDecodeError as error:
        other = "gb18030" if codec_of(encoding) != "gb18030" else "utf-8"
        text = f"第 {place} 行以后不是 {encoding} 编码，请试 --encoding {other}"
        raise FileRefused(Reason(None, text)) from error
    except csv.Error as error:
        raise FileRefused(Reason(None, f"第 {place} 行以后不是规范的 CSV（多半是引号不成对）")) from error
    except OSError as error:
        raise FileRefused(Reason(None, f"文件 {path.name} 打不开")) from error


def _header(found: Sequence[str], columns: Sequence[str], optional: Sequence[str]) -> tuple[str, ...]:
    header = [column_name(name) for name in found]
    while header and not header[-1]:
        header.pop()  # empty columns that a spreadsheet added
    reasons = []
    if missing := [name for name in columns if name not in header]:
        reasons.append(Reason(None, f"缺少列：{'、'.join(missing)}"))
    if unknown := [name for name in header if name not in (*columns, *optional, REASON_COLUMN, "")]:
        reasons.append(Reason(None, f"不认识的列：{shown('、'.join(unknown)[:200])}"))
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        reasons.append(Reason(None, f"重复的列：{shown('、'.join(twice)[:200])}"))
    if reasons:
        raise FileRefused(*reasons)
    return tuple(header)


_RUN_BY_SPREADSHEETS = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


_AS_TEXT = re.compile(r'="([^"]*)"')


def spreadsheet_safe(cell: str) -> str:
    """The cell written so that no spreadsheet runs it as a formula (design 9)."""
    return f"'{cell}" if _RUN_BY_SPREADSHEETS.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `spreadsheet_safe` guarded it, or a spreadsheet wrote it as text (="0123")."""
    if quoted := _AS_TEXT.fullmatch(cell.strip()):
        return quoted[1]
    return cell[1:] if cell.startswith("'") and spreadsheet_safe(cell[1:]) == cell else cell
