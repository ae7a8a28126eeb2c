"""The payment card can be scanned, holds every word, and can be read by an old person."""

import io

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from bot.notices import card
from bot.notices.card import AMOUNT, HINT, MARGIN, ROW, TITLE, WIDTH, CardLines, CardPainter, Style, card_font

CODE = "weixin://wxpay/bizpayurl?pr=JyC91EIz1"
LINES = CardLines(
    title="家人代付 · 城乡居民养老保险",
    amount="500.00 元",
    rows=("参保人：王*三", "城乡居民基本养老保险 2026 年", "09:30 前有效"),
    hint="请家人用微信“扫一扫”",
)
STRANGE = CardLines(
    title="很长" * 20,
    amount="1234567890123.00 元整，一分不少",
    rows=("参保人：欧阳娜娜·买买提·阿布都热合曼·*·斯坦尼斯拉夫斯基", "x" * 200, "", "䶮\n𬭎\t\x00\ud800", "😀"),
    hint="请家人用微信“扫一扫”，" * 5,
)


@pytest.fixture(scope="module")
def painter() -> CardPainter:
    return CardPainter(card_font())


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def shown(painter: CardPainter, text: str, style: Style) -> list[card.Line]:
    return list(painter._lines(text, style))


@pytest.mark.parametrize("code_url", [CODE, "weixin://wxpay/bizpayurl?pr=" + "J" * 64, "weixin://" + "x" * 500])
@pytest.mark.parametrize("lines", [LINES, STRANGE])
def test_another_library_reads_the_very_code_url(painter: CardPainter, code_url: str, lines: CardLines) -> None:
    (found,) = zxingcpp.read_barcodes(opened(painter.paint(code_url, lines)))
    assert found.text == code_url


def test_a_photo_of_the_card_half_as_large_and_grey_is_still_read(painter: CardPainter) -> None:
    small = opened(painter.paint(CODE, LINES)).reduce(3).point(lambda light: 60 + light // 2)
    (found,) = zxingcpp.read_barcodes(small)
    assert found.text == CODE


def test_the_card_is_a_small_grey_picture_720_wide(painter: CardPainter) -> None:
    png = painter.paint(CODE, LINES)
    picture = opened(png)
    assert (picture.format, picture.mode, picture.width) == ("PNG", "L", 720)
    assert len(png) < 200_000


def test_the_same_card_is_painted_the_same(painter: CardPainter) -> None:
    assert painter.paint(CODE, LINES) == painter.paint(CODE, LINES)


@pytest.mark.parametrize(
    ("text", "style", "least"),
    [(LINES.amount, AMOUNT, 100), (STRANGE.amount, AMOUNT, 64), *((row, ROW, 36) for row in LINES.rows + STRANGE.rows)],
)
def test_amount_and_rows_are_large_enough_for_an_old_person(
    painter: CardPainter, text: str, style: Style, least: int
) -> None:
    assert all(line.font.size >= least for line in shown(painter, text, style))


@pytest.mark.parametrize("style", [TITLE, AMOUNT, ROW, HINT])
@pytest.mark.parametrize("text", ["", "王", "城乡居民基本养老保险 2026 年", "x" * 200, STRANGE.hint, STRANGE.rows[0]])
def test_no_line_is_wider_than_the_card_and_no_letter_is_lost(painter: CardPainter, text: str, style: Style) -> None:
    lines = shown(painter, text, style)
    assert "".join(line.text for line in lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert line.font.getlength(line.text) + 2 * line.weight <= WIDTH - 2 * MARGIN + 4


def test_a_time_or_an_amount_is_not_torn_at_the_end_of_a_line(painter: CardPainter) -> None:
    for pad in range(30):
        lines = shown(painter, "税" * pad + "请在 2026-11-23 09:30 前付 1,234,567.00 元", ROW)
        text = "|".join(line.text for line in lines)
        assert all(word in text for word in ("2026-11-23", "09:30", "1,234,567.00"))


def test_nothing_is_written_over_the_margins(painter: CardPainter) -> None:
    for lines in (LINES, STRANGE):
        picture = opened(painter.paint(CODE, lines))
        left, top, right, bottom = picture.point(lambda light: 255 - light).getbbox() or (0, 0, 0, 0)
        assert left >= MARGIN - 4
        assert right <= WIDTH - MARGIN + 4
        assert top >= MARGIN // 2
        assert bottom <= picture.height - MARGIN // 2


def test_every_sentence_is_on_the_card(painter: CardPainter, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def note(self: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, *args: object, **how: object) -> None:
        written.append(text)
        draw(self, xy, text, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    painter.paint(CODE, LINES)
    assert written == [LINES.title, LINES.amount, *LINES.rows, LINES.hint]


def test_rare_characters_of_names_are_drawn_and_not_as_boxes(painter: CardPainter) -> None:
    font = painter._font(46)
    missing = bytes(font.getmask("\U0010fffd"))
    for character in "䶮𬭎㛃𫖯怡梓·":
        assert bytes(font.getmask(character)) != missing


def test_a_character_the_font_lacks_is_a_star_and_no_box(painter: CardPainter) -> None:
    def card_of(name: str) -> bytes:
        return painter.paint(CODE, CardLines(LINES.title, LINES.amount, (f"参保人：{name}",), LINES.hint))

    assert card_of("\U0002a6c0*三") == card_of("**三") == card_of("\ue010*三")
    assert card_of("𬭎*三") != card_of("**三")
