"""The certificate as a document: what stands on it, on how many pages, read back by libraries that did not write it."""

from __future__ import annotations

import gc
import re
import resource
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageStat
from pyhanko.pdf_utils.generic import Reference
from pyhanko.pdf_utils.reader import PdfFileReader

from bot.bench.certificate import certificate
from bot.certificate.document import CertificatePainter
from bot.certificate.faults import CannotPrint
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.layout import broken, on_pages, packed
from bot.certificate.plain import PlainFonts
from bot.certificate.table import CELL_PAD, CELL_SIZE
from dialogs.terms.money import capital, decimal_yuan
from dialogs.texts import say
from storage.certified import Certificate, CertifiedPerson

FIFTY = "王样三李测二赵例四钱演五孙示六周幼七吴长八郑临九冯克十陈港居" * 2
NAMES = ("䶮样", "𬭎示", "买试·吐尔示", "SAMPLE ALEX", "𠮷样", "怡梓", FIFTY[:50], "ABCDEFGHI " * 4 + "JKLMNOPQRS")
SCALE = 2.0  # 144 dots an inch


@pytest.fixture(scope="module")
def files() -> FontFiles:
    return FontFiles()


@pytest.fixture(scope="module")
def painter(files: FontFiles) -> CertificatePainter:
    return CertificatePainter(SharedFonts(files), files)


def texts(document: bytes) -> list[str]:
    """The text of each page, without line breaks and blanks."""
    pages = [page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(document)]
    return [re.sub(r"\s", "", text) for text in pages]


def pictures(document: bytes) -> list[Image.Image]:
    return [page.render(scale=SCALE).to_pil().convert("L") for page in pdfium.PdfDocument(document)]


def told(document: bytes) -> str:
    """All that the document tells besides its drawings, unpacked by a library that did not write it."""
    reader: Any = PdfFileReader(BytesIO(document))
    everything = [reader.get_object(Reference(number, 0, reader)) for number in range(1, int(reader.trailer["/Size"]))]
    return " ".join(repr(one) for one in everything)


def closed(text: str) -> str:
    return text.replace(" ", "").replace("　", "")


def of(name: str, rows: int = 1) -> Certificate:
    one = certificate(rows)
    return replace(one, people=(replace(one.people[0], name=name),))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_read_back_and_leaves_no_empty_box(painter: CertificatePainter, name: str) -> None:
    assert closed(name) in texts(painter.paint(of(name)))[0]


def test_a_character_the_main_font_lacks_is_drawn_and_not_left_blank(
    painter: CertificatePainter, files: FontFiles
) -> None:
    with_it, without = (pictures(painter.paint(of(name)))[0] for name in ("𠮷", " "))
    box = ImageChops.difference(with_it, without).getbbox()
    assert box is not None
    width, height = box[2] - box[0], box[3] - box[1]
    assert 10 < width < 30
    assert 10 < height < 30
    another = next(sign for sign in map(chr, range(0x20BB8, 0x2A6DF)) if files.is_rare(sign) and files.can_print(sign))
    other = pictures(painter.paint(of(another)))[0]
    assert ImageChops.difference(with_it, other).getbbox() is not None, "both are the box of a missing character"


def test_a_rare_character_is_as_strong_as_the_others(painter: CertificatePainter) -> None:
    blank, rare, usual = (pictures(painter.paint(of(name)))[0] for name in (" ", "𠮷", "吉"))
    strong, normal = (ImageStat.Stat(ImageChops.difference(blank, one)).sum[0] for one in (rare, usual))
    assert 0.85 < strong / normal < 1.15  # thin strokes would be half of it


def test_a_character_no_font_has_is_refused_and_never_drawn_as_something_else(
    painter: CertificatePainter, files: FontFiles
) -> None:
    private = "王\ue000"
    assert files.can_print("王𠮷䶮𬭎·")
    assert not files.can_print(private)
    with pytest.raises(CannotPrint) as refused:
        painter.paint(of(private))
    assert "\ue000" not in str(refused.value)


def test_everything_that_was_certified_stands_on_the_page(painter: CertificatePainter) -> None:
    one = certificate(3)
    [page] = texts(painter.paint(one))
    amount = sum(line.amount for line in one.lines)
    wanted = [
        one.number,
        one.people[0].name,
        one.people[0].id_number,
        one.issuer,
        say("paper.title"),
        say("paper.document_201"),
    ]
    wanted += ["2026年11月23日", "ABCD-EFGH-JKMN", decimal_yuan(amount), capital(amount, prefix=True)]
    wanted += [say(f"paper.{key}") for key in ("note", "check", "sample", "watermark")]
    wanted += [line.person_no for line in one.lines]
    for text in wanted:
        assert closed(text) in page, text
    for line in one.lines:
        for text in (line.receipt_no, line.tier, line.institution, decimal_yuan(line.amount)):
            halves = (text[:8], text[-4:])  # a cell's lines stand beside those of other cells
            assert all(closed(half) in page for half in halves), text


