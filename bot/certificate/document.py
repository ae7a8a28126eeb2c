"""缴费证明 as a PDF: what was certified, drawn on A4. The same certificate gives the same bytes.

Layout of design 8 and facts/domain.md 2E. It carries no seal, so it is marked 样张, and no seal is ever imitated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.certificate.fonts import FontFiles, Fonts
from bot.certificate.layout import Column, TableRow, broken, on_pages
from bot.certificate.sheet import Sheet
from dialogs.terms.certificate import shown_code
from dialogs.terms.insurance import PayKind
from dialogs.terms.money import capital, decimal_yuan
from dialogs.texts import say
from storage.certificates import Certificate, CertifiedLine

LEFT, RIGHT, TOP, BOTTOM = 18.0, 192.0, 18.0, 279.0
MIDDLE = (LEFT + RIGHT) / 2
TITLE_SIZE, TEXT_SIZE, CELL_SIZE, SMALL_SIZE, WATERMARK_SIZE = 22.0, 10.5, 8.5, 8.0, 90.0
LINE, CELL_LINE, CELL_PAD = 6.5, 4.2, 1.2
BASELINE = 0.78  # of a line's height, where its text stands
HEADING_HEIGHT = 7.5
CONTINUED_AT = 30.0  # where the table goes on upon further pages
LABEL_WIDTH = 30.0
QR_SIDE = 34.0
TOTALS_HEIGHT = 2 * HEADING_HEIGHT
WHOSE_AT = 44.0
WATERMARKS = (95.0, 215.0)  # one of them is behind the figures, however short the page


@dataclass(frozen=True)
class CertificatePainter:
    """Draws certificates; safe to share between threads."""

    fonts: Fonts
    files: FontFiles

    def paint(self, certificate: Certificate) -> bytes:
        """The document. Raises CannotPrint for a name with a character no font has."""
        return _Drawing(self.fonts, self.files, certificate).bytes()


class _Drawing:
    """One certificate under way."""

    def __init__(self, fonts: Fonts, files: FontFiles, certificate: Certificate) -> None:
        self.certificate = certificate
        self.issuer = certificate.issuer or say("paper.no_issuer")
        spoken = [certificate.name, self.issuer, *(line.institution + line.tier for line in certificate.lines)]
        self.sheet = Sheet(fonts, files, spoken)
        self.columns = _columns()
        self.whose = self._whose()
        self.facts = self._facts()
        self.notes = self._notes()
        self.broken: dict[tuple[str, float], tuple[str, ...]] = {}  # cells repeat: the same institution in every row

    def bytes(self) -> bytes:
        """All pages."""
        certificate, sheet = self.certificate, self.sheet
        title = say("paper.title")
        sheet.describe(title, self.issuer, certificate.number, certificate.issued_at)
        rows = [self._row(line) for line in certificate.lines]
        heights = [row.lines * CELL_LINE + 2 * CELL_PAD for row in rows]
        table_at = WHOSE_AT + sum(len(lines) for _, lines in self.whose) * LINE + 2
        room, further = BOTTOM - table_at - HEADING_HEIGHT, BOTTOM - CONTINUED_AT - HEADING_HEIGHT
        pages = on_pages(heights, room, further, TOTALS_HEIGHT + self._end_height())
        for number, indices in enumerate(pages, 1):
            sheet.page()
            self._watermark()
            self._head(title, first=number == 1)
            y = table_at if number == 1 else CONTINUED_AT
            y = self._table(y, [rows[index] for index in indices], [heights[index] for index in indices])
            if number == len(pages):
                self._end(self._totals(y))
            sheet.centred(MIDDLE, 288, say("paper.page", page=number, pages=len(pages)), SMALL_SIZE)
        return sheet.output()

    def _whose(self) -> list[tuple[str, tuple[str, ...]]]:
        """Labels and lines of the block that says for whom it is."""
        one = self.certificate
        numbers = "、".join(dict.fromkeys(line.person_no for line in one.lines))
        facts = [
            (say("paper.name"), one.name),
            (say("paper.document"), say(f"paper.document_{one.id_type}")),
            (say("paper.id_number"), one.id_number),
            (say("paper.person_no"), numbers),
        ]
        measured = self.sheet.width(TEXT_SIZE)
        return [(label, broken(text, RIGHT - LEFT - LABEL_WIDTH, measured)) for label, text in facts]

    def _row(self, line: CertifiedLine) -> TableRow:
        kind = "" if line.pay_kind is PayKind.NORMAL else say(f"paper.kind_{line.pay_kind}")
        texts = (
            say(f"insurance.{line.insurance}") + kind,
            line.institution,
            line.tier,
            say("paper.period", begin=_month(line.period_from), end=_month(line.period_to)),
            line.paid_on.isoformat(),
            line.receipt_no,
            decimal_yuan(line.amount),
        )
        return TableRow(tuple(self._cell(text, column) for text, column in zip(texts, self.columns, strict=True)))

    def _cell(self, text: str, column: Column) -> tuple[str, ...]:
        found = self.broken.get((text, column.width))
        if found is None:
            found = broken(text, column.width - 2 * CELL_PAD, self.sheet.width(CELL_SIZE))
            self.broken[text, column.width] = found
        return found

    def _watermark(self) -> None:
        for y in WATERMARKS:
            self.sheet.across(MIDDLE, y, say("paper.watermark"), WATERMARK_SIZE)

    def _head(self, title: str, *, first: bool) -> None:
        number = say("paper.number", number=self.certificate.number)
        if not first:
            self.sheet.text(LEFT, CONTINUED_AT - 4, title, SMALL_SIZE)
            self.sheet.right(RIGHT, CONTINUED_AT - 4, number, SMALL_SIZE)
            return
        self.sheet.centred(MIDDLE, TOP + 9, title, TITLE_SIZE)
        self.sheet.right(RIGHT, TOP + 18, number, TEXT_SIZE)
        y = WHOSE_AT
        for label, lines in self.whose:
            self.sheet.text(LEFT, y, label, TEXT_SIZE)
            for line in lines:
                self.sheet.text(LEFT + LABEL_WIDTH, y, line, TEXT_SIZE)
                y += LINE

    def _table(self, y: float, rows: Sequence[TableRow], heights: Sequence[float]) -> float:
        """Heading and rows from `y` down; gives the `y` below them."""
        top, left = y, LEFT
        strokes = [(LEFT, y, RIGHT, y)]
        for column in self.columns:
            self.sheet.centred(left + column.width / 2, y + 5, column.title, CELL_SIZE)
            left += column.width
        y += HEADING_HEIGHT
        strokes.append((LEFT, y, RIGHT, y))
        for row, height in zip(rows, heights, strict=True):
            self._cells(y, row, height)
            y += height
            strokes.append((LEFT, y, RIGHT, y))
        edge = LEFT
        for width in (0.0, *(column.width for column in self.columns)):
            edge += width
            strokes.append((edge, top, edge, y))
        self.sheet.strokes(strokes)
        return y

    def _cells(self, y: float, row: TableRow, height: float) -> None:
        left = LEFT
        for column, lines in zip(self.columns, row.cells, strict=True):
            base = y + (height - len(lines) * CELL_LINE) / 2 + CELL_LINE * BASELINE
            for number, line in enumerate(lines):
                where = base + number * CELL_LINE
                if column.right:
                    self.sheet.right(left + column.width - CELL_PAD, where, line, CELL_SIZE)
                else:
                    self.sheet.text(left + CELL_PAD, where, line, CELL_SIZE)
            left += column.width

    def _totals(self, y: float) -> float:
        amount = self.certificate.amount
        texts = (
            say("paper.total", count=len(self.certificate.lines), amount=decimal_yuan(amount)),
            say("paper.capital", amount=capital(amount, prefix=True)),
        )
        for number, text in enumerate(texts):
            self.sheet.text(LEFT + CELL_PAD, y + number * HEADING_HEIGHT + 5, text, TEXT_SIZE)
        below = y + TOTALS_HEIGHT
        middle = y + HEADING_HEIGHT
        frame = [(LEFT, middle, RIGHT, middle), (LEFT, below, RIGHT, below)]
        self.sheet.strokes([*frame, (LEFT, y, LEFT, below), (RIGHT, y, RIGHT, below)])
        return below

    def _end_height(self) -> float:
        return 4 + max(QR_SIDE, (len(self.facts) + len(self.notes)) * LINE + 4)

    def _facts(self) -> list[tuple[str, str]]:
        one = self.certificate
        issuer, *more = broken(self.issuer, RIGHT - LEFT - LABEL_WIDTH - QR_SIDE, self.sheet.width(TEXT_SIZE))
        return [
            (say("paper.issuer"), issuer),
            *(("", line) for line in more),
            (say("paper.issued_on"), _day(one.issued_at.date())),
            (say("paper.code"), shown_code(one.code)),
        ]

    def _notes(self) -> list[str]:
        measured = self.sheet.width(SMALL_SIZE)
        notes = (say("paper.note"), say("paper.check"), say("paper.sample"))
        return [line for note in notes for line in broken(note, RIGHT - LEFT - QR_SIDE - 4, measured)]

    def _end(self, y: float) -> None:
        one = self.certificate
        self.sheet.qr(RIGHT - QR_SIDE, y + 2, QR_SIDE, f"{one.number} {one.code}")
        y += 4 + LINE * BASELINE
        for label, text in self.facts:
            self.sheet.text(LEFT, y, label, TEXT_SIZE)
            self.sheet.text(LEFT + LABEL_WIDTH, y, text, TEXT_SIZE)
            y += LINE
        for note in self.notes:
            self.sheet.text(LEFT, y + 2, note, SMALL_SIZE)
            y += LINE - 1.5


def _columns() -> tuple[Column, ...]:
    return (
        Column(say("paper.column_insurance"), 26.8),
        Column(say("paper.column_institution"), 40.8),
        Column(say("paper.column_tier"), 17),
        Column(say("paper.column_period"), 24),
        Column(say("paper.column_paid_on"), 20),
        Column(say("paper.column_receipt"), 27),
        Column(say("paper.column_amount"), 18.4, right=True),
    )


def _month(period: str) -> str:
    return f"{period[:4]}-{period[4:]}"


def _day(day: date) -> str:
    return say("paper.day", year=day.year, month=day.month, day=day.day)
