"""Where things go on a certificate, before anything is drawn: lines of text in columns, rows on pages. Millimetres."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Width = Callable[[str], float]
GAP = "　　"  # between parts on one line

# What is not torn apart at the end of a line where there is room for it; closing signs stay with what they close.
_PIECES = re.compile(r"(?:[!-~]+ ?|.)[，。；：、！？）》”]*")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table; `right` sets its cells against the right edge, as amounts are."""

    title: str
    width: float
    right: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row, its cells broken into lines; `whose` stands across the table above the first of somebody's rows."""

    cells: tuple[tuple[str, ...], ...]
    whose: tuple[str, ...] = ()
    begins: bool = False  # it is the first of these rows

    @property
    def lines(self) -> int:
        """How many lines high."""
        return max(map(len, self.cells))


def broken(text: str, room: float, width: Width) -> tuple[str, ...]:
    """The text in lines that fit the room; a word that is wider than a line is broken anywhere."""
    if width(text) <= room:
        return (text,)
    lines, line, used = [], "", 0.0
    for piece in _fitting(_PIECES.findall(text), room, width):
        long = width(piece)
        if line and used + (long if piece[-1] != " " else width(piece.rstrip())) > room:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line += piece
        used += long
    return (*lines, line.rstrip())


def packed(parts: Sequence[str], room: float, width: Width) -> tuple[str, ...]:
    """Parts beside each other while they fit; one that is longer than a line has its lines for itself."""
    lines: list[str] = []
    whole = False  # the last line holds nothing that began above it
    for part in parts:
        beside = f"{lines[-1]}{GAP}{part}" if whole else part
        if whole and width(beside) <= room:
            lines[-1] = beside
        else:
            more = broken(part, room, width)
            whole = len(more) == 1
            lines += more
    return tuple(lines)


def _fitting(pieces: Sequence[str], room: float, width: Width) -> Iterator[str]:
    for piece in pieces:
        yield from [piece] if len(piece) == 1 or width(piece.rstrip()) <= room else piece


def on_pages(heights: Sequence[float], tops: Sequence[float], first: float, other: float, last: float) -> list[range]:
    """Which rows stand on which page. `first` and `other` are the room for rows; the last page keeps `last` free.

    `tops` are the heights of rows where they are the first on their page. The end of the document never stands alone:
    the last row goes with it.
    """
    pages: list[range] = []
    start, used, room = 0, 0.0, first
    for index, (height, top) in enumerate(zip(heights, tops, strict=True)):
        free = room - last if index == len(heights) - 1 else room
        if index > start and used + height > free:
            pages.append(range(start, index))
            start, used, room = index, 0.0, other
        used += top if index == start else height
    return [*pages, range(start, len(heights))]