@pytest.mark.parametrize(("rows", "pages"), [(1, 1), (10, 1), (60, 4)])
def test_ten_payments_fit_a_page_and_sixty_take_four_each_with_the_heading(
    painter: CertificatePainter, rows: int, pages: int
) -> None:
    one = certificate(rows)
    found = texts(painter.paint(one))
    assert len(found) == pages
    for number, page in enumerate(found, 1):
        assert closed(say("paper.column_receipt")) in page
        assert closed(say("paper.column_period")) in page
        assert one.number in page
        assert closed(say("paper.page", page=number, pages=pages)) in page
        assert (one.people[0].id_number in page) == (number == 1)
        assert ("ABCD-EFGH-JKMN" in page) == (number == pages)
        assert say("paper.watermark") in page
    assert all("".join(found).count(line.receipt_no[-6:]) for line in one.lines)


@pytest.mark.parametrize("name", ["𠮷样", FIFTY[:50]])
def test_a_page_that_is_lost_tells_whose_it_is(painter: CertificatePainter, name: str) -> None:
    for page in texts(painter.paint(of(name, 60))):
        assert name[:25] in page


def test_what_stands_in_every_row_takes_one_line_and_nothing_is_wider_than_its_column(
    painter: CertificatePainter,
) -> None:
    one = certificate(3)
    one = replace(one, lines=tuple(replace(line, amount=9_999_999_99) for line in one.lines))
    table = painter._drawing(one).table
    for row in table.rows:
        insurance, _, tier, period, paid_on, receipt, amount = row.cells
        assert [len(cell) for cell in (insurance, tier, period, paid_on, receipt, amount)] == [1, 1, 2, 1, 2, 1]
        for cell, column in zip(row.cells, table.columns, strict=True):
            assert all(table.sheet.width(CELL_SIZE)(line) <= column.width - 2 * CELL_PAD for line in cell)


def family(rows: int, *names: str) -> Certificate:
    """Paid in one order for these people; each has as many rows as the others, and an ID number of the own."""
    one = certificate(rows)
    share = rows // len(names)
    lines = (replace(line, whose=min(place // share, len(names) - 1)) for place, line in enumerate(one.lines))
    people = (CertifiedPerson(name, "201", f"36990219851103{place:04}") for place, name in enumerate(names))
    return replace(one, people=tuple(people), lines=tuple(lines))


def test_of_a_family_each_stands_with_name_and_full_number_above_the_own_rows(painter: CertificatePainter) -> None:
    one = family(6, "王样三", "𠮷样", FIFTY[:50])
    [page] = texts(painter.paint(one))
    places = [page.index(person.id_number) for person in one.people]
    assert places == sorted(places)
    for place, person in zip(places, one.people, strict=True):
        assert closed(person.name) in page[:place].replace("\n", "")
    assert [page[: places[1]].count(f"123450000{number}") for number in (1, 2, 3)] == [1, 1, 0]
    assert closed(say("paper.people_count", count=3)) in page


def test_on_further_pages_it_stands_again_whose_rows_go_on(painter: CertificatePainter) -> None:
    one = family(60, "王样三", "李测二")
    pages = texts(painter.paint(one))
    told = [[person.id_number in page for person in one.people] for page in pages]
    assert told[0] == [True, False]
    assert told[-1] == [False, True]
    assert all(any(page) for page in told)
    assert painter.pages(one) == len(pages) == len(pictures(painter.paint(one)))


def test_a_transaction_that_is_not_told_leaves_no_hole(painter: CertificatePainter) -> None:
    one = certificate(1)
    [page] = texts(painter.paint(replace(one, lines=(replace(one.lines[0], receipt_no=""),))))
    assert "—" in page
    assert one.lines[0].receipt_no[-6:] not in page


def test_what_a_wechat_code_says_is_told_beside_it(painter: CertificatePainter) -> None:
    link = "http://weixin.qq.com/q/02abcdefGhIjK"
    document = painter.paint(replace(certificate(1), qr=link))
    assert [code.text for code in zxingcpp.read_barcodes(pictures(document)[-1])] == [link]
    assert closed(say("paper.check_scanned")) in texts(document)[0]


@pytest.mark.parametrize(
    ("name", "rows", "most"),
    [
        ("王样三", 1, 21_500),
        ("王样三", 10, 23_000),
        ("𠮷样", 10, 23_000),
        (FIFTY[:50], 10, 27_000),
        ("王样三", 60, 26_500),
    ],
)
def test_a_certificate_is_small(painter: CertificatePainter, name: str, rows: int, most: int) -> None:
    assert len(painter.paint(of(name, rows))) < most


def test_the_same_certificate_is_the_same_bytes_in_every_process_and_on_every_thread(
    painter: CertificatePainter, files: FontFiles
) -> None:
    one = of("𠮷样", 12)
    first = painter.paint(one)
    assert CertificatePainter(SharedFonts(FontFiles()), files).paint(one) == first
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(painter.paint, [one, certificate(2)] * 6))
    assert set(drawn[::2]) == {first}
    assert len(set(drawn[1::2])) == 1
    assert painter.paint(replace(one, issued_at=one.issued_at + timedelta(seconds=1))) != first


MANY = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 700))  # more than fit a byte, so that all codes occur


