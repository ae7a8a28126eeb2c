"""fpdf2 as it comes: the font file is read and subset by fontTools each time. What ours is measured and compared by."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from typing import Any

import uharfbuzz as hb  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.fonts import TTFFont

from bot.certificate.binding import Signing
from bot.certificate.fonts import REGULAR, SIMPLIFIED, FontFiles, Script

MAIN, RARE = "main", "rare"


class PlainFonts:
    """`bot.certificate.fonts.Fonts`, nothing kept from one document to the next; it signs none."""

    def __init__(self, files: FontFiles) -> None:
        self._files = files

    def put(self, pdf: FPDF, texts: Sequence[str]) -> Script:
        """Give the document the main font, and a second one where the texts need it."""
        self._files.check(texts)
        pdf.add_font(MAIN, fname=self._files.main)
        rare = frozenset(sign for text in texts for sign in text if self._files.is_rare(sign))
        if rare:
            pdf.fonts[RARE] = TTFFont(pdf, self._little(rare), RARE, "")
        return _Script(pdf, rare)

    def output(self, pdf: FPDF, script: Script, signing: Signing | None) -> bytes:
        """The finished document."""
        return bytes(pdf.output())

    def _little(self, signs: frozenset[str]) -> Any:
        """A little font of just these characters, as a file: fontTools takes one as well as a path."""
        face = hb.Face(hb.Blob.from_file_path(str(self._files.rare)), SIMPLIFIED)
        wanted = hb.SubsetInput()
        wanted.unicode_set.update([ord(" "), *map(ord, signs)])  # fpdf2 takes a blank for granted
        for axis, place in REGULAR.items():
            wanted.pin_axis_location(face, axis, place)
        wanted.flags = hb.SubsetFlags.DOWNGRADE_CFF2 | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE
        return BytesIO(bytes(hb.subset(face, wanted).blob.data))


class _Script:
    """One document's characters, in fpdf2's way."""

    def __init__(self, pdf: FPDF, rare: frozenset[str]) -> None:
        self._pdf = pdf
        self._rare = rare

    def width(self, text: str) -> float:
        """How wide a text is, in thousandths of its size."""
        return sum(self._font(sign in self._rare).cw[ord(sign)] for sign in text)

    def shown(self, text: str, size: float) -> str:
        """The operators that show a text, the other font for what the main one lacks."""
        parts = []
        for rare, signs in groupby(text, self._rare.__contains__):
            font = self._font(rare)
            switch = self._pdf._set_font_for_page(font, size, wrap_in_text_object=False)
            parts.append(f"{switch} {font.encode_text(''.join(signs))}")
        main = self._pdf._set_font_for_page(self._font(False), size, wrap_in_text_object=False)
        return " ".join([*parts, main])

    def _font(self, rare: bool) -> TTFFont:
        font = self._pdf.fonts[RARE if rare else MAIN]
        assert isinstance(font, TTFFont)
        return font
