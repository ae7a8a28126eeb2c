"""缴费记录: what was received for one insured, here or through another channel, and one's own orders that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import Engine, Row, bindparam, select

from dialogs.terms.insurance import Insurance, PayKind
from dialogs.world import OrderState, Record, RecordState
from storage.database import table_of
from storage.lookup import Lookup
from storage.orders.columns import LINE, ORDER, PAYMENT
from storage.orders.reading import moment
from storage.tables import InstitutionRow

MOST_RECORDS = 60
OURS = "wechat"  # the channel of payments made here
INSTITUTION = table_of(InstitutionRow)
_PAYMENTS = Lookup(
    select(
        PAYMENT.c.id,
        PAYMENT.c.insurance,
        PAYMENT.c.pay_kind,
        PAYMENT.c.tier_name,
        PAYMENT.c.cover_year,
        PAYMENT.c.amount,
        PAYMENT.c.paid_at,
        PAYMENT.c.channel,
        PAYMENT.c.receipt_no,
        PAYMENT.c.status,
        PAYMENT.c.institution,
        PAYMENT.c.order_no,
        INSTITUTION.c.name.label("institution_name"),
        ORDER.c.payer,
        ORDER.c.state,
    )
    .outerjoin(INSTITUTION, INSTITUTION.c.code == PAYMENT.c.institution)
    .outerjoin(ORDER, ORDER.c.no == PAYMENT.c.order_no)
    .where(PAYMENT.c.person == bindparam("insured"))
    .order_by(PAYMENT.c.cover_year.desc(), PAYMENT.c.paid_at.desc(), PAYMENT.c.id.desc())
)
_ORDERED = Lookup(
    select(
        LINE.c.order_no,
        LINE.c.line_no,
        LINE.c.insurance,
        LINE.c.pay_kind,
        LINE.c.tier_name,
        LINE.c.cover_year,
        LINE.c.amount,
        LINE.c.institution_name,
        ORDER.c.state,
        ORDER.c.opened_at,
        PAYMENT.c.id.label("payment"),
    )
    .join(ORDER, ORDER.c.no == LINE.c.order_no)
    .outerjoin(PAYMENT, (PAYMENT.c.order_no == LINE.c.order_no) & (PAYMENT.c.line_no == LINE.c.line_no))
    .where(ORDER.c.payer == bindparam("of"), LINE.c.person == bindparam("insured"))
    .order_by(ORDER.c.opened_at.desc())
)
_KNOWN = Lookup(
    select(PAYMENT.c.id)
    .join(ORDER, ORDER.c.no == PAYMENT.c.order_no)
    .where(ORDER.c.payer == bindparam("of"), PAYMENT.c.person == bindparam("insured"))
)
# What an order of one's own stands for as long as no payment tells it.
_OF_ORDERS = {
    OrderState.OPEN: RecordState.WAITING,
    OrderState.REFUNDING: RecordState.REFUNDING,
    OrderState.REFUNDED: RecordState.REFUNDED,
}


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """`dialogs.world.History` over the tables; every call may raise DatabaseUnavailable."""

    engine: Engine
    zone: tzinfo

    def records(self, payer: str, insured: str) -> Sequence[Record]:
        """By cover year and day of payment, newest first; of orders without a payment only this payer's."""
        paid = [self._paid(row, payer) for row in _PAYMENTS.rows(self.engine, insured=insured)]
        ordered = [
            self._ordered(row, _OF_ORDERS[OrderState(row.state)])
            for row in _ORDERED.rows(self.engine, of=payer, insured=insured)
            if row.payment is None and row.state in _OF_ORDERS
        ]
        found = sorted([*ordered, *paid], key=lambda one: (one.cover_year, one.at), reverse=True)
        return found[:MOST_RECORDS]

    def paid_for(self, payer: str, insured: str) -> bool:
        """Whether an order of this openid ever paid for this insured."""
        return _KNOWN.first(self.engine, of=payer, insured=insured) is not None

    def _paid(self, row: Row[Any], payer: str) -> Record:
        mine = row.payer == payer
        return Record(
            ref=f"p{row.id}",
            insurance=Insurance(row.insurance),
            pay_kind=PayKind(row.pay_kind),
            tier=row.tier_name,
            cover_year=row.cover_year,
            amount=row.amount,
            at=moment(row.paid_at, self.zone),
            institution=row.institution_name or row.institution,
            state=_state(row),
            mine=mine,
            order_no=row.order_no if mine else "",
            channel="" if row.channel == OURS else row.channel,
            receipt_no=row.receipt_no,
            payment=row.id,
        )

    def _ordered(self, row: Row[Any], state: RecordState) -> Record:
        return Record(
            ref=f"o{row.order_no}.{row.line_no}",
            insurance=Insurance(row.insurance),
            pay_kind=PayKind(row.pay_kind),
            tier=row.tier_name,
            cover_year=row.cover_year,
            amount=row.amount,
            at=moment(row.opened_at, self.zone),
            institution=row.institution_name,
            state=state,
            mine=True,
            order_no=row.order_no,
            channel="",
            receipt_no="",
        )


def _state(row: Row[Any]) -> RecordState:
    if row.status == "refunded":
        return RecordState.REFUNDED
    if row.status == "refunding":  # one of a family's lines may go back while the order stays paid
        return RecordState.REFUNDING
    return RecordState.BOOKED if row.status == "booked" else RecordState.PAID
