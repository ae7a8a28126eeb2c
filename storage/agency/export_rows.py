"""Which payments and refunds stand in a day's payments file: decided once, in one transaction, and kept.

A day's file holds what was settled on that day or before and stands in no other file. What is settled later for the
same day goes into the next file; its `settle_date` says so. So each payment and each refund is in exactly one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, case, func, insert, select, text, update

from dialogs.terms.contact import Relation
from storage.database import reading, table_of, writing
from storage.orders.columns import ATTEMPT, EXPORT, FILE, ORDER, PAYMENT
from storage.tables import ContactRow, EnrolmentRow, PersonRow

PAGE = 2_000  # rows read at once
PERSON, CONTACT, ENROLMENT = table_of(PersonRow), table_of(ContactRow), table_of(EnrolmentRow)
ENROLLED_WHERE_PAID = (
    (ENROLMENT.c.institution == PAYMENT.c.institution)
    & (ENROLMENT.c.person_no == PAYMENT.c.person_no)
    & (ENROLMENT.c.person == PAYMENT.c.person)
)


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A day's file, as it will always be; `total` in fen, refunds counted like payments."""

    file_no: str
    day: date
    rows: int
    total: int


def fixed_file(engine: Engine, day: date, now: int) -> FixedFile:
    """The day's file; the first call decides what it holds. Raises DatabaseUnavailable: then nothing is decided."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":  # SQLite's writers queue anyway
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"LOCK TABLE {FILE.name} IN EXCLUSIVE MODE"))
        row = connection.execute(select(FILE).where(FILE.c.day == day)).first() or _fix(connection, day, now)
        return FixedFile(row.file_no, row.day, row.rows, row.total)


def rows_of_file(engine: Engine, file_no: str) -> Iterator[Row[Any]]:
    """The rows of a file in their order, a page at a time."""
    query = (
        select(
            EXPORT.c.row_no,
            EXPORT.c.status.label("export_status"),
            EXPORT.c.settle_date,
            EXPORT.c.name,
            EXPORT.c.payer_relation,
            PAYMENT,
            ATTEMPT.c.out_trade_no,
            PERSON.c.id_type,
            PERSON.c.number,
        )
        .join(PAYMENT, PAYMENT.c.id == EXPORT.c.payment_id)
        .join(ATTEMPT, ATTEMPT.c.transaction_id == PAYMENT.c.receipt_no)
        .join(PERSON, PERSON.c.key == PAYMENT.c.person)
        .where(EXPORT.c.file_no == file_no)
        .order_by(EXPORT.c.row_no)
        .limit(PAGE)
    )
    last = 0
    while True:
        with reading(engine) as connection:
            page = connection.execute(query.where(EXPORT.c.row_no > last)).all()
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].row_no


def _fix(connection: Connection, day: date, now: int) -> Row[Any]:
    file_no = f"WX{day:%Y%m%d}"
    connection.execute(insert(FILE).values(file_no=file_no, day=day, made_at=now, rows=0, total=0))
    myself = (CONTACT.c.payer == ORDER.c.payer) & (CONTACT.c.person == PAYMENT.c.person)
    numbered = (
        select(
            EXPORT.c.id,
            func.row_number().over(order_by=(EXPORT.c.settle_date, EXPORT.c.id)).label("row_no"),
            func.coalesce(ENROLMENT.c.name, PERSON.c.name).label("name"),  # as this agency spells it
            case((CONTACT.c.relation.is_not(None), "self"), else_="other").label("payer_relation"),
        )
        .join(PAYMENT, PAYMENT.c.id == EXPORT.c.payment_id)
        .join(PERSON, PERSON.c.key == PAYMENT.c.person)
        .join(ORDER, ORDER.c.no == PAYMENT.c.order_no)
        .outerjoin(ENROLMENT, ENROLLED_WHERE_PAID)
        .outerjoin(CONTACT, myself & (CONTACT.c.relation == Relation.SELF.value))
        .where(EXPORT.c.file_no.is_(None), EXPORT.c.settle_date <= day)
        .subquery()
    )
    place = {name: numbered.c[name] for name in ("row_no", "name", "payer_relation")}
    connection.execute(update(EXPORT).where(EXPORT.c.id == numbered.c.id).values(file_no=file_no, **place))
    mine = EXPORT.c.file_no == file_no
    counted = select(func.count(), func.coalesce(func.sum(PAYMENT.c.amount), 0)).select_from(EXPORT)
    rows, total = connection.execute(counted.join(PAYMENT, PAYMENT.c.id == EXPORT.c.payment_id).where(mine)).one()
    connection.execute(update(FILE).where(FILE.c.file_no == file_no).values(rows=rows, total=int(total)))
    return connection.execute(select(FILE).where(FILE.c.file_no == file_no)).one()
