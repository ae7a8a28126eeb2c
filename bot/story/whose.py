"""Whose story is asked for: by whatever number somebody on the telephone can read out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine, or_, select

from dialogs.terms.certificate import read_number
from dialogs.terms.identity import NotADocument, mask_name, mask_number, read_document
from storage.certificates import CERTIFICATE
from storage.database import reading, table_of
from storage.journal import SPOKEN
from storage.orders.columns import ATTEMPT, LINE, ORDER, REFUND
from storage.orders.rows import order_of
from storage.sealing import FieldSeal
from storage.tables import PersonRow

PERSON = table_of(PersonRow)
AROUND_SECONDS = 3600  # of the talk before and after, where one order or certificate is asked for


@dataclass(frozen=True, slots=True)
class Whose:
    """What the story is about: orders, and the citizens who talked, each from when until when (unix seconds)."""

    title: str
    orders: tuple[str, ...]
    talks: tuple[tuple[str, int, int | None], ...]  # openid, from, until
    whole: str = ""  # the openid all of whose certificates and consents belong to it
    person: str = ""  # look-up key, where it is about an insured
    certificate: str = ""


def whose(engine: Engine, seal: FieldSeal, key: str, today: date) -> Whose | None:
    """Whom a number, an openid or an ID number means; None where nobody knows it. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return (
            _order(connection, key)
            or _certificate(connection, key)
            or _person(connection, seal, key, today)
            or (_openid(connection, key))
        )


def _order(connection: Connection, key: str) -> Whose | None:
    """An order by its number, 商户订单号, 微信支付单号 or 商户退款单号."""
    of_attempt = select(ATTEMPT.c.order_no).where(or_(ATTEMPT.c.out_trade_no == key, ATTEMPT.c.transaction_id == key))
    no = (
        connection.execute(of_attempt).scalar()
        or connection.execute(select(REFUND.c.order_no).where(REFUND.c.out_refund_no == key)).scalar()
        or key
    )
    order = order_of(connection, no)
    if order is None:
        return None
    over = max(at for at in (order.expires_at, order.paid_at, order.closed_at) if at)
    talk = (order.payer, order.opened_at - AROUND_SECONDS, over + AROUND_SECONDS)
    return Whose(f"缴费单 {order.no}，缴费人 {order.payer}", (order.no,), (talk,))


def _certificate(connection: Connection, key: str) -> Whose | None:
    number = read_number(key)
    found = connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.number == number)).first() if number else None
    if found is None:
        return None
    talk = (found.payer, found.issued_at - AROUND_SECONDS, found.issued_at + AROUND_SECONDS)
    return Whose(f"缴费证明 {found.number}，开给 {found.payer}", (), (talk,), certificate=found.number)


def _person(connection: Connection, seal: FieldSeal, key: str, today: date) -> Whose | None:
    """An insured, whoever paid. The number is hashed at once; what is shown of it is masked."""
    try:
        document = read_document(key, today)
    except NotADocument:
        return None
    person = seal.look_up_key(document.number)
    known = connection.execute(select(PERSON.c.name).where(PERSON.c.key == person)).scalar()
    if known is None:
        return None
    where = ORDER.c.no.in_(select(LINE.c.order_no).where(LINE.c.person == person))
    orders = connection.execute(select(ORDER).where(where).order_by(ORDER.c.opened_at)).all()
    talks = [
        (one.payer, one.opened_at - AROUND_SECONDS, max(one.expires_at, one.paid_at or 0) + AROUND_SECONDS)
        for one in orders
    ]
    title = f"参保人 {mask_name(seal.open(known))}（{mask_number(document.number)}）"
    return Whose(title, tuple(one.no for one in orders), tuple(talks), person=person)


def _openid(connection: Connection, key: str) -> Whose | None:
    orders = connection.execute(select(ORDER.c.no).where(ORDER.c.payer == key).order_by(ORDER.c.opened_at)).scalars()
    found = tuple(orders)
    spoke = connection.execute(select(SPOKEN.c.id).where(SPOKEN.c.openid == key).limit(1)).first()
    if not found and spoke is None:
        return None
    return Whose(f"微信用户 {key}", found, ((key, 0, None),), whole=key)
