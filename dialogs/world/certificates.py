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
    insured: str  # look-up key; one certificate is for one insured
    name: str  # masked
    insurance: Insurance
    pay_kind: PayKind
    cover_year: int
    amount: int
    paid_at: datetime
    order_no: str


@dataclass(frozen=True, slots=True)
class Issued:
    """缴费证明: a certificate that was issued, with a fresh link to its document."""

    number: str
    code: str  # 查验码
    name: str  # masked
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


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine certificate, masked."""

    number: str
    name: str
    id_number: str
    issued_on: date
    issuer: str
    amount: int
    payments: tuple[CertifiedPayment, ...]


class Certificates(Protocol):
    """缴费证明."""

    def choosable(self, payer: str) -> Sequence[Certifiable]:
        """Payments of this payer's own orders that were not given back, newest first, at most 60."""
        ...

    def printable(self, payer: str, payments: Sequence[int]) -> bool:
        """Whether the names of the insured among these payments can be written; some old systems' characters cannot."""
        ...

    def issue(self, payer: str, payments: Sequence[int]) -> Sequence[Issued]:
        """A certificate for each insured; the same on one day gives the same. Payments not choosable are left out."""
        ...

    def verify(self, number: str, code: str) -> Verified | None:
        """The certificate of this number and code; None alike for an unknown number and another code."""
        ...
