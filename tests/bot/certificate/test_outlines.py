"""A certificate's own little font, read by fontTools: every glyph is the one of the whole font, in fewer bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from fontTools.cffLib import CFFFontSet  # type: ignore[import-untyped]
from fontTools.pens.areaPen import AreaPen  # type: ignore[import-untyped]
from fontTools.pens.boundsPen import BoundsPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from bot.certificate.fonts import Face, FontFiles
from bot.certificate.outlines import font_program

USUAL = [*map(chr, range(0x21, 0x7F)), *map(chr, range(0x4E00, 0x9FA0, 97)), *"·—（）、，。￥　 "]
RARE = ["𠮷", "𠮟"]


def read(program: bytes) -> Any:
    """The only font in a CFF table."""
    fonts = CFFFontSet()
    fonts.decompile(BytesIO(program), None)
    return fonts[0]


def measured(glyph: Any) -> tuple[tuple[int, ...] | None, float]:
    """What it covers, and how much of it: the same whatever order its contours are told in."""
    bounds, area = BoundsPen(None), AreaPen()
    glyph.draw(bounds)
    glyph.draw(area)
    return bounds.bounds, round(area.value, 3)


@pytest.fixture(scope="module")
def files() -> FontFiles:
    return FontFiles()


def test_every_glyph_is_the_one_of_the_whole_font_with_its_width(files: FontFiles) -> None:
    whole = TTFont(files.main)
    glyphs, names = whole.getGlyphSet(), whole.getBestCmap()
    little = read(font_program("Little", files.main_face.outlines(USUAL)))
    assert little.charset == [".notdef", *(f"cid{code:05}" for code in range(1, len(USUAL) + 1))]
    for sign, name in zip(USUAL, little.charset[1:], strict=True):
        glyph, original = little.CharStrings[name], glyphs[names[ord(sign)]]
        assert measured(glyph) == measured(original), sign
        assert glyph.width == original.width, sign


def test_a_rare_glyph_has_the_weight_of_the_others(files: FontFiles) -> None:
    regular = read(font_program("Little", files.rare_face.outlines(RARE))).CharStrings
    thin = read(font_program("Little", Face(files.rare, 2, {"wght": 100.0}).outlines(RARE))).CharStrings
    for code in (1, 2):
        name = f"cid{code:05}"
        assert abs(measured(thin[name])[1]) < 0.6 * abs(measured(regular[name])[1])
        assert regular[name].width == 1000


def test_a_font_of_very_many_glyphs_and_one_of_a_single_glyph_can_be_read(files: FontFiles) -> None:
    for signs in (["王"], [chr(code) for code in range(0x4E00, 0x4E00 + 1000)]):
        little = read(font_program("Little", files.main_face.outlines(signs)))
        assert len(little.CharStrings) == len(signs) + 1
        assert measured(little.CharStrings[f"cid{len(signs):05}"])[1] != 0
        assert measured(little.CharStrings[".notdef"]) == (None, 0)
