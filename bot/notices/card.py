"""The payment card (请家人扫码付): a picture with a Native QR code for another phone's camera, and what it pays for."""

import io
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pylopdf_fonts_zh_cn
import qrcode
from PIL import Image, ImageDraw, ImageFont

WIDTH = 720
MARGIN = 40
QR_SIDE = 500
QUIET_MODULES = 4
MASK = 3  # any of the eight can be read; trying them all costs three times everything else
GAP = 24
LINE_HEIGHT = 1.35
INK, PAPER, RULE = 0, 255, 170
FIRST_RARE, LAST_RARE = "\ue000", "\U0010ffff"  # what the font may lack: private use and the planes behind the first
# what is not torn apart at the end of a line: figures and Latin words; closing signs stay with what they close
_PIECES = re.compile(r"(?:[!-~·]+|.)[，。；：、！？）》”]*")


@dataclass(frozen=True)
class CardLines:
    """The card's sentences, names masked already. Nothing is cut off: long ones shrink, then wrap."""

    title: str
    amount: str
    rows: tuple[str, ...]
    hint: str


@dataclass(frozen=True)
class Style:
    """`size` in pixels, `least` how far a line may shrink before it is wrapped; `weight` thickens the strokes."""

    size: int
    least: int
    weight: int = 0


TITLE = Style(52, 44, 1)
AMOUNT = Style(120, 64, 2)
ROW = Style(46, 36)
HINT = Style(44, 38, 1)


@dataclass(frozen=True)
class Line:
    text: str
    font: ImageFont.FreeTypeFont
    weight: int

    @property
    def height(self) -> int:
        return round(self.font.size * LINE_HEIGHT)


def card_font() -> Path:
    """Noto Sans SC (OFL), with 30,890 characters."""
    return pylopdf_fonts_zh_cn.sans_path()


class CardPainter:
    """Draws cards with one font, which stays loaded; safe to share between threads."""

    def __init__(self, font_path: Path) -> None:
        self._font_path = font_path
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}
        self._lock = threading.Lock()

    def paint(self, code_url: str, lines: CardLines) -> bytes:
        """A greyscale PNG, 720 wide and as high as it must be, whose QR code says exactly `code_url`."""
        with self._lock:
            return self._paint(code_url, lines)

    def _paint(self, code_url: str, lines: CardLines) -> bytes:
        head = [*self._lines(lines.title, TITLE), *self._lines(lines.amount, AMOUNT)]
        rows = [line for row in lines.rows for line in self._lines(row, ROW)]
        hint = list(self._lines(lines.hint, HINT))
        code = _code(code_url)
        height = sum(line.height for line in [*head, *rows, *hint]) + code.height + 2 * MARGIN + 4 * GAP
        card = Image.new("L", (WIDTH, height), PAPER)
        draw = ImageDraw.Draw(card)
        y = _write(draw, head, MARGIN)
        y = _write(draw, rows, y + GAP) + GAP
        draw.line([(MARGIN, y), (WIDTH - MARGIN, y)], fill=RULE, width=2)
        card.paste(code, ((WIDTH - code.width) // 2, y + GAP))
        _write(draw, hint, y + GAP + code.height + GAP)
        png = io.BytesIO()
        card.save(png, "PNG")
        return png.getvalue()

    def _lines(self, text: str, style: Style) -> Iterator[Line]:
        room = WIDTH - 2 * MARGIN
        text = self._writable(" ".join(text.split()))
        full = self._font(style.size).getlength(text)
        size = style.size if full <= room else max(style.least, int(style.size * room / full))
        font = self._font(size)
        line = ""
        for piece in _fitting(_PIECES.findall(text), font, room):
            if font.getlength(line + piece) > room:
                yield Line(line.strip(), font, style.weight)
                line = piece.lstrip()
            else:
                line += piece
        if line:
            yield Line(line.strip(), font, style.weight)

    def _writable(self, text: str) -> str:
        """The text with * for each character the font lacks, as a masked name has: never the box of a missing one."""
        if all(character < FIRST_RARE or character > LAST_RARE for character in text):
            return text
        font = self._font(HINT.size)
        missing = bytes(font.getmask(LAST_RARE))
        rare = {one for one in text if one >= FIRST_RARE and bytes(font.getmask(one)) == missing}
        return "".join("*" if one in rare else one for one in text)

    def _font(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            self._fonts[size] = ImageFont.truetype(self._font_path, size, layout_engine=ImageFont.Layout.BASIC)
        return self._fonts[size]


def _fitting(pieces: list[str], font: ImageFont.FreeTypeFont, room: int) -> Iterator[str]:
    """The pieces, those wider than a whole line letter by letter."""
    for piece in pieces:
        yield from [piece] if font.getlength(piece) <= room else piece


def _write(draw: ImageDraw.ImageDraw, lines: list[Line], y: int) -> int:
    """Writes centred lines from `y` down and gives the `y` below them."""
    for line in lines:
        middle = (WIDTH / 2, y + line.height / 2)
        draw.text(middle, line.text, fill=INK, font=line.font, anchor="mm", stroke_width=line.weight, stroke_fill=INK)
        y += line.height
    return y


def _code(code_url: str) -> Image.Image:
    """The QR code, its modules a whole number of pixels wide, in its quiet zone."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_MODULES, mask_pattern=MASK)
    code.add_data(code_url)
    code.make(fit=True)
    matrix = code.get_matrix()
    modules = Image.new("L", (len(matrix), len(matrix)), PAPER)
    modules.putdata([INK if dark else PAPER for row in matrix for dark in row])
    side = max(1, QR_SIDE // len(matrix)) * len(matrix)
    return modules.resize((side, side), Image.Resampling.NEAREST)
