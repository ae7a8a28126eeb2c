"""What a certificate says, as it was when it was issued: whose it is, the payments, and how both are kept in a row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from dialogs.terms.insurance import Insurance, PayKind
from dialogs.terms.standard_han import standard_han


@dataclass(frozen=True, slots=True, repr=False)
class CertifiedPerson:
    """An insured with full name and ID number: for the document only."""

    name: str
    id_type: str
    id_number: str


@dataclass(frozen=True, slots=True)
class CertifiedLine:
    """One payment as it was when it was certified; amount in fen, days are the bureau's."""

    payment: int
    insurance: Insurance
    institution: str
    person_no: str
    pay_kind: PayKind
    cover_year: int
    period_from: str
    period_to: str
    tier: str
    paid_on: date
    receipt_no: str  # "" where another openid paid it here: its transaction is not told
    amount: int
    whose: int = 0  # which of the certificate's people it was paid for


@dataclass(frozen=True, repr=False)
class Certificate:
    """What was certified. Of several people only where one payer paid for them in one order."""

    number: str
    code: str
    issued_at: datetime
    issuer: str
    people: tuple[CertifiedPerson, ...]
    lines: tuple[CertifiedLine, ...]  # those of one person stand together
    qr: str | None = ""  # what the QR code says; "" number and code as text, None is not settled yet

    def __repr__(self) -> str:
        return f"Certificate({self.number}, {len(self.lines)} lines)"

    @property
    def amount(self) -> int:
        """The sum, in fen."""
        return sum(line.amount for line in self.lines)


def content_of(certificate: Certificate) -> str:
    """What is sealed in the row: the code, whose it is, and the lines."""
    lines = [asdict(line) | {"paid_on": line.paid_on.isoformat()} for line in certificate.lines]
    people = [asdict(one) for one in certificate.people]
    return json.dumps({"code": certificate.code, "people": people, "lines": lines}, ensure_ascii=False)


def certificate_of(number: str, issued_at: datetime, issuer: str, content: str, qr: str | None) -> Certificate:
    """The certificate of a row's values, `content` opened."""
    kept = json.loads(content)
    lines = (
        CertifiedLine(
            **one
            | {
                "insurance": Insurance(one["insurance"]),
                "pay_kind": PayKind(one["pay_kind"]),
                "paid_on": date.fromisoformat(one["paid_on"]),
            }
        )
        for one in kept["lines"]
    )
    people = tuple(CertifiedPerson(**one | {"name": standard_han(one["name"])}) for one in kept["people"])
    return Certificate(number, kept["code"], issued_at, issuer, people, tuple(lines), qr)
