"""缴费证明 as a PDF: what was certified, drawn on A4. The same certificate gives the same bytes.

Layout of design 8 and facts/domain.md 2E. Without the bureau's electronic seal it is 样张; a seal is never imitated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bot.certificate.binding import Signing
from bot.certificate.fonts import FontFiles, Fonts
from bot.certificate.layout import GAP, broken
from bot.certificate.sheet import Sheet
from bot.certificate.table import BASELINE, CELL_PAD, HEADING_HEIGHT, PaymentTable, person_numbers
from dialogs.terms.certificate import shown_code
from dialogs.terms.money import capital, decimal_yuan
from dialogs.texts import say
from storage.certified import Certificate

LEFT, RIGHT, TOP, BOTTOM = 15.0, 195.0, 18.0, 279.0
MIDDLE = (LEFT + RIGHT) / 2
# Points. Whoever is seventy reads the table without a glass: no smaller than 9.
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE, WATERMARK_SIZE = 22.0, 11.0, 9.0, 90.0
LINE = 6.5
CONTINUED_AT = 30.0  # where the table goes on upon further pages
LABEL_WIDTH = 30.0
QR_SIDE = 34.0
TOTALS_HEIGHT = 2 * HEADING_HEIGHT
WHOSE_AT = 44.0
WATERMARKS = (95.0, 215.0)  # one of them is behind the figures, however short the page


class SignsDocuments(Protocol):
    """The bureau's electronic seal (bot/certificate/seal.py)."""

    @property
    def name(self) -> str:
        """Whose it is."""
        ...

    def holds(self, at: datetime) -> bool:
        """Whether it had not ended at this moment."""
        ...

    def signing(self, at: datetime) -> Signing:
        """How a document is signed as of this moment."""
        ...


@dataclass(frozen=True)
class CertificatePainter:
    """Draws certificates; safe to share between threads. One issued after the seal's end is 样张 like one without."""

    fonts: Fonts
    files: FontFiles
    seal: SignsDocuments | None = None

    def paint(self, certificate: Certificate) -> bytes:
        """The document. Raises CannotPrint for a name with a character no font has."""
        seal = self._seal(certificate)
        return self._drawing(certificate).bytes(seal.signing(certificate.issued_at) if seal else None)

    def pages(self, certificate: Certificate) -> int:
        """On how many pages it stands."""
        return len(self._drawing(certificate).pages)

    def _seal(self, certificate: Certificate) -> SignsDocuments | None:
        return self.seal if self.seal and self.seal.holds(certificate.issued_at) else None

    def _drawing(self, certificate: Certificate) -> _Drawing:
        seal = self._seal(certificate)
        signer = seal.name if seal and self.files.can_print(seal.name) else ""
        return _Drawing(self.fonts, self.files, certificate, signer, sealed=seal is not None)


class _Drawing:
    """One certificate under way."""

    def __init__(self, fonts: Fonts, files: FontFiles, certificate: Certificate, signer: str, *, sealed: bool) -> None:
        self.certificate = certificate
        self.sealed = sealed
        self.issuer = certificate.issuer or say("paper.no_issuer")
        names = (one.name for one in certificate.people)
        spoken = [*names, self.issuer, signer, *(line.institution + line.tier for line in certificate.lines)]
        self.sheet = Sheet(fonts, spoken)
        self.whose = self._whose()
        self.facts = self._facts()
        self.notes = self._notes(signer)
        self.table = PaymentTable.of(certificate, self.sheet, LEFT)
        self.table_at = WHOSE_AT + sum(len(lines) for _, lines in self.whose) * LINE + 2
        end = TOTALS_HEIGHT + self._end_height()
        self.pages = self.table.pages(BOTTOM - self.table_at, BOTTOM - CONTINUED_AT, end)

    def bytes(self, signing: Signing | None) -> bytes:
        """All pages, signed where that is wanted."""
        certificate, sheet = self.certificate, self.sheet
        title = say("paper.title")
        sheet.describe(title, self.issuer, certificate.number, certificate.issued_at)
        for number, rows in enumerate(self.pages, 1):
            sheet.page()
            if not self.sealed:
                self._watermark()
            self._head(title, first=number == 1)
            y = self.table.draw(self.table_at if number == 1 else CONTINUED_AT, rows)
            if number == len(self.pages):
                self._end(self._totals(y))
            sheet.centred(MIDDLE, 288, say("paper.page", page=number, pages=len(self.pages)), SMALL_SIZE)
        return sheet.output(signing)

    def _whose(self) -> list[tuple[str, tuple[str, ...]]]:
        """Labels and lines of the block that says for whom it is; several people stand in the table."""
        people = self.certificate.people
        if len(people) > 1:
            facts = [(say("paper.people"), say("paper.people_count", count=len(people)))]
        else:
            facts = [
                (say("paper.name"), people[0].name),
                (say("paper.document"), say(f"paper.document_{people[0].id_type}")),
                (say("paper.id_number"), people[0].id_number),
                (say("paper.person_no"), person_numbers(self.certificate, 0)),
            ]
        measured = self.sheet.width(TEXT_SIZE)
        return [(label, broken(text, RIGHT - LEFT - LABEL_WIDTH, measured)) for label, text in facts]

    def _watermark(self) -> None:
        for y in WATERMARKS:
            self.sheet.across(MIDDLE, y, say("paper.watermark"), WATERMARK_SIZE)

    def _head(self, title: str, *, first: bool) -> None:
        number = say("paper.number", number=self.certificate.number)
        if not first:
            self.sheet.text(LEFT, CONTINUED_AT - 4, self._title_again(title, number), SMALL_SIZE)
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

    def _title_again(self, title: str, number: str) -> str:
        """What stands above further pages, left of the number: of one person the name too, so far as there is room."""
        people = self.certificate.people
        measured = self.sheet.width(SMALL_SIZE)
        room = RIGHT - LEFT - measured(number + GAP)
        return broken(title + GAP + people[0].name, room, measured)[0] if len(people) == 1 else title

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

    def _notes(self, signer: str) -> list[str]:
        measured = self.sheet.width(SMALL_SIZE)
        checked = say("paper.check_scanned" if self.certificate.qr else "paper.check")
        last = say("paper.sealed", name=signer) if self.sealed else say("paper.sample")
        notes = (say("paper.note"), checked, last)
        return [line for note in notes for line in broken(note, RIGHT - LEFT - QR_SIDE - 4, measured)]

    def _end(self, y: float) -> None:
        one = self.certificate
        self.sheet.qr(RIGHT - QR_SIDE, y + 2, QR_SIDE, one.qr or f"{one.number} {one.code}")
        y += 4 + LINE * BASELINE
        for label, text in self.facts:
            self.sheet.text(LEFT, y, label, TEXT_SIZE)
            self.sheet.text(LEFT + LABEL_WIDTH, y, text, TEXT_SIZE)
            y += LINE
        for note in self.notes:
            self.sheet.text(LEFT, y + 2, note, SMALL_SIZE)
            y += LINE - 1.5


def _day(day: date) -> str:
    return say("paper.day", year=day.year, month=day.month, day=day.day)
