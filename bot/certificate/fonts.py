"""The fonts of certificates: parsed once and shared, each document with its own subset, made by HarfBuzz.

Plain fpdf2 parses the font for every document and has fontTools subset it, which is nearly all of its time
(facts/performance.md). Here a document gets a clone of the parsed font with a fresh subset map, and HarfBuzz subsets
where fpdf2 calls fontTools. That touches fpdf2's inside: its version is pinned, and a test holds the pages pixel-equal.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol

import fpdf.output
import manimgx_fonts_cjk  # type: ignore[import-untyped]
import pylopdf_fonts_zh_cn
import uharfbuzz as hb  # type: ignore[import-untyped]
from fontTools import subset as fonttools_subset  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont
from fpdf.output import OutputProducer, _cid_font_widths
from fpdf.syntax import PDFContentStream

MAIN, RARE = "main", "rare"
SQUARE = 1000  # thousandths: how wide Han characters are, and what a PDF takes for granted of these fonts
REGULAR = 400  # of the rare font's weight axis, that of the main font
SIMPLIFIED = 2  # the rare font's collection: JP, KR, SC, TC, HK
# Of the subset only the outlines go into the PDF; making these other tables would be for nothing.
_OUTLINES = "CFF "
_DROPPED = tuple(
    map(int.from_bytes, (b"BASE", b"DSIG", b"GDEF", b"GPOS", b"GSUB", b"VORG", b"cmap", b"name", b"vhea", b"vmtx"))
)
# Hints are for screens of long ago, and shared subroutines only pay in a whole font.
_SMALLEST = (
    hb.SubsetFlags.NOTDEF_OUTLINE
    | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    | hb.SubsetFlags.NO_HINTING
    | hb.SubsetFlags.DESUBROUTINIZE
)


class CannotPrint(Exception):
    """No font here has these characters (private use of old systems). The message holds none of them."""


class Fonts(Protocol):
    """How a document comes by its fonts."""

    def put(self, pdf: FPDF, texts: Sequence[str]) -> None:
        """Give the document the fonts `MAIN` and, where the texts need it, `RARE`. Raises CannotPrint."""
        ...

    def output(self, pdf: FPDF) -> bytes:
        """The finished document."""
        ...


class FontFiles:
    """The font files: Noto Sans SC (OFL, 30,890 characters), and Noto Sans CJK (OFL) for names it cannot write."""

    def __init__(self) -> None:
        self.main = Path(pylopdf_fonts_zh_cn.sans_path())
        self._rare = Path(str(manimgx_fonts_cjk.__file__)).with_name("NotoSansCJK-VF.otf.ttc")

    @cached_property
    def main_face(self) -> hb.Face:
        """The main font for HarfBuzz, prepared for being subset often."""
        return hb.subset_preprocess(hb.Face(hb.Blob.from_file_path(str(self.main))))

    @cached_property
    def rare_face(self) -> hb.Face:
        """The font of last resort; mapped, read only where it is needed."""
        return hb.Face(hb.Blob.from_file_path(str(self._rare)), SIMPLIFIED)

    @cached_property
    def _written(self) -> frozenset[int]:
        return frozenset(self.main_face.unicodes)

    @cached_property
    def _written_rarely(self) -> frozenset[int]:
        return frozenset(self.rare_face.unicodes)

    def is_rare(self, sign: str) -> bool:
        """Whether the main font lacks it."""
        return ord(sign) not in self._written

    def can_print(self, text: str) -> bool:
        """Whether every character has an outline somewhere."""
        return all(ord(sign) in self._written or ord(sign) in self._written_rarely for sign in text)

    def rare_font(self, texts: Sequence[str]) -> bytes | None:
        """A little font of just the characters the main font lacks; None where there are none. Raises CannotPrint."""
        missing = sorted({sign for text in texts for sign in text if self.is_rare(sign)})
        if not missing:
            return None
        if not self.can_print("".join(missing)):
            raise CannotPrint("a character that no font here has")
        wanted = hb.SubsetInput()
        wanted.unicode_set.update([ord(" "), *map(ord, missing)])  # fpdf2 takes a blank for granted
        wanted.pin_axis_location(self.rare_face, "wght", REGULAR)
        wanted.flags = hb.SubsetFlags.DOWNGRADE_CFF2 | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE
        return bytes(hb.subset(self.rare_face, wanted).blob.data)


class PlainFonts:
    """fpdf2 as it comes: the font file is read and subset by fontTools each time. The measure of the other way."""

    def __init__(self, files: FontFiles) -> None:
        self._files = files

    def put(self, pdf: FPDF, texts: Sequence[str]) -> None:
        """Give the document its fonts."""
        pdf.add_font(MAIN, fname=self._files.main)
        _put_rare(pdf, self._files, texts)

    def output(self, pdf: FPDF) -> bytes:
        """The finished document."""
        return bytes(pdf.output())


class SharedFonts:
    """The parsed font shared by all documents of the process, subset by HarfBuzz; safe to share between threads."""

    def __init__(self, files: FontFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._read: _Read | None = None

    def put(self, pdf: FPDF, texts: Sequence[str]) -> None:
        """Give the document its fonts."""
        with self._lock:
            if self._read is None:
                self._read = _Read(self._files)
        pdf.fonts[MAIN] = _SharedFont(self._read, len(pdf.fonts) + 1)
        _put_rare(pdf, self._files, texts)

    def output(self, pdf: FPDF) -> bytes:
        """The finished document."""
        return bytes(pdf.output(output_producer_class=_Producer))


def _put_rare(pdf: FPDF, files: FontFiles, texts: Sequence[str]) -> None:
    if little := files.rare_font(texts):
        file: Any = BytesIO(little)  # fontTools takes a file as well as a path
        pdf.fonts[RARE] = TTFFont(pdf, file, RARE, "")


class _Widths(dict[int, float]):
    """Widths by character; one that is missing is not kept, because all documents share them."""

    def __init__(self, widths: Mapping[int, float], otherwise: float) -> None:
        super().__init__(widths)
        self._otherwise = otherwise

    def __missing__(self, character: int) -> float:
        return self._otherwise


class _Read:
    """The main font, parsed."""

    def __init__(self, files: FontFiles) -> None:
        self.font = TTFFont(FPDF(), files.main, MAIN, "")
        self.widths = _Widths(self.font.cw, self.font.desc.missing_width)
        self.face = files.main_face
        self.glyphs: dict[str, int] = self.font.ttfont.getReverseGlyphMap()


class _SharedFont(TTFFont):
    """A document's own view of the parsed font: what a document changes is its own, the rest is shared."""

    def __init__(self, read: _Read, number: int) -> None:
        for slot in TTFFont.__slots__:
            if hasattr(read.font, slot):
                setattr(self, slot, getattr(read.font, slot))
        self.i = number
        self.cw = read.widths
        self.desc = copy(read.font.desc)  # is given a number of its own by each document
        self.missing_glyphs = []
        self.ttfont = _Outlines(read)
        self.subset = SubsetMap(self)


