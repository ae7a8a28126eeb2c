"""The fonts of certificates: read once and shared; each document has one font of just the characters on it.

Plain fpdf2 parses the font for every document and has fontTools subset it, which is nearly all of its time
(facts/performance.md). Here HarfBuzz cuts each character's outline once (`outlines.py`), whichever of the two files it
is in, and a document puts together those it needs (`binding.py`). A test holds the pages pixel-equal to plain fpdf2's
(`plain.py`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import uharfbuzz as hb  # type: ignore[import-untyped]
from fpdf import FPDF

from bot.certificate.binding import Facts, Letters, Signing, bound
from bot.certificate.faults import CannotPrint
from bot.certificate.outlines import SQUARE, cut, draw
from bot.certificate.press import font_paths

REGULAR = {"wght": 400.0}  # of the rare font's weight axis, that of the main font
SIMPLIFIED = 2  # the rare font's collection: JP, KR, SC, TC, HK
KEPT = 4096  # outlines kept in memory, a quarter of a kilobyte each; after that they are cut anew
NAME = "NotoSansSC"  # as the PDF calls what it has of either font
# How high letters reach above and below the line, in thousandths: of the main font, for readers that ask.
ASCENT, DESCENT, CAPITALS = 1160, -288, 733
BOX = (-1002, -1048, 2928, 1808)
_MARK = "\x01"
_MARKED, _SPECIAL = re.compile(rb"\x01(\d+)\x01"), re.compile(rb"[\\()\r]")


class Script(Protocol):
    """A document's font, as its pages are written with it."""

    def width(self, text: str) -> float:
        """How wide a text is, in thousandths of its size."""
        ...

    def shown(self, text: str, size: float) -> str:
        """The operators that show a text, where the main font of this size (in points) is set already."""
        ...


class Fonts(Protocol):
    """How a document comes by its fonts."""

    def put(self, pdf: FPDF, texts: Sequence[str]) -> Script:
        """Give the document its fonts. Raises CannotPrint where one of the texts has a character no font has."""
        ...

    def output(self, pdf: FPDF, script: Script, signing: Signing | None) -> bytes:
        """The finished document, signed where that is wanted."""
        ...


class Face:
    """A font file, read by HarfBuzz: which characters it has, how wide they are, and their outlines."""

    def __init__(self, path: Path, index: int = 0, axes: dict[str, float] | None = None) -> None:
        self._axes = axes or {}
        self._face = hb.Face(hb.Blob.from_file_path(str(path)), index)  # mapped, not read: 0.6 s and 60 MB less
        self._font = hb.Font(self._face)
        self._font.scale = (SQUARE, SQUARE)  # fonts of 1,024 or 2,048 units an em as well: everything in thousandths
        self._has_cubic_outlines = bool({"CFF ", "CFF2"} & set(self._face.table_tags))
        if axes:
            self._font.set_variations(axes)

    def has(self, sign: str) -> bool:
        """Whether it has an outline for a character."""
        return bool(self._font.get_nominal_glyph(ord(sign)))

    def widths(self, signs: Sequence[str]) -> list[int]:
        """How wide these characters are, in thousandths."""
        return [self._font.get_glyph_h_advance(self._font.get_nominal_glyph(ord(sign))) for sign in signs]

    def outlines(self, signs: Sequence[str]) -> list[bytes]:
        """The charstrings of these characters."""
        glyphs = [self._font.get_nominal_glyph(ord(sign)) for sign in signs]
        if not self._has_cubic_outlines or self._face.upem != SQUARE:
            return [draw(self._font, glyph, width) for glyph, width in zip(glyphs, self.widths(signs), strict=True)]
        found = cut(self._face, dict(zip(glyphs, self.widths(signs), strict=True)), self._axes)
        return [found[glyph] for glyph in glyphs]


class FontFiles:
    """The font files: Noto Sans SC (OFL, 30,890 characters), Noto Sans CJK (OFL) for names it cannot write, and `more`
    for what neither has (`certificate.rare_fonts`). Each is mapped when a character asks for it first."""

    def __init__(self, more: Sequence[Path] = ()) -> None:
        self.main, self.rare = font_paths()
        self._more = tuple(more)

    @cached_property
    def main_face(self) -> Face:
        """The main font."""
        return Face(self.main)

    @cached_property
    def rare_face(self) -> Face:
        """The font of last resort; mapped, read only where it is needed."""
        return Face(self.rare, SIMPLIFIED, REGULAR)

    @cached_property
    def more_faces(self) -> tuple[Face, ...]:
        """The fonts of the configuration, for what the others lack."""
        return tuple(map(Face, self._more))

    def face_of(self, sign: str) -> Face | None:
        """The first font that has a character; None where none has it."""
        for face in (self.main_face, self.rare_face):
            if face.has(sign):
                return face
        return next((face for face in self.more_faces if face.has(sign)), None)

    def is_rare(self, sign: str) -> bool:
        """Whether the main font lacks it."""
        return not self.main_face.has(sign)

    def can_print(self, text: str) -> bool:
        """Whether every character has an outline somewhere."""
        return all(self.face_of(sign) is not None for sign in text)

    def missing_in(self, text: str) -> str:
        """The characters of a text that no font has."""
        return "".join(sign for sign in text if self.face_of(sign) is None)

    def check(self, texts: Sequence[str]) -> None:
        """Raises CannotPrint where one of the texts has a character no font has."""
        if not all(map(self.can_print, texts)):
            raise CannotPrint("a character that no font here has")


