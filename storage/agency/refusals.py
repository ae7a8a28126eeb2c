"""Why a row or a whole file of an agency is not taken, in words for the operator."""

from __future__ import annotations

from dataclasses import dataclass

CHANGED_SINCE = "这一行登记的内容后来由别的行改过或删了，没有再动"


@dataclass(frozen=True, slots=True)
class Reason:
    """One short sentence in Chinese; `row_no` is the file's own number of the row, None for the file as a whole.

    Holds no ID number and no name: it is printed and logged.
    """

    row_no: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.row_no is None else f"第 {self.row_no} 行：{self.text}"


class RowRefused(ValueError):
    """This row cannot be taken."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class FileRefused(ValueError):
    """Nothing of the file was taken; every reason found is listed (of very many, the first thousand)."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons[:3]))
        self.reasons = reasons