@pytest.mark.parametrize(
    "one",
    [
        of("䶮样", 3),
        of("𠮷样", 1),
        of(FIFTY[:50], 20),
        of(MANY, 1),
        of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 1),
    ],
    ids=["3", "rare", "20", "many", "latin"],
)
def test_the_short_cut_through_harfbuzz_draws_the_very_same_pixels(
    painter: CertificatePainter, files: FontFiles, one: Certificate
) -> None:
    ours, plain = painter.paint(one), CertificatePainter(PlainFonts(files), files).paint(one)
    assert texts(ours) == texts(plain)
    for mine, theirs in zip(pictures(ours), pictures(plain), strict=True):
        assert ImageChops.difference(mine, theirs).getbbox() is None


@pytest.mark.parametrize("rows", [1, 10, 60])
def test_the_qr_code_says_number_and_code_and_can_be_read_from_the_page(painter: CertificatePainter, rows: int) -> None:
    one = certificate(rows)
    codes = zxingcpp.read_barcodes(pictures(painter.paint(one))[-1])
    assert [code.text for code in codes] == [f"{one.number} {one.code}"]


def test_the_document_tells_title_language_and_date_and_does_nothing_by_itself(painter: CertificatePainter) -> None:
    document = painter.paint(certificate(1))
    facts = pdfium.PdfDocument(document).get_metadata_dict()
    assert (facts["Title"], facts["Subject"]) == (say("paper.title"), "ZM20261123ABCDEFGH")
    assert facts["CreationDate"].startswith("D:20261123")
    catalog = told(document)
    assert "'/Lang': 'zh-CN'" in catalog
    assert "'/DisplayDocTitle': True" in catalog
    for active in ("/JavaScript", "/JS", "/Launch", "/URI", "/EmbeddedFile", "/AcroForm", "'/AA'", "/Action"):
        assert active not in catalog


def test_an_issuer_that_is_not_set_is_owned_up_to(painter: CertificatePainter) -> None:
    assert say("paper.no_issuer") in texts(painter.paint(replace(certificate(1), issuer="")))[0]


def test_memory_does_not_grow_with_the_number_of_documents(painter: CertificatePainter) -> None:
    def drawn(count: int) -> int:
        for number in range(count):
            painter.paint(of(NAMES[number % len(NAMES)]))
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = drawn(100)
    assert drawn(500) - before < 8_000  # kilobytes; a leaked font would be hundreds of thousands


@pytest.mark.parametrize(
    ("heights", "pages"),
    [([10.0] * 3, [3]), ([10.0] * 8, [7, 1]), ([10.0] * 10, [10]), ([10.0] * 11, [10, 1]), ([10.0] * 31, [10, 20, 1])],
)
def test_the_end_of_a_document_never_stands_alone(heights: Sequence[float], pages: Sequence[int]) -> None:
    last = 0.0 if heights in ([10.0] * 10, [10.0] * 11) else 30.0
    assert [len(page) for page in on_pages(heights, heights, 100, 200, last)] == pages


def test_the_first_row_of_a_page_has_its_heading_above_it() -> None:
    assert [len(page) for page in on_pages([10.0] * 10, [25.0] * 10, 50, 50, 0)] == [3, 3, 3, 1]


def test_parts_stand_whole_beside_each_other_or_below() -> None:
    assert packed(("ab", "cd", "efghij"), 8, len) == ("ab　　cd", "efghij")
    assert packed(("abcdefghijkl", "m"), 8, len) == ("abcdefgh", "ijkl", "m")


def test_words_are_kept_together_where_there_is_room_and_broken_where_there_is_none() -> None:
    assert broken("SAMPLE ALEX", 8, len) == ("SAMPLE", "ALEX")
    assert broken("42000012342026112312345", 10, len) == ("4200001234", "2026112312", "345")
    assert broken("东湖区，医保局", 4, len) == ("东湖区，", "医保局")
    assert broken("", 4, len) == ("",)
