"""A certificate as its document: the QR code settled when it is drawn first, the page drawn, the seal set.

The same row gives the same bytes, by whatever way they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Protocol

import structlog

from bot.wechat.account_errors import AccountTrouble
from dialogs.terms.certificate import scene_of
from storage.certificates import CertificateBook
from storage.certified import Certificate
from storage.sessions.contract import StoreUnavailable

DOTS_PER_INCH = 144  # of a picture: A4 is 1190 by 1684, clear on a telephone and far from WeChat's 2 MB

LOG = structlog.get_logger("certificates")


class Paints(Protocol):
    """Draws certificates (`bot.certificate.press`)."""

    def paint(self, certificate: Certificate) -> bytes:
        """The document. Raises CannotPrint."""
        ...

    def pages(self, certificate: Certificate) -> int:
        """On how many pages it stands. Raises CannotPrint."""
        ...


@dataclass(frozen=True)
class Papers:
    """Draws the certificates of a book; safe to share between threads.

    `scan_code` has WeChat make a code for a scene and gives its link; raises AccountTrouble.
    """

    book: CertificateBook
    painter: Paints
    scan_code: Callable[[str], str] | None = None
    _rendering: threading.Lock = field(default_factory=threading.Lock)  # PDFium knows no threads

    def document(self, certificate: Certificate) -> bytes:
        """The PDF. Raises CannotPrint, Unavailable."""
        if certificate.qr is None:
            certificate = replace(certificate, qr=self.book.keep_qr(certificate.number, self._made(certificate)))
        return self.painter.paint(certificate)

    def picture(self, payer: str, number: str, page: int) -> bytes | None:
        """A PNG of one page (from 1) of the very document; None where it was not issued to this payer."""
        certificate = self.book.issued_to(payer, number)
        return self._rendered(self.document(certificate), page) if certificate else None

    def _made(self, certificate: Certificate) -> str:
        """WeChat's code for it; "" where there is none to be had: then number and code stand there, for good."""
        if self.scan_code is None:
            return ""
        try:
            return self.scan_code(scene_of(certificate.number, certificate.code))
        except (AccountTrouble, StoreUnavailable) as trouble:
            LOG.warning("a certificate's code is text: WeChat made none", why=str(trouble)[:200])
            return ""

    def _rendered(self, document: bytes, page: int) -> bytes:
        import pypdfium2  # type: ignore[import-untyped]  # 10 MB that nobody needs until somebody looks

        with self._rendering:
            pdf = pypdfium2.PdfDocument(document)
            try:
                picture = pdf[page - 1].render(scale=DOTS_PER_INCH / 72, grayscale=True).to_pil()
            finally:
                pdf.close()
        png = BytesIO()
        picture.save(png, "PNG")
        return png.getvalue()
