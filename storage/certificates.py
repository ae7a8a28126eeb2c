"""缴费证明: which payments can be certified, certificates issued and kept as they were, and looked up again.

A row holds what was certified, sealed; the document is made from it anew whenever it is asked for. What happens to a
payment afterwards changes no certificate, and is told to whoever verifies one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from dialogs.terms.certificate import CODE_SIGNS, NUMBER_SIGNS, SIGNS, number_of
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.world import Certifiable
from storage.database import reading, table_of, writing
from storage.orders.columns import LINE, ORDER, PAYMENT
from storage.orders.reading import moment
from storage.sealing import FieldSeal
from storage.tables import CertificateRow, PersonRow

CERTIFICATE, PERSON = table_of(CertificateRow), table_of(PersonRow)
MOST_PAYMENTS = 60  # offered at once, newest first
BOOKED = ("paid", "booked")
RACES = 4


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
    receipt_no: str
    amount: int


@dataclass(frozen=True, repr=False)
class Certificate:
    """What was certified. Holds the full name and ID number: for the document only."""

    number: str
    code: str
    issued_at: datetime
    issuer: str
    name: str
    id_type: str
    id_number: str
    lines: tuple[CertifiedLine, ...]

    def __repr__(self) -> str:
        return f"Certificate({self.number}, {len(self.lines)} lines)"

    @property
    def amount(self) -> int:
        """The sum, in fen."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class CertificateBook:
    """Issues and keeps certificates. `issuer` is the bureau's name as it stands on new ones."""

    engine: Engine
    seal: FieldSeal
    zone: tzinfo
    issuer: str

    def choosable(self, payer: str) -> Sequence[Certifiable]:
        """Payments that this openid's own orders settled and that were not given back, newest first."""
        where = (ORDER.c.payer == payer) & PAYMENT.c.settles.is_not(None) & PAYMENT.c.status.in_(BOOKED)
        query = (
            select(PAYMENT, LINE.c.masked_name)
            .join(ORDER, ORDER.c.no == PAYMENT.c.order_no)
            .join(LINE, (LINE.c.order_no == PAYMENT.c.order_no) & (LINE.c.line_no == PAYMENT.c.line_no))
            .where(where)
            .order_by(PAYMENT.c.paid_at.desc(), PAYMENT.c.id.desc())
            .limit(MOST_PAYMENTS)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [
            Certifiable(
                id=row.id,
                insured=row.person,
                name=row.masked_name,
                insurance=Insurance(row.insurance),
                pay_kind=PayKind(row.pay_kind),
                cover_year=row.cover_year,
                amount=row.amount,
                paid_at=moment(row.paid_at, self.zone),
                order_no=row.order_no,
            )
            for row in rows
        ]

    def names(self, payer: str, payments: Sequence[int]) -> frozenset[str]:
        """The full names that certificates of these payments would carry."""
        wanted = set(payments)
        insured = {one.insured for one in self.choosable(payer) if one.id in wanted}
        with reading(self.engine) as connection:
            sealed = connection.execute(select(PERSON.c.name).where(PERSON.c.key.in_(insured))).scalars().all()
        return frozenset(map(self.seal.open, sealed))

    def issue(self, payer: str, payments: Sequence[int], now: datetime) -> Sequence[Certificate]:
        """A certificate for each insured among these payments; payments that cannot be chosen are left out.

        The same payments of the same openid on the same day give the same certificate.
        """
        wanted = set(payments)
        chosen = [one for one in self.choosable(payer) if one.id in wanted]
        groups: dict[str, list[int]] = {}
        for one in sorted(chosen, key=lambda one: (one.paid_at, one.id)):
            groups.setdefault(one.insured, []).append(one.id)
        return [self._issued(payer, insured, ids, now) for insured, ids in groups.items()]

    def find(self, number: str) -> Certificate | None:
        """The certificate of this number."""
        with reading(self.engine) as connection:
            row = connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.number == number)).first()
        if row is None:
            return None
        return self._opened(row.number, row.issued_at, row.issuer, row.content)

    def verify(self, number: str, code: str) -> Certificate | None:
        """The certificate of this number, if the code is its own; None alike for an unknown number."""
        found = self.find(number)
        same = hmac.compare_digest((found.code if found else "-" * CODE_SIGNS).encode(), code.encode())
        return found if same else None

    def given_back(self, certificate: Certificate) -> frozenset[int]:
        """The certified payments that were refunded since."""
        ids = [line.payment for line in certificate.lines]
        still = (PAYMENT.c.id.in_(ids)) & PAYMENT.c.settles.is_not(None) & PAYMENT.c.status.in_(BOOKED)
        with reading(self.engine) as connection:
            kept = connection.execute(select(PAYMENT.c.id).where(still)).scalars().all()
        return frozenset(ids) - frozenset(kept)

    def _issued(self, payer: str, insured: str, payments: Sequence[int], now: datetime) -> Certificate:
        asked = _asked(payer, insured, payments, now.date())
        for race in range(1, RACES + 1):
            try:
                with writing(self.engine) as connection:
                    return self._issue(connection, payer, insured, payments, asked, now)
            except IntegrityError:  # the same was asked for twice at once, or the number was drawn before
                if race == RACES:
                    raise
        raise AssertionError("unreachable")

    def _issue(
        self, connection: Connection, payer: str, insured: str, payments: Sequence[int], asked: str, now: datetime
    ) -> Certificate:
        row = connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.asked == asked)).first()
        if row:
            return self._opened(row.number, row.issued_at, row.issuer, row.content)
        person = connection.execute(select(PERSON).where(PERSON.c.key == insured)).one()
        certificate = Certificate(
            number=number_of(now.date(), _drawn(NUMBER_SIGNS)),
            code=_drawn(CODE_SIGNS),
            issued_at=now.replace(microsecond=0),
            issuer=self.issuer,
            name=self.seal.open(person.name),
            id_type=person.id_type,
            id_number=self.seal.open(person.number),
            lines=tuple(self._lines(connection, payments)),
        )
        values = {
            "number": certificate.number,
            "payer": payer,
            "person": insured,
            "issued_at": int(now.timestamp()),
            "issuer": self.issuer,
            "content": self.seal.seal(_content(certificate)),
            "asked": asked,
        }
        connection.execute(insert(CERTIFICATE).values(values))
        return certificate

    def _lines(self, connection: Connection, payments: Sequence[int]) -> Sequence[CertifiedLine]:
        query = (
            select(PAYMENT, LINE.c.institution_name)
            .join(LINE, (LINE.c.order_no == PAYMENT.c.order_no) & (LINE.c.line_no == PAYMENT.c.line_no))
            .where(PAYMENT.c.id.in_(payments))
            .order_by(PAYMENT.c.paid_at, PAYMENT.c.id)
        )
        return [
            CertifiedLine(
                payment=row.id,
                insurance=Insurance(row.insurance),
                institution=row.institution_name,
                person_no=row.person_no,
                pay_kind=PayKind(row.pay_kind),
                cover_year=row.cover_year,
                period_from=row.period_from,
                period_to=row.period_to,
                tier=row.tier_name,
                paid_on=moment(row.paid_at, self.zone).date(),
                receipt_no=row.receipt_no,
                amount=row.amount,
            )
            for row in connection.execute(query).all()
        ]

    def _opened(self, number: str, issued_at: int, issuer: str, sealed: str) -> Certificate:
        content = json.loads(self.seal.open(sealed))
        lines = [
            CertifiedLine(
                **one
                | {
                    "insurance": Insurance(one["insurance"]),
                    "pay_kind": PayKind(one["pay_kind"]),
                    "paid_on": date.fromisoformat(one["paid_on"]),
                }
            )
            for one in content.pop("lines")
        ]
        return Certificate(
            number=number, issued_at=moment(issued_at, self.zone), issuer=issuer, lines=tuple(lines), **content
        )


def _content(certificate: Certificate) -> str:
    """What is sealed: the code, whose it is, and the lines."""
    lines = [asdict(line) | {"paid_on": line.paid_on.isoformat()} for line in certificate.lines]
    whose = {name: getattr(certificate, name) for name in ("code", "name", "id_type", "id_number")}
    return json.dumps(whose | {"lines": lines}, ensure_ascii=False)


def _asked(payer: str, insured: str, payments: Sequence[int], day: date) -> str:
    """What makes the same request the same certificate."""
    text = f"{payer}|{insured}|{','.join(map(str, sorted(payments)))}|{day}"
    return hashlib.sha256(text.encode()).hexdigest()


def _drawn(count: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(count))
