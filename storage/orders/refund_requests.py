"""What an operator may have given back: payments of an order, line by line, and refunds WeChat Pay had closed.

Nothing here calls WeChat Pay: the rows say what is owed, the worker brings it to its end. Who asked and why stays in
the row. A payment the agency has booked (已入库) is the agency's money too: it goes back only if that is said expressly
(facts/domain.md 5.7).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from storage.database import reading, writing
from storage.notices import asked_refund_notice, write_notice
from storage.orders.columns import ATTEMPT, CLOSED, DUE, LINE, PAYMENT, REFUND, REFUNDING
from storage.orders.debts import close_notes, owe, schedule, state_of_order
from storage.orders.rows import change_refund, lines_of, lock_order, order_of, the_attempt

LONGEST_WHY = 200


class Stands(StrEnum):
    """How one part of an order's money stands, seen by somebody who wants it back."""

    PAID = "paid"
    BOOKED = "booked"  # 已入库: only if said expressly
    CLOSED = "closed"  # WeChat Pay closed its refund: it may be tried again with a new number
    UNDER_WAY = "under_way"
    ABNORMAL = "abnormal"  # to be brought to its end in the merchant console
    REFUNDED = "refunded"


FREELY = (Stands.PAID, Stands.CLOSED)
WHY_NOT = {
    Stands.BOOKED: "经办机构已经入库，要退请加 --booked",
    Stands.UNDER_WAY: "已经在退了",
    Stands.ABNORMAL: "退款异常，请到商户平台处理",
    Stands.REFUNDED: "已经退过了",
}


class NotRefundable(Exception):
    """Nothing was changed; says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    """Money of an order that may go back as one: a line's payment, or (line 0) what settled nothing."""

    line_no: int
    name: str  # masked
    insurance: str  # "" for what settled nothing
    cover_year: int
    amount: int
    out_trade_no: str
    stands: Stands
    out_refund_no: str = ""  # of the refund there is, if any


def parts_of(engine: Engine, order_no: str) -> Sequence[Part] | None:
    """Every part of the order's money, by line; None where there is no such order."""
    with reading(engine) as connection:
        if order_of(connection, order_no) is None:
            return None
        return _parts(connection, order_no)


def ask_refund(
    engine: Engine, order_no: str, wanted: Sequence[Part], *, by: str, why: str, booked: bool, now: int
) -> Sequence[str]:
    """Have these parts given back, as they were shown; returns the numbers of the refunds.

    Raises NotRefundable where one of them has changed since, or may not go back; DatabaseUnavailable.
    """
    if not why.strip() or len(why) > LONGEST_WHY or not why.isprintable():
        raise NotRefundable(f"--reason 要写明原因，最多 {LONGEST_WHY} 个字")
    with writing(engine) as connection:
        lock_order(connection, order_no)
        there = _parts(connection, order_no)
        for part in wanted:
            if part not in there:
                raise NotRefundable(f"明细 {part.line_no} 刚刚有变化，没有退款；请再看一次")
            _refuse_unless_free(part, booked=booked)
        numbers = [_owe(connection, order_no, part, by, why, now) for part in wanted]
        order = state_of_order(connection, order_no)
        asked = connection.execute(select(REFUND).where(REFUND.c.out_refund_no.in_(numbers))).all()
        lines = lines_of(connection, order_no)
        if news := asked_refund_notice(order, lines, asked, now):
            write_notice(connection, news)
        schedule(connection, order_no)
    return numbers


def _owe(connection: Connection, order_no: str, part: Part, by: str, why: str, now: int) -> str:
    if part.stands is Stands.CLOSED:
        number = _again(connection, part.out_refund_no, now)
    else:
        which = (PAYMENT.c.order_no == order_no) & (PAYMENT.c.line_no == part.line_no)
        payment = connection.execute(select(PAYMENT).where(which)).one()
        attempt = the_attempt(connection, part.out_trade_no)
        number = owe(connection, attempt, payment.amount, now, payment)
        still = (PAYMENT.c.id == payment.id) & (PAYMENT.c.status == part.stands.value)
        if not connection.execute(update(PAYMENT).where(still).values(status=REFUNDING)).rowcount:
            raise NotRefundable(f"明细 {part.line_no} 刚刚有变化，没有退款；请再看一次")
        mine = (REFUND.c.out_trade_no == attempt.out_trade_no) & REFUND.c.owes.is_not(None)
        owed = connection.execute(select(func.sum(REFUND.c.amount)).where(mine)).scalar_one()
        if owed > attempt.amount:
            raise NotRefundable("这样退的钱会比收的多，没有退款")
    change_refund(connection, number, asked_by=by, why=why)
    return number


