"""What became of each row of a day's bill: one expression, evaluated by the database, never row by row in Python.

A payment is known by its transaction_id, a refund by its out_refund_no: what the ledger books them under. The day of
the ledger's entry does not count, so a payment just before midnight fits whichever bill it stands in.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from storage.orders.columns import ATTEMPT, DISCREPANCY, LEDGER
from storage.orders.columns import REFUND as REFUND_ROW
from storage.reconciliation.columns import (
    AMOUNT,
    BILL_LINE,
    DUPLICATE,
    MATCHED,
    OF_REFUNDS,
    OF_SETTLING,
    OPEN,
    OURS_ONLY,
    PAYMENT,
    REFUND,
    STATE,
    THEIRS_ONLY,
)
from storage.reconciliation.days import Day

_DONE = ("SUCCESS", "PROCESSING")  # a refund WeChat Pay has accepted counts as done: its bills are never updated
OUR_FORM = "_" * 14 + "-%"  # an order's number and the attempt's
UNKNOWN_NUMBER = "unknown_number"  # what `settle` notes it as
_EARLIER = BILL_LINE.alias("earlier")
_KNOWN = DISCREPANCY.alias("known")


def number_as_booked(connection: Connection, day: Day) -> None:
    """Rows of refunds that bear only WeChat Pay's number get the merchant's, where the refund was booked under that."""
    b, booked = BILL_LINE.c, REFUND_ROW.alias("booked")
    same = (booked.c.refund_id == b.refund_id) & (booked.c.out_trade_no == b.out_trade_no)
    number = select(func.min(booked.c.out_refund_no)).where(same)
    mine = (b.day == day.date) & (b.kind == REFUND) & (b.reason == b.refund_id) & (b.refund_id != "")
    named = update(BILL_LINE).where(mine & exists().where(same)).values(reason=number.scalar_subquery())
    connection.execute(named)


def judged(day: Day, mch_id: str) -> Select[Any]:
    """The rows of the day's bill with `verdict`, `ours` (what we know of it, fen) and `booked_at` (of the ledger)."""
    b, booked, owed = BILL_LINE.c, LEDGER.c, REFUND_ROW.c
    is_booked, is_known = booked.reason.is_not(None), owed.out_refund_no.is_not(None)
    ours = func.coalesce(booked.amount, -owed.amount)
    verdict = case(
        (_stands_earlier(), DUPLICATE),
        (and_(~is_booked, ~is_known), THEIRS_ONLY),
        (ours != b.amount, AMOUNT),
        (_says_otherwise(mch_id), STATE),
        else_=MATCHED,
    )
    known = BILL_LINE.outerjoin(LEDGER, booked.reason == b.reason)
    known = known.outerjoin(REFUND_ROW, and_(owed.out_refund_no == b.reason, b.kind == REFUND))
    columns = [*BILL_LINE.c, verdict.label("verdict"), ours.label("ours"), booked.at.label("booked_at")]
    return select(*columns).select_from(known).where(b.day == day.date)


def misfits(day: Day, mch_id: str) -> Select[Any]:
    """Every row of the bill that does not match, as `FINDING` holds it.

    `mends` is 1 where WeChat Pay can be asked and `settle` may put it right: a payment or a refund for a number of
    ours, or of the form of ours (a restored database has forgotten it), a refund we asked for and it says is through.
    What `settle` has noted (`known`) is one discrepancy, not two; a number it did not know is asked about again.
    """
    line = judged(day, mch_id).subquery()
    c = line.c
    asked_for = or_(exists().where(ATTEMPT.c.out_trade_no == c.out_trade_no), c.out_trade_no.like(OUR_FORM))
    mends = or_(
        and_(c.verdict == THEIRS_ONLY, or_(c.kind == PAYMENT, c.state.in_(_DONE)), c.mch_id == mch_id, asked_for),
        and_(c.verdict == STATE, c.kind == REFUND, c.state == "SUCCESS", c.booked_at.is_(None)),
    )
    noted = exists().where(_KNOWN.c.key == c.reason, _KNOWN.c.kind.in_((*OF_SETTLING, OF_REFUNDS)))
    known = and_(c.verdict.in_((THEIRS_ONLY, STATE)), noted)
    waits = and_(_KNOWN.c.kind == UNKNOWN_NUMBER, _KNOWN.c.state == OPEN)
    for_a_person = exists().where(_KNOWN.c.key == c.reason, _KNOWN.c.kind.in_((*OF_SETTLING, OF_REFUNDS)), ~waits)
    detail = case(
        (c.verdict == DUPLICATE, cast(c.place, String)),
        (c.verdict == STATE, c.state),
        else_=cast(c.amount, String),
    )
    return select(
        _reason(day, c.verdict, c.reason, detail).label("reason"),
        c.verdict,
        c.kind,
        c.reason.label("key"),
        c.out_trade_no,
        c.amount.label("theirs"),
        c.ours,
        c.state,
        c.at,
        _flag(mends & ~for_a_person).label("mends"),
        _flag(known).label("known"),
    ).where(c.verdict != MATCHED)


def missing(day: Day) -> Select[Any]:
    """The ledger's entries of the day that stand in no bill, of whatever day, as `FINDING` holds them."""
    c = LEDGER.c
    stands = exists().where(BILL_LINE.c.reason == c.reason)
    return select(
        _reason(day, literal(OURS_ONLY), c.reason, cast(c.amount, String)).label("reason"),
        literal(OURS_ONLY).label("verdict"),
        c.kind,
        c.reason.label("key"),
        c.out_trade_no,
        literal(None, c.amount.type).label("theirs"),
        c.amount.label("ours"),
        literal("").label("state"),
        c.at,
        literal(0).label("mends"),
        literal(0).label("known"),
    ).where(c.at >= day.begins, c.at < day.ends, ~stands)


def _stands_earlier() -> ColumnElement[bool]:
    """The same money in an earlier row, of this bill or of an earlier day's."""
    b, e = BILL_LINE.c, _EARLIER.c
    return exists().where(e.reason == b.reason, or_(e.day < b.day, and_(e.day == b.day, e.place < b.place)))


def _says_otherwise(mch_id: str) -> ColumnElement[bool]:
    b, booked = BILL_LINE.c, LEDGER.c
    return or_(
        b.mch_id != mch_id,
        and_(booked.reason.is_not(None), booked.out_trade_no != b.out_trade_no),
        and_(b.kind == PAYMENT, b.state != "SUCCESS"),
        and_(b.kind == REFUND, b.state.not_in(_DONE)),
        and_(booked.reason.is_(None), b.state == "SUCCESS"),
    )


def _reason(
    day: Day, verdict: ColumnElement[str], key: ColumnElement[str], detail: ColumnElement[str]
) -> ColumnElement[str]:
    return verdict + literal(f":{day}:") + key + literal(":") + detail


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
