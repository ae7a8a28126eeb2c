"""A document being drawn: text in the right font, lines, the QR code. Millimetres from the upper left corner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import qrcode
from fpdf import FPDF, ViewerPreferences

from bot.certificate.binding import Signing
from bot.certificate.fonts import Fonts
from bot.certificate.layout import Width

MM_PER_POINT = 25.4 / 72
QR_MASK = 3  # any of the eight can be read; trying them all costs more than the rest
QUIET_MODULES = 4
SHADE = 226


class Sheet:
    """Pages of A4. Raises CannotPrint where one of the texts, which are not this bot's own, cannot be written."""

    def __init__(self, fonts: Fonts, texts: Sequence[str]) -> None:
        self._fonts = fonts
        self._pdf = FPDF(format="A4")
        self._pdf.set_auto_page_break(False)
        self._script = fonts.put(self._pdf, texts)
        self._size = 0.0  # of the font that is set on the page
        self._at: tuple[float, float] | None = None  # where the last text began, in points, while nothing else came

    def describe(self, title: str, author: str, subject: str, made_at: datetime) -> None:
        """What a reader shows of the document; nothing in it depends on when it is drawn."""
        self._pdf.set_title(title)
        self._pdf.set_author(author)
        self._pdf.set_subject(subject)
        self._pdf.set_lang("zh-CN")
        self._pdf.set_creation_date(made_at)
        self._pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def page(self) -> None:
        """A new page."""
        if self._pdf.page:
            self._drawing()
        self._pdf.add_page()
        self._size = 0.0

    def width(self, size: float) -> Width:
        """How wide texts of this size are."""
        each, scale = self._script.width, size * MM_PER_POINT / 1000
        return lambda text: each(text) * scale

    def text(self, x: float, y: float, text: str, size: float) -> None:
        """Text with its baseline at `y`. Told by how far it is from the last one: so rows are alike, and small."""
        pdf = self._pdf
        parts = []
        if self._at is None:
            parts.append("BT")
        if size != self._size:
            parts.append(f"/F1 {size:g} Tf")
            self._size = size
        left, below = self._at or (0.0, 0.0)
        right, up = round(x * pdf.k - left, 2), round((pdf.h - y) * pdf.k - below, 2)
        self._at = (left + right, below + up)
        pdf._out(" ".join([*parts, f"{right:g} {up:g} Td {self._script.shown(text, size)}"]))

    def _drawing(self) -> None:
        """No text for now."""
        if self._at is not None:
            self._pdf._out("ET")
            self._at = None

    def right(self, x: float, y: float, text: str, size: float) -> None:
        """Text that ends at `x`."""
        self.text(x - self.width(size)(text), y, text, size)

    def centred(self, x: float, y: float, text: str, size: float) -> None:
        """Text with its middle at `x`."""
        self.text(x - self.width(size)(text) / 2, y, text, size)

    def across(self, x: float, y: float, text: str, size: float) -> None:
        """Pale and slanting, around this point: a watermark."""
        self._drawing()
        before, self._size = self._size, 0.0
        with self._pdf.rotation(35, x, y):
            self._pdf._out(f"{SHADE / 255:.3f} g")
            self.centred(x, y, text, size)
            self._drawing()
        self._size = before  # as the colour: both were set for the watermark alone

    def strokes(self, lines: Sequence[tuple[float, float, float, float]]) -> None:
        """Straight lines from (x1, y1) to (x2, y2), as one path: many times cheaper than one by one."""
        self._drawing()
        k, height = self._pdf.k, self._pdf.h
        path = [f"{a * k:.2f} {(height - b) * k:.2f} m {c * k:.2f} {(height - d) * k:.2f} l" for a, b, c, d in lines]
        self._pdf._out(f"0.5 w {' '.join(path)} S")

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """A QR code that says `text`, in its quiet zone, as one path: its squares are what is counted in."""
        self._drawing()
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=QR_MASK)
        code.add_data(text)
        code.make(fit=True)
        matrix = code.get_matrix()
        module = side / (len(matrix) + 2 * QUIET_MODULES) * self._pdf.k
        left, top = x * self._pdf.k + QUIET_MODULES * module, (self._pdf.h - y) * self._pdf.k - QUIET_MODULES * module
        bars = []
        for number, row in enumerate(matrix):
            place = 0
            for dark, same in groupby(row):
                length = len(list(same))
                if dark:
                    bars.append((length, place, number))
                place += length
        path = [f"{place} {number} {length} 1 re" for length, place, number in sorted(bars)]  # sorted, they pack better
        self._pdf._out(f"q {module:.4f} 0 0 {-module:.4f} {left:.3f} {top:.3f} cm {' '.join(path)} f Q")

    def output(self, signing: Signing | None = None) -> bytes:
        """The finished document, signed where that is wanted."""
        self._drawing()
        return self._fonts.output(self._pdf, self._script, signing)