def _again(connection: Connection, closed: str, now: int) -> str:
    """A new number in place of one that WeChat Pay has closed; that one is asked about once more before it is used."""
    old = connection.execute(select(REFUND).where(REFUND.c.out_refund_no == closed)).one()
    kind = old.owes.partition(":")[2]
    first = f"{old.out_trade_no}-{kind}"
    same = (REFUND.c.out_trade_no == old.out_trade_no) & (
        REFUND.c.line_no.is_(None) if old.line_no is None else REFUND.c.line_no == old.line_no
    )
    tries = connection.execute(select(func.count()).select_from(REFUND).where(same)).scalar_one()
    number = f"{first}-{tries + 1}"
    values = dict(old._mapping) | {
        "out_refund_no": number,
        "state": DUE,
        "asked_at": now,
        "replaces": closed,
        "called_at": None,
        "look_at": now,
    }
    change_refund(connection, closed, owes=None)
    connection.execute(insert(REFUND), values)
    close_notes(connection, old, f"换号再退：{number}", now)
    return number


def _parts(connection: Connection, order_no: str) -> Sequence[Part]:
    payments = connection.execute(
        select(PAYMENT, LINE.c.masked_name, ATTEMPT.c.out_trade_no)
        .join(LINE, (LINE.c.order_no == PAYMENT.c.order_no) & (LINE.c.line_no == PAYMENT.c.line_no))
        .join(ATTEMPT, ATTEMPT.c.transaction_id == PAYMENT.c.receipt_no)
        .where(PAYMENT.c.order_no == order_no)
        .order_by(PAYMENT.c.line_no)
    ).all()
    alive = (REFUND.c.order_no == order_no) & REFUND.c.owes.is_not(None)
    refunds = connection.execute(select(REFUND).where(alive).order_by(REFUND.c.out_refund_no)).all()
    of_line = {refund.line_no: refund for refund in refunds if refund.payment_id is not None}
    found = [
        Part(0, "", "", 0, refund.amount, refund.out_trade_no, _of_refund(refund), refund.out_refund_no)
        for refund in refunds
        if refund.payment_id is None
    ]
    for row in payments:
        refund = of_line.get(row.line_no)
        stands = _of_refund(refund) if refund else Stands(row.status)
        number = refund.out_refund_no if refund else ""
        found.append(
            Part(
                row.line_no,
                row.masked_name,
                row.insurance,
                row.cover_year,
                row.amount,
                row.out_trade_no,
                stands,
                number,
            )
        )
    return found


def _of_refund(refund: Row[Any]) -> Stands:
    ends = {CLOSED: Stands.CLOSED, "abnormal": Stands.ABNORMAL, "refunded": Stands.REFUNDED}
    return ends.get(refund.state, Stands.UNDER_WAY)


def chosen(parts: Sequence[Part], lines: Collection[int], *, booked: bool) -> Sequence[Part]:
    """The parts of these lines; without lines all that may go back now. Raises NotRefundable."""
    if unknown := sorted(set(lines) - {part.line_no for part in parts}):
        raise NotRefundable(f"这张缴费单没有付过款的明细 {'、'.join(map(str, unknown))}")
    for part in parts:
        if part.line_no in lines:
            _refuse_unless_free(part, booked=booked)
    if lines:
        return [part for part in parts if part.line_no in lines]
    may = (*FREELY, Stands.BOOKED) if booked else FREELY
    free = [part for part in parts if part.stands in may]
    if len({part.stands is Stands.CLOSED for part in free}) > 1:
        raise NotRefundable("有没退过的，也有退款被关闭的，请用 --line 指明退哪些（多付的钱是 --line 0）")
    return free


def _refuse_unless_free(part: Part, *, booked: bool) -> None:
    if part.stands not in FREELY and not (booked and part.stands is Stands.BOOKED):
        raise NotRefundable(f"明细 {part.line_no} 不能退：{WHY_NOT[part.stands]}")
