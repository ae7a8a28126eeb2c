"""What a file is before its rows are read: text in the encoding that was named, or a workbook, an archive, a page.

A file that cannot be read is refused with what it is and how to save it. What is harmless is read: byte order marks,
`sep=` lines, other separators, empty columns and rows that a spreadsheet adds, the Ctrl-Z of old systems.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storage.agency.refusals import FileRefused, Reason

HEAD_BYTES = 65_536  # looked at to say what a file is
READ_BYTES = 1 << 20
SAVE_AS_CSV = "请打开它，另存为“CSV UTF-8（逗号分隔）”再导入，.ctl 也要按新文件重写"
UNPACK = "请先解压，导入里面的 CSV 文件"
_OF_OFFICE = {
    "xl/workbook.xml": f"Excel 工作簿（xlsx）：{SAVE_AS_CSV}",
    "xl/workbook.bin": f"Excel 工作簿（xlsb）：{SAVE_AS_CSV}",
    "content.xml": f"表格软件的文件（ods）：{SAVE_AS_CSV}",
    "word/document.xml": "Word 文档（docx）：请让经办机构发 CSV 文件",
}
_BEGINNINGS = (
    (b"\xd0\xcf\x11\xe0", f"Excel 97-2003 或 WPS 的工作簿（xls、et）：{SAVE_AS_CSV}"),
    (b"\x1f\x8b", f"gzip 压缩文件：{UNPACK}"),
    (b"BZh", f"bzip2 压缩文件：{UNPACK}"),
    (b"\xfd7zXZ\x00", f"xz 压缩文件：{UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"7z 压缩文件：{UNPACK}"),
    (b"Rar!", f"rar 压缩文件：{UNPACK}"),
    (b"%PDF", "PDF 文件：请让经办机构发 CSV 文件"),
    (b"{\\rtf", "Word 文档（rtf）：请让经办机构发 CSV 文件"),
    (b"\x89PNG", "图片（png）：请让经办机构发 CSV 文件"),
    (b"\xff\xd8\xff", "图片（jpg）：请让经办机构发 CSV 文件"),
    (b"SQLite format 3", "数据库文件：请让经办机构发 CSV 文件"),
)
_UTF16 = f"“Unicode 文本”（UTF-16 编码）：{SAVE_AS_CSV}"
_MARKUP = re.compile(rb"<(?:!doctype|html|head|body|table|meta|\?xml|script|div)\b", re.IGNORECASE)
_JSON = re.compile(rb"[\[{]\s*[\[{\"]")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\s]*', re.IGNORECASE)
SEPARATORS = ",;\t|，；"
_END_OF_FILE = "\x1a\x00\r\n"  # what old systems put behind the last line
# How a file was read wrongly before it came here: written as the first, read as the second.
_MISREAD = (("utf-8", "gb18030"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("gb18030", "latin-1"))
_LEAST_MISREAD = 5  # lines, all of them: of a single short line it may be chance


@dataclass(frozen=True, slots=True)
class FileForm:
    """What one pass over the bytes shows."""

    sha256: str
    head: bytes
    is_utf8: bool
    is_ascii: bool
    has_han_in_utf8: bool  # a sequence of three bytes or more, if it is UTF-8: Han has no shorter ones


def form_of(path: Path) -> FileForm:
    """Read the whole file once, in pieces; raises FileRefused where it cannot be opened."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    head, is_utf8, is_ascii, has_long = b"", True, True, False
    try:
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
                head = head or piece[:HEAD_BYTES]
                if not piece.isascii():
                    is_ascii = False
                    has_long = has_long or max(piece) >= 0xE0
                is_utf8 = is_utf8 and _decodes(decoder, piece, final=False)
    except OSError as error:
        raise FileRefused(Reason(None, f"文件 {path.name} 打不开")) from error
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return FileForm(digest.hexdigest(), head, is_utf8, is_ascii, is_utf8 and has_long)


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def check_form(path: Path, form: FileForm, codec: str) -> None:
    """Raises FileRefused for what is no text, or text in another encoding than `codec` that would be read all the same.

    UTF-8 read as GB 18030 gives other Han and no error where every name has an even number of characters.
    """
    if what := what_it_is(path, form.head):
        raise FileRefused(Reason(None, f"{path.name} 是{' ' if what[0].isascii() else ''}{what}"))
    if codec == "gb18030" and form.has_han_in_utf8:
        text = f"{path.name} 是 UTF-8 编码，按 gb18030 读会变成别的字，请用 --encoding utf-8"
        raise FileRefused(Reason(None, text))
    if codec == "gb18030" and form.is_utf8 and not form.is_ascii:
        text = (
            f"{path.name} 按 UTF-8 和按 gb18030 都读得通，分不清是哪一种：是 UTF-8 的请用 --encoding utf-8，"
            "是 gb18030 的请另存为 UTF-8 再导入"
        )
        raise FileRefused(Reason(None, text))
    if _was_misread(form.head.decode(codec, "ignore")):
        text = f"{path.name} 里的汉字是乱码：在别处用错编码读过又存过一遍，请让经办机构重新发"
        raise FileRefused(Reason(None, text))


