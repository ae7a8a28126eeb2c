"""Certificates on their way to people: the picture in the chat, and WeChat's code that opens the verification."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
import zxingcpp
from PIL import Image, ImageChops
from sqlalchemy import update

from bot.bench.certificate import certificate
from bot.certificate.desk import CertificateDesk
from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.links import CertificateLinks
from bot.certificate.papers import Papers
from bot.sandbox.faults import Fault
from bot.turns.conversation import BureauClock
from dialogs.terms.certificate import scene_of, shown_code
from storage.certificates import PERSON, CertificateBook
from storage.certified import Certificate
from storage.database import writing
from tests.bot.room import PAYER, Room
from tests.storage.counter import NOON, ZONE, payable

OTHER = "oOther"
LARGEST = 2_000_000  # bytes of a picture that WeChat takes


@pytest.fixture(scope="module")
def painter() -> CertificatePainter:
    files = FontFiles()
    return CertificatePainter(SharedFonts(files), files)


@pytest.fixture
def papers(room: Room, painter: CertificatePainter) -> Papers:
    """The room's certificates, with WeChat's codes; two people were paid for in one order."""
    seal = room.app.seal
    for key, name in (("wang", "王样三"), ("li", "李测二")):
        sealed = {"name": seal.seal(name), "number": seal.seal("369902198511030032")}
        with writing(room.app.engine) as connection:
            connection.execute(update(PERSON).where(PERSON.c.key == key).values(sealed))
    book = CertificateBook(room.app.engine, seal, ZONE, "样例市税务局", scanned=True)
    return Papers(book, painter, room.app.account.scan_code)


def issued(room: Room, papers: Papers, *insured: str) -> Certificate:
    no = room.counter.open(PAYER, *map(payable, insured))
    room.counter.place(f"{no}-1")
    room.counter.settle(f"{no}-1", amount=50000 * len(insured))
    [one] = papers.book.issue(PAYER, [one.id for one in papers.book.choosable(PAYER)], NOON)
    return one


def code_on(document: bytes) -> str:
    [code] = zxingcpp.read_barcodes(pdfium.PdfDocument(document)[0].render(scale=2).to_pil())
    return str(code.text)


class TestScanning:
    def test_the_code_on_the_page_opens_the_account_with_the_verification_at_once(
        self, room: Room, papers: Papers
    ) -> None:
        one = issued(room, papers, "wang", "li")
        scene = room.sandbox.wechat.scenes[code_on(papers.document(one))]
        assert scene == scene_of(one.number, one.code)
        office = room.sandbox.wechat.phone(OTHER, following=False)
        [welcome] = office.scan(scene)
        assert "王*三" in welcome.shown
        assert "李*二" in welcome.shown
        assert "369902198511030032" not in welcome.shown
        [again] = office.scan(scene)
        assert "1000元" in again.shown

    def test_the_link_is_made_once_and_the_document_stays_the_same(self, room: Room, papers: Papers) -> None:
        one = issued(room, papers, "wang")
        first = papers.document(one)
        kept = papers.book.find(one.number)
        assert kept is not None
        assert kept.qr
        room.sandbox.clock.move(3600)
        assert papers.document(kept) == first
        assert len(room.sandbox.wechat.scenes) == 1

    @pytest.mark.parametrize("fault", [Fault.STATUS_500, Fault.GARBLED, Fault.DROP_AFTER])
    def test_where_wechat_makes_none_the_code_is_text_and_stays_so(
        self, room: Room, papers: Papers, fault: Fault
    ) -> None:
        one = issued(room, papers, "wang")
        room.fault("wechat.qrcode", fault, times=9)
        first = papers.document(one)
        assert code_on(first) == f"{one.number} {one.code}"
        room.sandbox.faults.clear()
        assert papers.document(one) == first

    def test_where_it_is_not_configured_nothing_is_asked_of_wechat(self, room: Room, papers: Papers) -> None:
        plain = replace(papers, book=replace(papers.book, scanned=False), scan_code=None)
        one = issued(room, plain, "wang")
        assert one.qr == ""
        assert code_on(plain.document(one)) == f"{one.number} {one.code}"
        assert code_on(papers.document(one)) == f"{one.number} {one.code}", "configured later"


class TestLooking:
    def test_the_picture_is_the_very_page(self, room: Room, papers: Papers) -> None:
        one = issued(room, papers, "wang")
        png = papers.picture(PAYER, one.number, 1)
        assert png is not None
        picture = Image.open(io.BytesIO(png))
        page = pdfium.PdfDocument(papers.document(one))[0].render(scale=2, grayscale=True).to_pil()
        assert ImageChops.difference(picture, page).getbbox() is None
        assert (picture.format, picture.size) == ("PNG", (1191, 1684))
        assert len(png) < LARGEST

    def test_nobody_else_is_shown_it(self, room: Room, papers: Papers) -> None:
        one = issued(room, papers, "wang")
        assert papers.picture(OTHER, one.number, 1) is None
        desk = desk_of(room, papers)
        assert desk.show(OTHER, one.number, 1) == 0
        assert [desk.show(PAYER, one.number, page) for page in (0, 1, 2)] == [0, 1, 0]
        assert desk.issued(OTHER, one.number) is None
        room.sandbox.wechat.phone(OTHER).type("你好")
        room.phone.type("你好")
        room.work()
        assert "image" not in {bubble.kind for bubble in room.sandbox.wechat.phone(OTHER).inbox}
        assert [bubble.kind for bubble in room.phone.inbox].count("image") == 1

    def test_the_largest_page_is_a_picture_that_wechat_takes(self, painter: CertificatePainter) -> None:
        class Shelf:
            def issued_to(self, payer: str, number: str) -> Certificate:
                return certificate(60)

        shelf = Papers(Shelf(), painter)  # type: ignore[arg-type]
        pages = [shelf.picture(PAYER, "", page) for page in range(1, painter.pages(certificate(60)) + 1)]
        assert len(pages) == 4
        assert all(page and len(page) < LARGEST for page in pages)


def desk_of(room: Room, papers: Papers) -> CertificateDesk:
    links = CertificateLinks(papers, b"k" * 32, "https://bot.example", 7, room.sandbox.clock.now)
    return CertificateDesk(papers, links, lambda _: "", BureauClock(room.sandbox.clock.now, ZONE), ZONE, lambda: None)


def test_a_link_asked_for_again_within_the_hour_is_the_same(room: Room, papers: Papers) -> None:
    one = issued(room, papers, "wang")
    desk = desk_of(room, papers)
    room.sandbox.clock.move(60)
    first = desk.issued(PAYER, one.number)
    room.sandbox.clock.move(600)
    assert first == desk.issued(PAYER, one.number)
    assert first is not None
    assert shown_code(first.code).count("-") == 2
    room.sandbox.clock.move(3600)
    assert first != desk.issued(PAYER, one.number)


def test_the_console_takes_no_page_for_a_payment_card(room: Room, papers: Papers) -> None:
    from bot.console.local_phones import LocalPhones

    one = issued(room, papers, "wang")
    png = papers.picture(PAYER, one.number, 1)
    assert png is not None
    phones = LocalPhones(room.sandbox, lambda: None, lambda seconds: None)
    assert phones.card(room.app.account.upload_image(png)) is None
