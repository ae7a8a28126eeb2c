"""Orders and payments as a dialog sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Engine, Row, bindparam, select, union_all

from dialogs.terms.insurance import Insurance
from dialogs.world import Held, Order, OrderLine, OrderRefund, OrderState, Payment, Taken
from storage.lookup import Lookup, no_columns
from storage.orders.columns import LINE, ORDER, PAYMENT, REFUND, REFUNDED

MOST_ORDERS = 50
_OF_PAYMENT = (PAYMENT.c.insurance, PAYMENT.c.cover_year, PAYMENT.c.amount, PAYMENT.c.paid_at)
_OF_ORDER = (ORDER.c.no, ORDER.c.payer, ORDER.c.state, ORDER.c.opened_at)
_TAKEN = Lookup(  # one round trip
    union_all(
        select(*_OF_PAYMENT, *no_columns(_OF_ORDER)).where(PAYMENT.c.settles == bindparam("key")),
        select(*no_columns(_OF_PAYMENT), *_OF_ORDER)
        .join(LINE, LINE.c.order_no == ORDER.c.no)
        .where(LINE.c.holds == bindparam("key")),
    )
)
_LATEST = (
    select(ORDER)
    .where(ORDER.c.payer == bindparam("of"))
    .order_by(ORDER.c.opened_at.desc(), ORDER.c.no)
    .limit(MOST_ORDERS)
)
_THEIRS = _LATEST.with_only_columns(ORDER.c.no)
_LINES = select(LINE).order_by(LINE.c.line_no)
_REFUNDS = select(REFUND).where(REFUND.c.owes.is_not(None)).order_by(REFUND.c.asked_at, REFUND.c.out_refund_no)
_ONE = Lookup(select(ORDER).where(ORDER.c.no == bindparam("number"), ORDER.c.payer == bindparam("of")))
_LINES_OF_ONE = Lookup(_LINES.where(LINE.c.order_no == bindparam("number")))
_REFUNDS_OF_ONE = Lookup(_REFUNDS.where(REFUND.c.order_no == bindparam("number")))
_ALL = Lookup(_LATEST)
_LINES_OF_ALL = Lookup(_LINES.where(LINE.c.order_no.in_(_THEIRS)))
_REFUNDS_OF_ALL = Lookup(_REFUNDS.where(REFUND.c.order_no.in_(_THEIRS)))
PAID_ONCE = (OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED)


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """`dialogs.world.Ledger` over the tables."""

    engine: Engine
    zone: tzinfo

    def taken(self, payer: str, payable_key: str) -> Taken:
        """Whether there is still something to pay; `payer` says whose own order it may be."""
        payment, held = None, None
        for row in _TAKEN.rows(self.engine, key=payable_key):
            if row.no is None:
                paid_at = moment(row.paid_at, self.zone)
                payment = Payment(Insurance(row.insurance), row.cover_year, row.amount, paid_at)
            elif row.state in (OrderState.OPEN, OrderState.CLOSING):
                held = Held(row.no, row.payer == payer, moment(row.opened_at, self.zone))
        return Taken(payment, held)


@dataclass(frozen=True, slots=True)
class OrderReader:
    """Orders of one payer; `pay_url` makes the link to the cashier from an order's number."""

    engine: Engine
    zone: tzinfo
    pay_url: Callable[[str], str]

    def order(self, payer: str, no: str) -> Order | None:
        """One order, if it is this payer's."""
        row = _ONE.first(self.engine, number=no, of=payer)
        if row is None:
            return None
        back = _REFUNDS_OF_ONE.rows(self.engine, number=no) if row.state in PAID_ONCE else []
        return self._order(row, _LINES_OF_ONE.rows(self.engine, number=no), back)

    def orders(self, payer: str) -> Sequence[Order]:
        """This payer's orders, newest first."""
        rows = _ALL.rows(self.engine, of=payer)
        lines = _LINES_OF_ALL.rows(self.engine, of=payer) if rows else []
        paid = any(row.state in PAID_ONCE for row in rows)
        back = _REFUNDS_OF_ALL.rows(self.engine, of=payer) if paid else []
        return [self._order(row, lines, back) for row in rows]

    def _order(self, row: Row[Any], lines: Sequence[Row[Any]], back: Sequence[Row[Any]]) -> Order:
        mine = [line for line in lines if line.order_no == row.no]
        refunds = [refund for refund in back if refund.order_no == row.no]
        going = {refund.line_no for refund in refunds if refund.state != REFUNDED}
        return Order(
            no=row.no,
            state=OrderState(row.state),
            amount=row.amount,
            service=row.service,
            opened_at=moment(row.opened_at, self.zone),
            expires_at=moment(row.expires_at, self.zone),
            pay_url=self.pay_url(row.no),
            family=row.channel == "native",
            lines=tuple(
                _order_line(line, paid=row.state == OrderState.PAID, going=line.line_no in going) for line in mine
            ),
            paid_at=moment(row.paid_at, self.zone) if row.paid_at else None,
            refunds=tuple(self._refund(refund) for refund in refunds),
        )

    def _refund(self, row: Row[Any]) -> OrderRefund:
        return OrderRefund(row.amount, moment(row.refunded_at, self.zone) if row.refunded_at else None, row.account)


def moment(seconds: int, zone: tzinfo) -> datetime:
    """A stored moment as the bureau reads it."""
    return datetime.fromtimestamp(seconds, zone)


def _order_line(row: Row[Any], *, paid: bool, going: bool) -> OrderLine:
    return OrderLine(
        payable_key=row.payable_key,
        insurance=Insurance(row.insurance),
        name=row.masked_name,
        cover_year=row.cover_year,
        pay_kind=row.pay_kind,
        amount=row.amount,
        institution_name=row.institution_name,
        insured=row.person,
        given_back=paid and row.holds is None,
        going_back=going,
    )
