"""The table of payments on a certificate: its cells broken into lines, its rows put on pages, and drawn.

Where a certificate is for several people, a line across the table names each of them with the full ID number, above
the rows that are theirs; it stands again where they go on upon the next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.certificate.layout import Column, TableRow, broken, on_pages, packed
from bot.certificate.sheet import Sheet
from dialogs.terms.insurance import PayKind
from dialogs.terms.money import decimal_yuan
from dialogs.texts import say
from storage.certified import Certificate, CertifiedLine

CELL_SIZE = 9.5
CELL_LINE, CELL_PAD = 4.6, 1.2
BASELINE = 0.78  # of a line's height, where its text stands
HEADING_HEIGHT = 7.5
NOTHING = "—"  # where a cell would stay empty


@dataclass(frozen=True)
class PaymentTable:
    """The rows of one certificate between `left` and the right edge its columns reach; millimetres."""

    sheet: Sheet
    left: float
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]

    @classmethod
    def of(cls, certificate: Certificate, sheet: Sheet, left: float) -> PaymentTable:
        """The table of these payments."""
        columns = _columns()
        cells = _Cells(sheet, columns)
        several = len(certificate.people) > 1
        room = sum(column.width for column in columns) - 2 * CELL_PAD
        whose = [
            packed(_person(certificate, place), room, sheet.width(CELL_SIZE)) if several else ()
            for place in range(len(certificate.people))
        ]
        rows, before = [], -1
        for line in certificate.lines:
            rows.append(TableRow(cells.of(line), whose[line.whose], begins=line.whose != before))
            before = line.whose
        return cls(sheet, left, columns, tuple(rows))

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + sum(column.width for column in self.columns)

    def pages(self, room: float, further: float, last: float) -> list[range]:
        """Which rows stand on which page, where so much is free below the table's top, and `last` on the last one."""
        heights = [_height(row) + (_band(row) if row.begins else 0) for row in self.rows]
        tops = [_height(row) + _band(row) for row in self.rows]
        return on_pages(heights, tops, room - HEADING_HEIGHT, further - HEADING_HEIGHT, last)

    def draw(self, y: float, which: Sequence[int]) -> float:
        """Heading and these rows from `y` down; gives the `y` below them."""
        strokes = [(self.left, y, self.right, y)]
        top, left = y, self.left
        for column in self.columns:
            self.sheet.centred(left + column.width / 2, y + 5, column.title, CELL_SIZE)
            left += column.width
        y += HEADING_HEIGHT
        strokes.append((self.left, y, self.right, y))
        for place, index in enumerate(which):
            row = self.rows[index]
            if row.whose and (row.begins or place == 0):
                strokes += self._edges(top, y)
                self._write(self.left + CELL_PAD, y, _band(row), row.whose)
                y += _band(row)
                strokes += [(self.left, y, self.right, y), *self._sides(y - _band(row), y)]
                top = y
            self._cells(y, row)
            y += _height(row)
            strokes.append((self.left, y, self.right, y))
        strokes += self._edges(top, y)
        self.sheet.strokes(strokes)
        return y

    def _edges(self, top: float, bottom: float) -> list[tuple[float, float, float, float]]:
        """The upright lines between columns."""
        edges, edge = [], self.left
        for width in (0.0, *(column.width for column in self.columns)):
            edge += width
            edges.append((edge, top, edge, bottom))
        return edges if bottom > top else []

    def _sides(self, top: float, bottom: float) -> list[tuple[float, float, float, float]]:
        return [(self.left, top, self.left, bottom), (self.right, top, self.right, bottom)]

    def _cells(self, y: float, row: TableRow) -> None:
        left = self.left
        for column, lines in zip(self.columns, row.cells, strict=True):
            if column.right:
                self._write(left + column.width - CELL_PAD, y, _height(row), lines, right=True)
            else:
                self._write(left + CELL_PAD, y, _height(row), lines)
            left += column.width

    def _write(self, x: float, y: float, height: float, lines: Sequence[str], *, right: bool = False) -> None:
        base = y + (height - len(lines) * CELL_LINE) / 2 + CELL_LINE * BASELINE
        for number, line in enumerate(lines):
            if right:
                self.sheet.right(x, base + number * CELL_LINE, line, CELL_SIZE)
            else:
                self.sheet.text(x, base + number * CELL_LINE, line, CELL_SIZE)


class _Cells:
    """Texts broken to the width of their column, each once: the same institution stands in every row."""

    def __init__(self, sheet: Sheet, columns: Sequence[Column]) -> None:
        self._width = sheet.width(CELL_SIZE)
        self._columns = columns
        self._broken: dict[tuple[str, float], tuple[str, ...]] = {}

    def of(self, line: CertifiedLine) -> tuple[tuple[str, ...], ...]:
        """The cells of one payment."""
        kind = "" if line.pay_kind is PayKind.NORMAL else say(f"paper.kind_{line.pay_kind}")
        texts = (
            say(f"insurance.{line.insurance}") + kind,
            line.institution,
            line.tier or NOTHING,
            say("paper.period", begin=_month(line.period_from), end=_month(line.period_to)),
            line.paid_on.isoformat(),
            line.receipt_no or NOTHING,
            decimal_yuan(line.amount),
        )
        return tuple(self._cell(text, column.width) for text, column in zip(texts, self._columns, strict=True))

    def _cell(self, text: str, width: float) -> tuple[str, ...]:
        found = self._broken.get((text, width))
        if found is None:
            found = self._broken[text, width] = broken(text, width - 2 * CELL_PAD, self._width)
        return found


def person_numbers(certificate: Certificate, place: int) -> str:
    """社保个人编号 of one of the people; there may be one at each institution."""
    return "、".join(dict.fromkeys(line.person_no for line in certificate.lines if line.whose == place))


def _person(certificate: Certificate, place: int) -> tuple[str, ...]:
    """Name, document and number, 社保个人编号."""
    one = certificate.people[place]
    document = say(f"paper.document_{one.id_type}")
    return (
        say("paper.person", name=one.name),
        say("paper.person_document", document=document, id_number=one.id_number),
        say("paper.person_of", person_no=person_numbers(certificate, place)),
    )


def _height(row: TableRow) -> float:
    return row.lines * CELL_LINE + 2 * CELL_PAD


def _band(row: TableRow) -> float:
    """The height of the line that says whose rows follow."""
    return len(row.whose) * CELL_LINE + 2 * CELL_PAD if row.whose else 0.0


def _columns() -> tuple[Column, ...]:
    return (
        Column(say("paper.column_insurance"), 29.3),
        Column(say("paper.column_institution"), 43.4),
        Column(say("paper.column_tier"), 18),
        Column(say("paper.column_period"), 19.4),
        Column(say("paper.column_paid_on"), 20.4),
        Column(say("paper.column_receipt"), 28.9),
        Column(say("paper.column_amount"), 20.6, right=True),
    )


def _month(period: str) -> str:
    return f"{period[:4]}-{period[4:]}"
