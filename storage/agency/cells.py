"""The cells of one row, read as the values they stand for; what is wrong is told in a short sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from dialogs.terms.identity import Document, NotADocument, NotAName, read_document, read_name
from dialogs.terms.insurance import Insurance
from dialogs.terms.money import Fen, NotMoney, fen_of
from dialogs.terms.standard_han import standard_han
from storage.agency.refusals import RowRefused

BEIJING = ZoneInfo("Asia/Shanghai")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SLASHED_DAY = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})")
_FORMULA = re.compile(r"\s*(?:[=@]|[+-][^0-9])")  # a name never begins so
_RUNS = re.compile(r"\s*[=＝]")
_BREAKS = re.compile(r"[\s\u0085\u2028\u2029]+")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+")
_MISREAD = re.compile("\ufffd|锟斤")  # what is left of text that was read in the wrong encoding
_WRONG_DOCUMENT = {
    "empty": "证件号码是空的",
    "length": "证件号码位数不对",
    "characters": "证件号码里有不该有的字符",
    "checksum": "身份证号码校验位不对",
    "birth": "证件号码里的出生日期不存在",
    "old15": "是15位旧号码，应为18位",
    "province": "证件号码的省份代码不存在",
}
_WRONG_NAME = {"empty": "姓名是空的", "length": "姓名太长", "characters": "姓名里有不该有的字符"}
Code = TypeVar("Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one row by column name. Every method raises RowRefused."""

    by_column: Mapping[str, str]
    today: date

    def remark(self, column: str, most: int = 200) -> str:
        """A text of any content that may be empty: what a spreadsheet would run is guarded when it is written.

        Line breaks and tabs are blanks, blanks around it go.
        """
        text = _BREAKS.sub(" ", standard_han(self.by_column[column])).strip()
        if len(text) > most:
            raise RowRefused(f"{column} 太长（最多 {most} 个字）")
        if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
            raise RowRefused(f"{column} 里有看不见的控制字符")
        if _MISREAD.search(text):
            raise RowRefused(f"{column} 是乱码")
        return text

    def optional(self, column: str, most: int = 200) -> str:
        """As `remark`, for a text that is part of what is asked and shown: no formula."""
        text = self.remark(column, most)
        if _RUNS.match(text):
            raise RowRefused(f"{column} 是公式，不是内容")
        return text

    def text(self, column: str, most: int = 200) -> str:
        """A text that must be there."""
        text = self.optional(column, most)
        if not text:
            raise RowRefused(f"{column} 是空的")
        return text

    def matching(self, column: str, pattern: str, meaning: str) -> str:
        """A code of a fixed form; `meaning` says the form in Chinese."""
        text = self.by_column[column].strip()
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise RowRefused(f"{column} 应为{meaning}")
        return text

    def code(self, column: str, codes: type[Code]) -> Code:
        """One of the codes of an enumeration."""
        text = self.by_column[column].strip()
        try:
            return codes(text)
        except ValueError:
            raise RowRefused(f"{column} 只能是 {'、'.join(codes)}") from None

    def source(self) -> str:
        """Which row this is, `batch:row`; for files with numbered rows."""
        return f"{self.by_column['batch_no'].strip()}:{self.by_column['row_no'].strip()}"

    def insurance(self) -> Insurance:
        return self.code("insurance", Insurance)

    def count(self, column: str) -> int:
        """A whole number from 1, as row numbers are."""
        return int(self.matching(column, "[1-9][0-9]{0,8}", "从 1 起的整数"))

    def year(self, column: str) -> int:
        return int(self.matching(column, "20[0-9]{2}", "四位年份"))

    def periods(self) -> tuple[str, str]:
        """费款所属期起止, `YYYYMM` each."""
        first = self.matching("period_from", "20[0-9]{2}(0[1-9]|1[0-2])", "年月，如 202601")
        last = self.matching("period_to", "20[0-9]{2}(0[1-9]|1[0-2])", "年月，如 202612")
        if first > last:
            raise RowRefused("费款所属期的起止颠倒了")
        return first, last

    def day(self, column: str) -> date:
        text = self.by_column[column].strip()
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
            if slashed := _SLASHED_DAY.fullmatch(text):  # as spreadsheets write a day
                return date(*map(int, slashed.groups()))
        except ValueError:
            pass
        raise RowRefused(f"{column} 应为日期，如 2026-01-31")

    def optional_day(self, column: str) -> date | None:
        return self.day(column) if self.by_column[column].strip() else None

    def moment(self, column: str) -> int:
        """A moment in unix seconds; one without an offset is Beijing time."""
        try:
            at = datetime.fromisoformat(self.by_column[column].strip())
        except ValueError:
            raise RowRefused(f"{column} 应为时间，如 2026-03-08T10:01:00+08:00") from None
        at = at if at.tzinfo else at.replace(tzinfo=BEIJING)
        if at.astimezone(BEIJING).date() > self.today + timedelta(days=1):
            raise RowRefused(f"{column} 在将来")
        return int(at.timestamp())

    def amount(self, column: str) -> Fen:
        """Yuan with at most two decimals, as fen."""
        try:
            return fen_of(self.by_column[column].strip())
        except NotMoney:
            raise RowRefused(f"{column} 不是金额") from None

    def optional_amount(self, column: str) -> Fen | None:
        """As `amount`; None for an empty cell."""
        return self.amount(column) if self.by_column[column].strip() else None

    def document(self) -> Document:
        """The ID document; its kind must be the one of the column `id_type`."""
        if _SCIENTIFIC.fullmatch(self.by_column["id_no"].strip()):
            raise RowRefused("证件号码被表格软件改成了科学计数，后几位已经丢了：请把这一列设成文本再导出")
        try:
            document = read_document(self.by_column["id_no"], self.today)
        except NotADocument as error:
            raise RowRefused(_WRONG_DOCUMENT[error.why]) from None
        if self.by_column["id_type"].strip() not in document.kind.value:
            raise RowRefused("证件类型与证件号码不符")
        return document

    def name(self) -> str:
        """The insured's name, normalised."""
        typed = self.by_column["name"]
        if _FORMULA.match(typed):
            raise RowRefused("姓名是公式，不是姓名")
        if _MISREAD.search(typed):
            raise RowRefused("姓名是乱码")
        try:
            return read_name(typed)
        except NotAName as error:
            raise RowRefused(_WRONG_NAME[error.why]) from None
