"""The certificates a dialog talks to: issued with a fresh link, verified with masked answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from bot.certificate.links import CertificateLinks
from dialogs.terms.identity import mask_name, mask_number
from dialogs.world import Certifiable, CertifiedPayment, Clock, Issued, Verified
from storage.certificates import Certificate, CertificateBook
from storage.orders.reading import moment


@dataclass(frozen=True)
class CertificateDesk:
    """`dialogs.world.Certificates`; `can_print` says whether a name can be drawn."""

    book: CertificateBook
    links: CertificateLinks
    can_print: Callable[[str], bool]
    clock: Clock
    zone: tzinfo

    def choosable(self, payer: str) -> Sequence[Certifiable]:
        """Payments of this payer's own orders that were not given back, newest first."""
        return self.book.choosable(payer)

    def printable(self, payer: str, payments: Sequence[int]) -> bool:
        """Whether the names of the insured among these payments can be written."""
        return all(map(self.can_print, self.book.names(payer, payments)))

    def issue(self, payer: str, payments: Sequence[int]) -> Sequence[Issued]:
        """A certificate for each insured among these payments."""
        return [self._issued(one) for one in self.book.issue(payer, payments, self.clock.now())]

    def verify(self, number: str, code: str) -> Verified | None:
        """The certificate of this number and code, masked."""
        found = self.book.verify(number, code)
        return masked(found, self.book.given_back(found)) if found else None

    def _issued(self, one: Certificate) -> Issued:
        url, until = self.links.url(one.number)
        name = mask_name(one.name)
        return Issued(one.number, one.code, name, len(one.lines), one.amount, url, moment(until, self.zone))


def masked(certificate: Certificate, given_back: frozenset[int]) -> Verified:
    """What anybody with number and code may see."""
    return Verified(
        number=certificate.number,
        name=mask_name(certificate.name),
        id_number=mask_number(certificate.id_number),
        issued_on=certificate.issued_at.date(),
        issuer=certificate.issuer,
        amount=certificate.amount,
        payments=tuple(
            CertifiedPayment(line.insurance, line.pay_kind, line.cover_year, line.amount, line.payment in given_back)
            for line in certificate.lines
        ),
    )
