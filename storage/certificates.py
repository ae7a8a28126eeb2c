"""缴费证明: which payments can be certified, certificates issued and kept as they were, and looked up again.

A row holds what was certified, sealed; the document is made from it anew whenever it is asked for. What happens to a
payment afterwards changes no certificate, and is told to whoever verifies one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.terms.certificate import CODE_SIGNS, NUMBER_SIGNS, SIGNS, number_of
from dialogs.terms.identity import mask_name
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.terms.standard_han import standard_han
from dialogs.world import Certifiable
from storage.certified import Certificate, CertifiedLine, CertifiedPerson, certificate_of, content_of
from storage.database import reading, table_of, writing
from storage.history import OURS
from storage.orders.columns import ATTEMPT, DISCREPANCY, LINE, ORDER, PAYMENT, REFUND, UNASSIGNED
from storage.orders.reading import moment
from storage.sealing import FieldSeal
from storage.tables import CertificateRow, EnrolmentRow, InstitutionRow, PersonRow

CERTIFICATE, PERSON, INSTITUTION = table_of(CertificateRow), table_of(PersonRow), table_of(InstitutionRow)
ENROLMENT = table_of(EnrolmentRow)
MOST_PAYMENTS = 60  # offered at once, newest first
BOOKED = ("paid", "booked")
STANDS = PAYMENT.c.settles.is_not(None) & PAYMENT.c.status.in_(BOOKED)  # was not given back
_UNASSIGNED = exists().where(
    REFUND.c.out_trade_no == ATTEMPT.c.out_trade_no,
    ATTEMPT.c.transaction_id == PAYMENT.c.receipt_no,
    REFUND.c.state == UNASSIGNED,
)
_UNEXPLAINED = exists().where(
    DISCREPANCY.c.key == PAYMENT.c.receipt_no, DISCREPANCY.c.kind == "refund", DISCREPANCY.c.state != "closed"
)
IN_DOUBT = _UNASSIGNED | _UNEXPLAINED  # some of its transaction went back elsewhere, and which of it is not known yet
RACES = 4


@dataclass(frozen=True, slots=True)
class CertificateBook:
    """Issues and keeps certificates. `issuer` is the bureau's name as it stands on new ones.

    `scanned`: new ones get WeChat's own code, made when the document is drawn first (`keep_qr`).
    """

    engine: Engine
    seal: FieldSeal
    zone: tzinfo
    issuer: str
    scanned: bool = False

    def choosable(self, payer: str, insured: str = "") -> Sequence[Certifiable]:
        """Payments that were not given back, newest first: of one insured, or of this openid's own orders.

        Whether this openid may see that insured's payments the caller has to know: consent, name and code.
        """
        whose = PAYMENT.c.person == insured if insured else ORDER.c.payer == payer
        query = (
            select(PAYMENT, LINE.c.masked_name, PERSON.c.name.label("sealed_name"), ORDER.c.payer)
            .join(PERSON, PERSON.c.key == PAYMENT.c.person)
            .outerjoin(ORDER, ORDER.c.no == PAYMENT.c.order_no)
            .outerjoin(LINE, (LINE.c.order_no == PAYMENT.c.order_no) & (LINE.c.line_no == PAYMENT.c.line_no))
            .where(whose & STANDS & ~IN_DOUBT)
            .order_by(PAYMENT.c.paid_at.desc(), PAYMENT.c.id.desc())
            .limit(MOST_PAYMENTS)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [
            Certifiable(
                id=row.id,
                insured=row.person,
                name=row.masked_name or mask_name(self.seal.open(row.sealed_name)),
                insurance=Insurance(row.insurance),
                pay_kind=PayKind(row.pay_kind),
                cover_year=row.cover_year,
                amount=row.amount,
                paid_at=moment(row.paid_at, self.zone),
                order_no=row.order_no if row.payer == payer else "",
            )
            for row in rows
        ]

    def names(self, payer: str, payments: Sequence[int], insured: str = "") -> frozenset[str]:
        """The full names that certificates of these payments would carry."""
        wanted = set(payments)
        chosen = [one.id for one in self.choosable(payer, insured) if one.id in wanted]
        with reading(self.engine) as connection:
            rows = _payments(connection, chosen)
            people = {row.person: [one for one in rows if one.person == row.person] for row in rows}
            return frozenset(self._person(connection, key, lines).name for key, lines in people.items())

    def issue(
        self, payer: str, payments: Sequence[int], now: datetime, insured: str = "", *, apart: bool = False
    ) -> Sequence[Certificate]:
        """A certificate for each insured among these payments; what one order paid for several is one for all of them.

        `apart`: one for each insured all the same. Payments that cannot be chosen (see `choosable`) are left out. The
        same payments of the same openid on the same day give the same certificate.
        """
        wanted = set(payments)
        chosen = [one for one in self.choosable(payer, insured) if one.id in wanted]
        return [self._issued(payer, ids, now) for ids in _groups(chosen, apart=apart)]

    def find(self, number: str) -> Certificate | None:
        """The certificate of this number."""
        return self._found(CERTIFICATE.c.number == number)

    def issued_to(self, payer: str, number: str) -> Certificate | None:
        """The certificate of this number, if it was issued to this openid."""
        return self._found((CERTIFICATE.c.number == number) & (CERTIFICATE.c.payer == payer))

    def verify(self, number: str, code: str) -> Certificate | None:
        """The certificate of this number, if the code is its own; None alike for an unknown number."""
        found = self.find(number)
        same = hmac.compare_digest((found.code if found else "-" * CODE_SIGNS).encode(), code.encode())
        return found if same else None

    def given_back(self, certificate: Certificate) -> frozenset[int]:
        """The certified payments that were refunded since."""
        ids = [line.payment for line in certificate.lines]
        with reading(self.engine) as connection:
            kept = connection.execute(select(PAYMENT.c.id).where(PAYMENT.c.id.in_(ids) & STANDS)).scalars().all()
        return frozenset(ids) - frozenset(kept)

    def keep_qr(self, number: str, qr: str) -> str:
        """Settle for ever what the QR code of this certificate says; gives what was settled, by whomever."""
        where = (CERTIFICATE.c.number == number) & CERTIFICATE.c.qr.is_(None)
        with writing(self.engine) as connection:
            connection.execute(update(CERTIFICATE).where(where).values(qr=qr))
            settled = connection.execute(select(CERTIFICATE.c.qr).where(CERTIFICATE.c.number == number)).scalar_one()
        return str(settled)

    def _found(self, where: ColumnElement[bool]) -> Certificate | None:
        with reading(self.engine) as connection:
            row = connection.execute(select(CERTIFICATE).where(where)).first()
        return self._opened(row) if row else None

    def _issued(self, payer: str, payments: Sequence[int], now: datetime) -> Certificate:
        asked = _asked(payer, payments, now.date())
        for race in range(1, RACES + 1):
            try:
                with writing(self.engine) as connection:
                    return self._issue(connection, payer, payments, asked, now)
            except IntegrityError:  # the same was asked for twice at once, or the number was drawn before
                if race == RACES:
                    raise
        raise AssertionError("unreachable")

    def _issue(
        self, connection: Connection, payer: str, payments: Sequence[int], asked: str, now: datetime
    ) -> Certificate:
        row = connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.asked == asked)).first()
        if row:
            return self._opened(row)
        found = _payments(connection, payments)
        people = list(dict.fromkeys(one.person for one in found))
        certificate = Certificate(
            number=number_of(now.date(), _drawn(NUMBER_SIGNS)),
            code=_drawn(CODE_SIGNS),
            issued_at=now.replace(microsecond=0),
            issuer=self.issuer,
            people=tuple(self._person(connection, key, [one for one in found if one.person == key]) for key in people),
            lines=tuple(self._line(row, people.index(row.person), payer) for row in found),
            qr=None if self.scanned else "",
        )
        values = {
            "number": certificate.number,
            "payer": payer,
            "person": people[0] if len(people) == 1 else None,
            "issued_at": int(now.timestamp()),
            "issuer": self.issuer,
            "content": self.seal.seal(content_of(certificate)),
            "asked": asked,
            "qr": certificate.qr,
        }
        connection.execute(insert(CERTIFICATE), values)
        return certificate

    def _person(self, connection: Connection, key: str, payments: Sequence[Row[Any]]) -> CertifiedPerson:
        """The insured, with the name as the agency of these payments spells it; of two spellings both, the second in
        brackets."""
        row = connection.execute(select(PERSON).where(PERSON.c.key == key)).one()
        enrolled = connection.execute(select(ENROLMENT).where(ENROLMENT.c.person == key)).all()
        of_insurance = {one.insurance: one.name for one in enrolled if one.name}
        of_enrolment = {(one.institution, one.person_no): one.name or row.name for one in enrolled}
        sealed = [
            of_enrolment.get((one.institution, one.person_no)) or of_insurance.get(one.insurance) or row.name
            for one in payments
        ]
        first, *others = dict.fromkeys(standard_han(self.seal.open(one)) for one in sealed)
        name = first + "".join(f"（{other}）" for other in others)
        return CertifiedPerson(name, row.id_type, self.seal.open(row.number))

    def _line(self, row: Row[Any], whose: int, payer: str) -> CertifiedLine:
        told = row.payer == payer or row.channel != OURS
        return CertifiedLine(
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
            receipt_no=row.receipt_no if told else "",
            amount=row.amount,
            whose=whose,
        )

    def _opened(self, row: Row[Any]) -> Certificate:
        content = self.seal.open(row.content)
        return certificate_of(row.number, moment(row.issued_at, self.zone), row.issuer, content, row.qr)


def _groups(chosen: Sequence[Certifiable], *, apart: bool) -> Sequence[Sequence[int]]:
    """Which payments stand on one certificate."""
    people: dict[str, set[str]] = {}
    for one in chosen:
        people.setdefault(one.order_no, set()).add(one.insured)
    family = {no for no, insured in people.items() if no and len(insured) > 1 and not apart}
    groups: dict[tuple[str, str], list[int]] = {}
    for one in sorted(chosen, key=lambda one: (one.paid_at, one.id)):
        group = (one.order_no, "") if one.order_no in family else ("", one.insured)
        groups.setdefault(group, []).append(one.id)
    return list(groups.values())


def _payments(connection: Connection, payments: Sequence[int]) -> Sequence[Row[Any]]:
    """The payments of a certificate in the order of its lines: person by person, as the order names them."""
    query = (
        select(PAYMENT, ORDER.c.payer)
        .add_columns(
            func.coalesce(LINE.c.institution_name, INSTITUTION.c.name, PAYMENT.c.institution).label("institution_name")
        )
        .outerjoin(ORDER, ORDER.c.no == PAYMENT.c.order_no)
        .outerjoin(LINE, (LINE.c.order_no == PAYMENT.c.order_no) & (LINE.c.line_no == PAYMENT.c.line_no))
        .outerjoin(INSTITUTION, INSTITUTION.c.code == PAYMENT.c.institution)
        .where(PAYMENT.c.id.in_(payments))
        .order_by(PAYMENT.c.paid_at, func.coalesce(PAYMENT.c.line_no, 0), PAYMENT.c.id)
    )
    found = connection.execute(query).all()
    people = list(dict.fromkeys(one.person for one in found))
    return sorted(found, key=lambda one: people.index(one.person))


def _asked(payer: str, payments: Sequence[int], day: date) -> str:
    """What makes the same request the same certificate."""
    text = f"{payer}|{','.join(map(str, sorted(payments)))}|{day}"
    return hashlib.sha256(text.encode()).hexdigest()


def _drawn(count: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(count))
