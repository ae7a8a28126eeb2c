"""A bill's text, row by row: UTF-8 with or without BOM, CRLF or LF, columns by name, a backtick before each cell.

The format (facts/wechat.md B1, B2): a header of details, details, a header of the summary, one row of summary. Headers
carry no backtick. Cells are parted at the backtick, not at the comma alone, whatever a product's name holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.reconciling.refusal import BillRefused

BLANK = "\r\n"


class Sheet:
    """One bill file: its columns, then its rows as lists of cells, then `summary` by name."""

    def __init__(self, path: Path, summary_columns: Sequence[str]) -> None:
        self._path = path
        self._summary_columns = summary_columns
        self.columns: tuple[str, ...] = ()
        self.summary: dict[str, str] = {}

    def read_columns(self) -> tuple[str, ...]:
        """The header of details; raises BillRefused where there is none."""
        with self._path.open(encoding="utf-8-sig", newline="\n") as file:
            try:
                self.columns = _names(file.readline(20_000))
            except UnicodeDecodeError:
                raise BillRefused("不是 UTF-8 的账单") from None
        if len(self.columns) < 2:
            raise BillRefused("这不是微信支付的账单：第一行不是表头")
        return self.columns

    def rows(self) -> Iterator[list[str]]:
        """The details, one after another; sets `summary`. Raises BillRefused for a row of another shape."""
        width, place = len(self.columns), 0
        with self._path.open(encoding="utf-8-sig", newline="\n") as file:
            try:
                next(file)
                for place, line in enumerate(file, 1):
                    if line[0] != "`":
                        break
                    cells = line.rstrip(BLANK)[1:].split(",`")
                    if len(cells) != width:
                        raise BillRefused(f"有 {len(cells)} 格，表头有 {width} 格", place)
                    yield cells
                else:
                    raise BillRefused("没有汇总行，账单不完整")
                self._read_summary(line, next(file, ""), next(file, ""))
            except UnicodeDecodeError:
                raise BillRefused("不是 UTF-8 的账单", place) from None

    def _read_summary(self, header: str, row: str, after: str) -> None:
        names = _names(header)
        cells = row.rstrip(BLANK)[1:].split(",`")
        if missing := [name for name in self._summary_columns if name not in names]:
            raise BillRefused(f"汇总行缺少列：{'、'.join(missing)}")
        if not row.startswith("`") or len(cells) != len(names) or after.strip():
            raise BillRefused("汇总行不是应有的样子，账单不完整")
        self.summary = dict(zip(names, cells, strict=True))


def places(columns: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted columns stand; raises BillRefused naming those that are missing."""
    if missing := [name for name in wanted if name not in columns]:
        raise BillRefused(f"账单缺少列：{'、'.join(missing)}")
    return [columns.index(name) for name in wanted]


def _names(line: str) -> tuple[str, ...]:
    return tuple(
        name.strip().lstrip("`").replace("（", "(").replace("）", ")") for name in line.rstrip(BLANK).split(",")
    )