def what_it_is(path: Path, head: bytes) -> str:
    """What a file is that is no text, and how to save it; "" for text."""
    if not head.strip(b"\xef\xbb\xbf\x1a\x00 \t\r\n"):
        return "空文件，一行也没有：请让经办机构重新发"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(path)
    for beginning, what in _BEGINNINGS:
        if head.startswith(beginning):
            return what
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if _MARKUP.match(text):
        return f"网页或 XML 表格，只是改了扩展名：{SAVE_AS_CSV}"
    if _JSON.match(text):
        return "JSON 文件：请让经办机构发 CSV 文件"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _UTF16
    if b"\x00" * 4 in (head[1:8:2], head[:8:2]):
        return _UTF16
    empty = head.rstrip(b"\x00\x1a").count(b"\x00")
    return "二进制文件，不是文本：请让经办机构发 CSV 文件" if 20 * empty > len(head) else ""


def _packed(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return f"不完整的压缩文件或工作簿：请重新传一次；是工作簿的话，{SAVE_AS_CSV}"
    return next((what for name, what in _OF_OFFICE.items() if name in names), f"zip 压缩文件：{UNPACK}")


def _was_misread(text: str) -> bool:
    lines = {line for line in text.splitlines()[:-1] if not line.isascii()}  # the last one may be cut
    few = list(islice(lines, 200))
    return len(few) >= _LEAST_MISREAD and any(all(_misread(line, *how) for line in few) for how in _MISREAD)


def _misread(line: str, written: str, read: str) -> bool:
    try:
        return any("\u4e00" <= one <= "\u9fff" for one in line.encode(read).decode(written))
    except UnicodeError:
        return False


def read_cells(path: Path, codec: str, known: Sequence[str]) -> Iterator[list[str]]:
    """The rows of a text file, the header first, blank rows left out; raises OSError, UnicodeDecodeError, csv.Error.

    The separator is the one that yields most of the `known` columns in the header, or the one a `sep=` line names.
    """
    with path.open(encoding=codec, newline="") as file:
        lines = _without_marks(file)
        header, separator = _header_line(lines, known)
        yield next(csv.reader([header], delimiter=separator))
        for row in csv.reader(lines, strict=True, delimiter=separator):
            if any(cell.strip() for cell in row):
                yield row


def _without_marks(lines: Iterator[str]) -> Iterator[str]:
    """The lines without byte order marks before the first and what old systems put behind the last."""
    before: str | None = None
    for line in lines:
        if before is None:
            before = line.lstrip("\ufeff")
            continue
        yield before
        before = line
    if before is not None and (last := before.rstrip(_END_OF_FILE)):
        yield last


def _header_line(lines: Iterator[str], known: Sequence[str]) -> tuple[str, str]:
    """The first line that is not blank, and the separator of its columns."""
    named = ""
    for line in lines:
        if found := _SEPARATOR_LINE.fullmatch(line.strip()):
            named = found[1]
        elif line.strip(" \t\r\n,;"):
            return line, named or max(SEPARATORS, key=lambda separator: _columns_in(line, separator, known))
    return "", ","


def _columns_in(line: str, separator: str, known: Sequence[str]) -> int:
    return len({column_name(cell) for cell in next(csv.reader([line], delimiter=separator), [])} & set(known))


def column_name(cell: str) -> str:
    """A cell of the header as a column's name: without blanks around it, in lower case."""
    return cell.strip().strip("\ufeff").lower()


def shown(text: str) -> str:
    """The text with a name for each character that cannot be seen, for reasons an operator reads."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return "".join(f"〈U+{ord(one):04X}〉" if unicodedata.category(one) in hidden else one for one in text)
