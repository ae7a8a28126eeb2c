"""The certificates a dialog talks to: issued with a fresh link, shown as pictures, verified with masked answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import structlog

from bot.certificate.links import CertificateLinks
from bot.certificate.papers import Papers
from dialogs.terms.identity import mask_name, mask_number
from dialogs.world import Certifiable, CertifiedPayment, Clock, Issued, Verified
from storage.certificates import CertificateBook
from storage.certified import Certificate
from storage.database import writing
from storage.notices import page_notice, write_notice
from storage.orders.reading import moment

LOG = structlog.get_logger("certificates")
PICTURE_SECONDS = 10 * 60  # a picture that cannot be sent by then is not sent any more


@dataclass(frozen=True)
class CertificateDesk:
    """`dialogs.world.Certificates`; `missing_in` gives the characters of a name that no font has, `wake` says that a
    picture is due."""

    papers: Papers
    links: CertificateLinks
    missing_in: Callable[[str], str]
    clock: Clock
    zone: tzinfo
    wake: Callable[[], None]

    @property
    def book(self) -> CertificateBook:
        """Where they are kept."""
        return self.papers.book

    def choosable(self, payer: str, insured: str = "") -> Sequence[Certifiable]:
        """Payments that were not given back, newest first: of this payer's own orders, or of one insured."""
        return self.book.choosable(payer, insured)

    def printable(self, payer: str, payments: Sequence[int], insured: str = "") -> bool:
        """Whether the names of the insured among these payments can be written; an operator finds in the log which
        characters cannot (`run.py people unprintable` lists whose)."""
        missing = {one for name in self.book.names(payer, payments, insured) for one in self.missing_in(name)}
        if missing:
            LOG.warning("a name cannot be printed", characters=sorted(f"U+{ord(one):04X}" for one in missing))
        return not missing

    def issue(self, payer: str, payments: Sequence[int], insured: str = "", *, apart: bool = False) -> Sequence[Issued]:
        """A certificate for each insured among these payments; one for all whom one order paid for, unless `apart`."""
        now = self.clock.now()
        return [self._issued(one) for one in self.book.issue(payer, payments, now, insured, apart=apart)]

    def issued(self, payer: str, number: str) -> Issued | None:
        """A certificate that was issued to this payer, with a fresh link."""
        found = self.book.issued_to(payer, number)
        return self._issued(found) if found else None

    def show(self, payer: str, number: str, page: int) -> int:
        """Have the worker send the picture of a page; how many there are, 0 where it was not issued to this payer."""
        found = self.book.issued_to(payer, number)
        pages = self.papers.painter.pages(found) if found else 0
        if not 1 <= page <= pages:
            return 0
        now = int(self.clock.now().timestamp())
        with writing(self.book.engine) as connection:
            write_notice(connection, page_notice(payer, number, page, now + PICTURE_SECONDS, now))
        self.wake()
        return pages

    def verify(self, number: str, code: str) -> Verified | None:
        """The certificate of this number and code, masked."""
        found = self.book.verify(number, code)
        return masked(found, self.book.given_back(found)) if found else None

    def _issued(self, one: Certificate) -> Issued:
        url, until = self.links.url(one.number)
        names = tuple(mask_name(person.name) for person in one.people)
        return Issued(one.number, one.code, names, len(one.lines), one.amount, url, moment(until, self.zone))


def masked(certificate: Certificate, given_back: frozenset[int]) -> Verified:
    """What anybody with number and code may see."""
    return Verified(
        number=certificate.number,
        people=tuple((mask_name(one.name), mask_number(one.id_number)) for one in certificate.people),
        issued_on=certificate.issued_at.date(),
        issuer=certificate.issuer,
        amount=certificate.amount,
        payments=tuple(
            CertifiedPayment(
                line.insurance, line.pay_kind, line.cover_year, line.amount, line.payment in given_back, line.whose
            )
            for line in certificate.lines
        ),
    )
