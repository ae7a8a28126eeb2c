"""缴费证明: what may be certified, what was, and how anybody verifies it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from dialogs.terms.insurance import Insurance, PayKind


@dataclass(frozen=True, slots=True)
class Certifiable:
    """A payment that a certificate may be issued for."""

    id: int
    insured: str  # look-up key
    name: str  # masked
    insurance: Insurance
    pay_kind: PayKind
    cover_year: int
    amount: int
    paid_at: datetime
    order_no: str  # "" where it is not the payer's order


@dataclass(frozen=True, slots=True)
class Issued:
    """缴费证明: a certificate that was issued, with a fresh link to its document."""

    number: str
    code: str  # 查验码
    names: tuple[str, ...]  # masked; several where one order paid for several
    count: int  # of payments
    amount: int
    url: str
    valid_until: datetime  # of the link; the certificate itself does not end


@dataclass(frozen=True, slots=True)
class CertifiedPayment:
    """One line of a certificate, as anybody with number and code may see it."""

    insurance: Insurance
    pay_kind: PayKind
    cover_year: int
    amount: int
    refunded: bool  # since it was certified
    whose: int = 0  # which of the certificate's people


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine certificate, masked."""

    number: str
    people: tuple[tuple[str, str], ...]  # name and ID number of each
    issued_on: date
    issuer: str
    amount: int
    payments: tuple[CertifiedPayment, ...]


class Certificates(Protocol):
    """缴费证明."""

    def choosable(self, payer: str, insured: str = "") -> Sequence[Certifiable]:
        """Payments that were not given back, newest first, at most 60: of this payer's own orders, or of one insured.

        Of an insured only once consent, name and code are there; the steps before see to that.
        """
        ...

    def printable(self, payer: str, payments: Sequence[int], insured: str = "") -> bool:
        """Whether the names of the insured among these payments can be written; some old systems' characters cannot."""
        ...

    def issue(self, payer: str, payments: Sequence[int], insured: str = "", *, apart: bool = False) -> Sequence[Issued]:
        """A certificate for each insured; what one order paid for several is one for all of them, unless `apart`.

        The same on one day gives the same. Payments not choosable are left out.
        """
        ...

    def issued(self, payer: str, number: str) -> Issued | None:
        """A certificate that was issued to this payer, with a fresh link."""
        ...

    def show(self, payer: str, number: str, page: int) -> int:
        """Have the picture of this page (from 1) sent; how many pages there are. 0: none was issued to this payer."""
        ...

    def verify(self, number: str, code: str) -> Verified | None:
        """The certificate of this number and code; None alike for an unknown number and another code."""
        ...