class SharedFonts:
    """Outlines and widths shared by all documents of the process; safe to share between threads."""

    def __init__(self, files: FontFiles) -> None:
        self._files = files
        self._lock = threading.Lock()  # HarfBuzz knows threads; two that cut the same would be for nothing
        self._outlines: dict[str, bytes] = {}
        self._widths: dict[str, int] = {}

    def put(self, pdf: FPDF, texts: Sequence[str]) -> Script:
        """Nothing but a check of the texts: the document's font is made when it is finished."""
        self._files.check(texts)
        return _Script(self)

    def output(self, pdf: FPDF, script: Script, signing: Signing | None) -> bytes:
        """The finished document."""
        assert isinstance(script, _Script)
        facts = Facts(str(pdf.title), str(pdf.author), str(pdf.subject), pdf.creation_date)
        signs, pages = script.numbered([_drawn(page.contents) for page in pdf.pages.values()])
        letters = Letters(NAME, signs, self.widths(signs), self._cut(signs), ASCENT, DESCENT, CAPITALS, BOX)
        return bound(pages, (pdf.w_pt, pdf.h_pt), facts, letters, signing)

    def widths(self, signs: Sequence[str]) -> list[int]:
        """How wide characters are, in thousandths."""
        try:
            return [self._widths[sign] for sign in signs]
        except KeyError:
            with self._lock:
                self._make_room(self._widths)
                for face, few in self._by_face(signs):
                    self._widths.update(zip(few, face.widths(few), strict=True))
                return [self._widths[sign] for sign in signs]

    def _cut(self, signs: Sequence[str]) -> list[bytes]:
        """The outlines of characters, cut where they were not yet."""
        with self._lock:
            missing = [sign for sign in signs if sign not in self._outlines]
            if missing:
                self._make_room(self._outlines)
                for face, few in self._by_face([sign for sign in signs if sign not in self._outlines]):
                    self._outlines.update(zip(few, face.outlines(few), strict=True))
            return [self._outlines[sign] for sign in signs]

    def _by_face(self, signs: Sequence[str]) -> list[tuple[Face, list[str]]]:
        found: dict[Face, list[str]] = {}
        for sign in signs:
            face = self._files.face_of(sign)
            if face is None:
                raise CannotPrint("a character that no font here has")
            found.setdefault(face, []).append(sign)
        return list(found.items())

    @staticmethod
    def _make_room(kept: dict[str, bytes] | dict[str, int]) -> None:
        if len(kept) > KEPT:
            kept.clear()


class _Script:
    """One document's texts; which number a character has is known only when all are there."""

    def __init__(self, fonts: SharedFonts) -> None:
        self._fonts = fonts
        self._texts: dict[str, str] = {}

    def width(self, text: str) -> float:
        """How wide a text is, in thousandths of its size."""
        return sum(self._fonts.widths(text))

    def shown(self, text: str, size: float) -> str:
        """The operator that shows a text, with a mark where its characters will stand."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = f"({_MARK}{len(self._texts)}{_MARK}) Tj"
        return found

    def numbered(self, pages: Sequence[bytes]) -> tuple[list[str], list[bytes]]:
        """The characters in the order of their numbers, from 1, and the pages with the numbers in them.

        Sorted, because what is alike packs better: radicals, widths, the tables that tell which character it is.
        """
        signs = sorted({sign for text in self._texts for sign in text})
        codes = {sign: code.to_bytes(2) for code, sign in enumerate(signs, 1)}
        texts = [_escaped(b"".join(map(codes.__getitem__, text))) for text in self._texts]
        return signs, [_MARKED.sub(lambda found: texts[int(found[1])], page) for page in pages]


def _drawn(contents: object) -> bytes:
    """What draws a page: plain bytes while nothing is compressed."""
    assert isinstance(contents, bytearray)
    return bytes(contents)


def _escaped(string: bytes) -> bytes:
    """A string's bytes, as they stand between its brackets."""
    return _SPECIAL.sub(lambda found: b"\\r" if found[0] == b"\r" else b"\\" + found[0], string)
