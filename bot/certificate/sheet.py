"""A document being drawn: text in the right font, lines, the QR code. Millimetres from the upper left corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

import qrcode
from fpdf import FPDF, ViewerPreferences

from bot.certificate.fonts import MAIN, RARE, FontFiles, Fonts
from bot.certificate.layout import Width

MM_PER_POINT = 25.4 / 72
QR_MASK = 3  # any of the eight can be read; trying them all costs more than the rest
QUIET_MODULES = 4
INK, SHADE = 0, 226


class Sheet:
    """Pages of A4."""

    def __init__(self, fonts: Fonts, files: FontFiles, texts: Sequence[str]) -> None:
        self._fonts = fonts
        self._pdf = FPDF(format="A4")
        self._pdf.set_auto_page_break(False)
        fonts.put(self._pdf, texts)
        self._pdf.set_font(MAIN, size=10)
        self._rare = frozenset(sign for text in texts for sign in text if files.is_rare(sign))
        self._written: dict[str, str] = {}  # texts as the page says them: rows repeat
        self._widths = _widths(self._pdf, MAIN)
        if self._rare:
            rare = _widths(self._pdf, RARE)
            self._widths = {**self._widths, **{ord(sign): rare[ord(sign)] for sign in self._rare}}

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
        self._pdf.add_page()

    def width(self, size: float) -> Width:
        """How wide texts of this size are."""
        each, scale = self._widths.__getitem__, size * MM_PER_POINT / 1000
        return lambda text: sum(map(each, map(ord, text))) * scale

    def text(self, x: float, y: float, text: str, size: float) -> None:
        """Text with its baseline at `y`."""
        pdf = self._pdf
        if pdf.font_size_pt != size:
            pdf.set_font_size(size)
        if self._rare.isdisjoint(text):
            self._black(x, y, text)
            return
        measured = self.width(size)
        for rare, signs in groupby(text, self._rare.__contains__):
            run = "".join(signs)
            pdf.set_font(RARE if rare else MAIN, size=size)
            pdf.text(x, y, run)
            x += measured(run)
        pdf.set_font(MAIN, size=size)

    def _black(self, x: float, y: float, text: str) -> None:
        """What `FPDF.text` writes for a black text in the main font, without asking what else it might be."""
        pdf = self._pdf
        if not pdf.current_font_is_set_on_page:
            pdf._out(pdf._set_font_for_page(pdf.fonts[MAIN], pdf.font_size_pt))
        written = self._written.get(text)
        if written is None:
            written = self._written[text] = pdf.fonts[MAIN].encode_text(text)
        pdf._out(f"BT {x * pdf.k:.2f} {(pdf.h - y) * pdf.k:.2f} Td {written} ET")

    def right(self, x: float, y: float, text: str, size: float) -> None:
        """Text that ends at `x`."""
        self.text(x - self.width(size)(text), y, text, size)

    def centred(self, x: float, y: float, text: str, size: float) -> None:
        """Text with its middle at `x`."""
        self.text(x - self.width(size)(text) / 2, y, text, size)

    def across(self, x: float, y: float, text: str, size: float) -> None:
        """Pale and slanting, around this point: a watermark."""
        with self._pdf.rotation(35, x, y):
            self._pdf.set_text_color(SHADE)
            self._pdf.set_font_size(size)
            self._pdf.text(x - self.width(size)(text) / 2, y, text)
            self._pdf.set_text_color(INK)

    def strokes(self, lines: Sequence[tuple[float, float, float, float]]) -> None:
        """Straight lines from (x1, y1) to (x2, y2), as one path: many times cheaper than one by one."""
        k, height = self._pdf.k, self._pdf.h
        path = [f"{a * k:.2f} {(height - b) * k:.2f} m {c * k:.2f} {(height - d) * k:.2f} l" for a, b, c, d in lines]
        self._pdf._out(f"0.5 w {' '.join(path)} S")

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """A QR code that says `text`, in its quiet zone, as one path."""
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=QR_MASK)
        code.add_data(text)
        code.make(fit=True)
        matrix = code.get_matrix()
        module = side / (len(matrix) + 2 * QUIET_MODULES) * self._pdf.k
        left, top = x * self._pdf.k + QUIET_MODULES * module, (self._pdf.h - y) * self._pdf.k - QUIET_MODULES * module
        path = []
        for number, row in enumerate(matrix, 1):
            place = 0
            for dark, same in groupby(row):
                length = len(list(same))
                if dark:
                    path.append(
                        f"{left + place * module:.3f} {top - number * module:.3f} {length * module:.3f} {module:.3f} re"
                    )
                place += length
        self._pdf._out(f"{' '.join(path)} f")

    def output(self) -> bytes:
        """The finished document."""
        return self._fonts.output(self._pdf)


def _widths(pdf: FPDF, font: str) -> Mapping[int, float]:
    """The widths of a font's characters, in thousandths of its size."""
    return cast(Mapping[int, float], pdf.fonts[font].cw)
