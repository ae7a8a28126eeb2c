"""Further fonts for rare characters: read only where they are needed, with TrueType outlines in other units."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.boundsPen import BoundsPen  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from PIL import ImageChops

from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.outlines import font_program
from bot.certificate.press import Press
from bot.settings import USUAL_RARE_FONTS
from tests.bot.certificate.test_document import closed, of, pictures, texts
from tests.bot.certificate.test_outlines import read

RARE, RARER = "\U0002a6c0", "\U0002ebe0"  # extension B and F: neither installed font has them
UNITS = 2048
# Blocks of GB 18030-2022 beyond the BMP, and what HanaMin has of each (of 42,720, 4,154, 222, 5,762 and 7,473).
BLOCKS = {
    (0x20000, 0x2A6DF): 42_711,
    (0x2A700, 0x2B739): 4_149,
    (0x2B740, 0x2B81D): 222,
    (0x2B820, 0x2CEA1): 5_762,
    (0x2CEB0, 0x2EBE0): 7_473,
}


@pytest.fixture
def font(tmp_path: Path) -> Path:
    """A TrueType font with one glyph: a square with a round side, half an em high."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, UNITS // 2))
    pen.qCurveTo((UNITS, UNITS // 2), (UNITS, 0))
    pen.closePath()
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder([".notdef", "rare"])
    builder.setupCharacterMap({ord(RARE): "rare"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "rare": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (UNITS, 0), "rare": (UNITS, 0)})
    builder.setupHorizontalHeader(ascent=UNITS, descent=0)
    builder.setupNameTable({})
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "rare.ttf"
    builder.save(path)
    return path


def test_a_further_font_prints_what_the_installed_ones_lack(font: Path) -> None:
    files = FontFiles([font])
    assert not FontFiles().can_print(RARE)
    assert files.can_print(f"王{RARE}𠮷")
    assert files.missing_in(f"王{RARE}{RARER}") == RARER
    painter = CertificatePainter(SharedFonts(files), files)
    document = painter.paint(of(f"王{RARE}"))
    assert closed(f"王{RARE}") in texts(document)[0]
    with_it, without = pictures(document)[0], pictures(painter.paint(of("王 ")))[0]
    assert ImageChops.difference(with_it, without).getbbox() is not None
    assert painter.paint(of(f"王{RARE}")) == document


def test_its_outlines_are_told_in_thousandths(font: Path) -> None:
    [face] = FontFiles([font]).more_faces
    assert face.widths([RARE]) == [1000]
    little = read(font_program("Little", face.outlines([RARE])))
    bounds = BoundsPen(None)
    little.CharStrings["cid00001"].draw(bounds)
    assert bounds.bounds == (0, 0, 1000, 500)


def test_it_is_not_opened_where_no_name_needs_it(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.ttf"
    files = FontFiles([nowhere])
    assert files.can_print("王𠮷䶮𬭎·")
    files.check(["王样三"])
    with pytest.raises(Exception, match=r"nowhere\.ttf"):
        files.can_print(RARE)


@pytest.mark.skipif(not Path(USUAL_RARE_FONTS[1]).is_file(), reason="fonts-hanazono is not installed here")
def test_what_the_usual_further_fonts_add() -> None:
    press = Press(more=tuple(map(Path, USUAL_RARE_FONTS)))
    has = {block: sum(press.can_print(chr(code)) for code in range(block[0], block[1] + 1)) for block in BLOCKS}
    assert has == BLOCKS