class _Outlines:
    """Stands where fpdf2 expects fontTools' font while it writes a CID-keyed CFF font into a document."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._kept = b""

    def keep(self, names: Sequence[str]) -> None:
        """Make the subset of these glyphs."""
        wanted = hb.SubsetInput()
        wanted.glyph_set.update(self._read.glyphs[name] for name in names)
        wanted.flags = _SMALLEST
        wanted.drop_table_tag_set.update(_DROPPED)
        self._kept = bytes(hb.subset(self._read.face, wanted).reference_table(_OUTLINES).data)

    def __contains__(self, tag: str) -> bool:
        return tag == _OUTLINES

    def __getitem__(self, tag: str) -> _Outlines:
        return self

    def compile(self, _font: object) -> bytes:
        """The outlines; that is all a PDF needs of a CID-keyed CFF font."""
        return self._kept

    def getGlyphID(self, name: str) -> int:
        """The glyph's number in the whole font."""
        return self._read.glyphs[name]

    def save(self, file: BytesIO) -> None:
        """Nothing: fpdf2 takes the outlines from `compile`."""

    def close(self) -> None:
        """Nothing: the font stays open for the next document."""


class _Subsetter(fonttools_subset.Subsetter):  # type: ignore[misc]
    """fontTools' subsetter, but HarfBuzz for the shared font."""

    def populate(self, glyphs: Sequence[str] = ()) -> None:
        """Note what is wanted."""
        self._names = glyphs
        super().populate(glyphs=glyphs)

    def subset(self, font: Any) -> None:
        """Make the subset."""
        if isinstance(font, _Outlines):
            font.keep(self._names)
        else:
            super().subset(font)


class _Subsetting:
    """What `_add_fonts` sees as `fontTools.subset`."""

    Options = fonttools_subset.Options
    Subsetter = _Subsetter


def _widths_that_differ(widths: dict[int, int]) -> str:
    """The widths other than the usual one of a whole square, which stands in the font's description."""
    return str(_cid_font_widths({glyph: width for glyph, width in widths.items() if width != SQUARE}))


class _Producer(OutputProducer):
    """fpdf2's own, with three names of one method looked up here instead; nothing of fpdf2 is changed for others."""

    _add_fonts = FunctionType(
        OutputProducer._add_fonts.__code__,
        vars(fpdf.output)
        | {
            "ftsubset": _Subsetting,
            "PDFContentStream": partial(PDFContentStream, compress=True),
            "_cid_font_widths": _widths_that_differ,
        },
        "_add_fonts",
    )
