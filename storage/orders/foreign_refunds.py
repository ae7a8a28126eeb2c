"""Refunds that did not begin here: the merchant console, a complaint, another system of the merchant.

`book_foreign_refund` is for them what `settle` is for payments: the only function that books one, called by the
callback, the query, the bill and an operator alike, in any order and more than once. Each refund is one entry of the
ledger under its own number. Where it is certain which money went back, it is refunded; else a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.database import writing
from storage.notices import partly_refunded_notice, refunded_elsewhere_notice, write_notice
from storage.orders.attempts import wind_up
from storage.orders.columns import (
    ABNORMAL,
    CLOSED,
    DISCREPANCY,
    DROPPED,
    DUE,
    ELSEWHERE,
    LEDGER,
    OUTSTANDING,
    PAYMENT,
    REFUND,
    REFUNDED,
    REFUNDING,
    UNASSIGNED,
)
from storage.orders.debts import close_notes, note, owe, schedule, state_of_order
from storage.orders.events import note_event
from storage.orders.refunds import book_refund, take_back
from storage.orders.rows import attempt_of, change_refund, lines_of, locked_order

RACES = 4
FOREIGN = (ELSEWHERE, UNASSIGNED)
_ACCEPTED = (REFUNDING, REFUNDED, ABNORMAL, *FOREIGN)  # states of refunds that WeChat Pay has accepted
UNEXPLAINED = "REFUND_ELSEWHERE"  # WeChat Pay says that money went back, and we know no refund of it


class Booked(StrEnum):
    """What came of it."""

    DONE = "done"  # booked now, and the payments it gave back are refunded
    PARTLY = "partly"  # booked now; which payments it is of is for a person
    AGAIN = "again"  # it had been booked before
    UNPAID = "unpaid"  # its payment has not been settled here yet: settle it, then call again
    NOT_OURS = "not_ours"  # a refund of another system's order
    DISCREPANCY = "discrepancy"  # its facts are not those of our payment: noted for a person


class NotThese(Exception):
    """The lines an operator named cannot be what went back; nothing was changed. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A refund that is through, as WeChat Pay says; amounts in fen, `refunded_at` in unix seconds."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    amount: int
    total: int
    refunded_at: int
    account: str = ""


@dataclass(frozen=True, slots=True)
class _Share:
    """Money of one transaction that can go back as one: a payment, or what settled nothing; with our refund of it."""

    amount: int
    payment: Row[Any] | None
    debt: Row[Any] | None

    @property
    def line_no(self) -> int:
        return int(self.payment.line_no) if self.payment is not None else 0


def book_foreign_refund(
    engine: Engine,
    given: GivenBack,
    zone: tzinfo,
    now: int,
    *,
    by: str = "",
    why: str = "",
    lines: Collection[int] = (),
) -> Booked:
    """Book it. `by` and `why` are an operator's, `lines` those the operator says it is of (0: what settled nothing).

    Raises NotThese, DatabaseUnavailable.
    """
    for race in range(1, RACES + 1):
        try:
            with writing(engine) as connection:
                return _book(connection, given, zone, now, by, why, lines)
        except IntegrityError:  # another process booked it between our look and our insert
            if race == RACES:
                raise
    raise AssertionError("unreachable")


def note_unexplained(connection: Connection, out_trade_no: str, now: int, *, refused: str = "") -> bool:
    """WeChat Pay says that money of this attempt went back: noted for a person where no refund we know explains that.

    `refused` is the number of a refund of ours that WeChat Pay will not pay; then only refunds it has accepted explain.
    Returns whether it is unexplained. Until the refund is known, no certificate is issued over the attempt's payments.
    """
    locked_order(connection, out_trade_no)
    attempt = attempt_of(connection, out_trade_no)
    mine = (REFUND.c.out_trade_no == out_trade_no) & (REFUND.c.out_refund_no != refused)
    known = mine & REFUND.c.state.in_(_ACCEPTED) if refused else mine & (REFUND.c.state != DROPPED)
    explained = connection.execute(select(REFUND.c.out_refund_no).where(known)).first() is not None
    if attempt is None or attempt.transaction_id is None or explained:
        return False
    reason = f"refund:{UNEXPLAINED}:{attempt.transaction_id}"
    if connection.execute(select(DISCREPANCY.c.id).where(DISCREPANCY.c.reason == reason)).first() is None:
        facts = json.dumps({"transaction_id": attempt.transaction_id, "state": UNEXPLAINED})
        row = {"reason": reason, "kind": "refund", "out_trade_no": out_trade_no, "key": attempt.transaction_id}
        connection.execute(insert(DISCREPANCY), row | {"facts": facts, "found_at": now})
    return True


def _book(
    connection: Connection, given: GivenBack, zone: tzinfo, now: int, by: str, why: str, lines: Collection[int]
) -> Booked:
    order = locked_order(connection, given.out_trade_no)
    attempt = attempt_of(connection, given.out_trade_no)
    if order is None or attempt is None:
        return Booked.NOT_OURS
    same = REFUND.c.out_refund_no == given.out_refund_no
    if given.refund_id:
        same = same | (REFUND.c.refund_id == given.refund_id)
    known = connection.execute(select(REFUND).where(same)).first()
    if known is None:
        if attempt.transaction_id is None:
            return Booked.UNPAID
        if wrong := _does_not_fit(connection, attempt, given):
            return _discrepancy(connection, given, wrong, now)
        known = _enter(connection, attempt, given, now, by, why)
    elif known.state not in FOREIGN or (known.out_trade_no, known.amount) != (given.out_trade_no, given.amount):
        return _discrepancy(connection, given, "another", now)
    elif known.state == ELSEWHERE or not lines:
        return Booked.AGAIN
    shares, pool = _shares(connection, attempt), _unassigned(connection, given.out_trade_no)
    if lines:
        chosen, covered = _as_named(shares, pool, known, lines)
    elif _went_back(connection, given.out_trade_no) == attempt.amount:
        chosen, covered = shares, pool
    else:
        chosen, covered = _certain(shares, pool, known)
    if not chosen:
        note(connection, known, "PARTLY_ELSEWHERE", now)
        write_notice(connection, partly_refunded_notice(order, known, now))
        return Booked.PARTLY
    _finish(connection, attempt, chosen, covered, known, zone, now)
    return Booked.DONE


def _does_not_fit(connection: Connection, attempt: Row[Any], given: GivenBack) -> str:
    if (given.transaction_id, given.total) != (attempt.transaction_id, attempt.amount):
        return "other_payment"
    if given.amount <= 0 or _went_back(connection, given.out_trade_no) + given.amount > attempt.amount:
        return "more_than_paid"
    return ""


def _went_back(connection: Connection, out_trade_no: str) -> int:
    """What the ledger says WeChat Pay gave back of this attempt, in fen."""
    mine = (LEDGER.c.out_trade_no == out_trade_no) & (LEDGER.c.kind == "refund")
    return -int(connection.execute(select(func.coalesce(func.sum(LEDGER.c.amount), 0)).where(mine)).scalar_one())


def _enter(connection: Connection, attempt: Row[Any], given: GivenBack, now: int, by: str, why: str) -> Row[Any]:
    """The refund's row, of lines still unknown, and its entry in the ledger."""
    values = {
        "out_refund_no": given.out_refund_no,
        "owes": None,
        "out_trade_no": given.out_trade_no,
        "order_no": attempt.order_no,
        "amount": given.amount,
        "state": UNASSIGNED,
        "refund_id": given.refund_id,
        "asked_at": given.refunded_at,
        "asked_by": by,
        "why": why,
        "look_at": now,
        "refunded_at": given.refunded_at,
        "account": given.account,
    }
    connection.execute(insert(REFUND), values)
    row = connection.execute(select(REFUND).where(REFUND.c.out_refund_no == given.out_refund_no)).one()
    book_refund(connection, row, given.refunded_at, now)
    note_event(connection, attempt.order_no, "refunded_elsewhere", now, given.out_trade_no, refund=given.out_refund_no)
    unexplained = DISCREPANCY.c.reason == f"refund:{UNEXPLAINED}:{given.transaction_id}"
    closed = {"state": "closed", "closed_at": now, "closed_why": f"退款单号 {given.out_refund_no}"}
    connection.execute(update(DISCREPANCY).where(unexplained & (DISCREPANCY.c.state != "closed")).values(closed))
    return row


def _shares(connection: Connection, attempt: Row[Any]) -> Sequence[_Share]:
    """What of the transaction is not back yet, by line."""
    mine = (REFUND.c.out_trade_no == attempt.out_trade_no) & REFUND.c.owes.is_not(None)
    debts = connection.execute(select(REFUND).where(mine & REFUND.c.state.in_(OUTSTANDING))).all()
    of_payment = {debt.payment_id: debt for debt in debts if debt.payment_id is not None}
    paid = (PAYMENT.c.receipt_no == attempt.transaction_id) & (PAYMENT.c.order_no == attempt.order_no)
    query = select(PAYMENT).where(paid & (PAYMENT.c.status != REFUNDED)).order_by(PAYMENT.c.line_no)
    shares = [_Share(one.amount, one, of_payment.get(one.id)) for one in connection.execute(query)]
    return [*shares, *(_Share(debt.amount, None, debt) for debt in debts if debt.payment_id is None)]


def _unassigned(connection: Connection, out_trade_no: str) -> Sequence[Row[Any]]:
    """The refunds of this attempt that were begun elsewhere and whose lines are not known, oldest first."""
    mine = (REFUND.c.out_trade_no == out_trade_no) & (REFUND.c.state == UNASSIGNED)
    return connection.execute(select(REFUND).where(mine).order_by(REFUND.c.refunded_at, REFUND.c.out_refund_no)).all()


Choice = tuple[Sequence[_Share], Sequence[Row[Any]]]  # what went back, and the refunds that gave it back


def _certain(shares: Sequence[_Share], pool: Sequence[Row[Any]], refund: Row[Any]) -> Choice:
    """What it can only have been: a refund of ours that WeChat Pay has not given, or one set of lines; else none."""
    mine = [one for one in shares if one.debt is not None and one.debt.state in (DUE, ABNORMAL, CLOSED)]
    owed = [one for one in mine if one.amount == refund.amount]
    if len(owed) == 1:
        return owed, [refund]
    free = [one for one in shares if one.debt is None]
    if only := _only_set(free, refund.amount):
        return only, [refund]
    return _only_set([*free, *mine], sum(one.amount for one in pool)), pool


def _as_named(shares: Sequence[_Share], pool: Sequence[Row[Any]], refund: Row[Any], lines: Collection[int]) -> Choice:
    named = [one for one in shares if one.line_no in lines]
    if {one.line_no for one in named} != set(lines):
        raise NotThese("这些明细里有已经退过的，或者没有付过款的")
    amount = sum(one.amount for one in named)
    if amount == refund.amount:
        return named, [refund]
    if amount == sum(one.amount for one in pool):
        return named, pool
    raise NotThese("这些明细的金额和退款的金额不一样")


def _only_set(shares: Sequence[_Share], amount: int) -> Sequence[_Share]:
    """The one set of shares that comes to this amount; empty where there is none, or more than one."""
    ways = {0: 1}  # sum so far: in how many ways
    for share in shares:
        for sum_before, count in list(ways.items()):
            if (reached := sum_before + share.amount) <= amount:
                ways[reached] = ways.get(reached, 0) + count
    if ways.get(amount) != 1:
        return []
    chosen: list[_Share] = []
    for place, share in enumerate(shares):
        if _reachable(shares[place + 1 :], amount - share.amount):
            chosen, amount = [*chosen, share], amount - share.amount
    return chosen


def _reachable(shares: Sequence[_Share], amount: int) -> bool:
    sums = {0}
    for share in shares:
        sums |= {one + share.amount for one in sums}
    return amount in sums


def _finish(
    connection: Connection,
    attempt: Row[Any],
    chosen: Sequence[_Share],
    covered: Sequence[Row[Any]],
    refund: Row[Any],
    zone: tzinfo,
    now: int,
) -> None:
    """These shares are back: refunded, free to be paid again, told to the agency and to the payer."""
    for one in covered:
        change_refund(connection, one.out_refund_no, state=ELSEWHERE)
        close_notes(connection, one, "已确定退的是哪些明细", now)
    at = datetime.fromtimestamp(refund.refunded_at, zone)
    for share in chosen:
        _end_debt(connection, attempt, share.payment, share.debt, refund, at, now)
    schedule(connection, attempt.order_no)
    order = state_of_order(connection, attempt.order_no)
    wind_up(connection, order)
    numbers = {share.line_no for share in chosen}
    lines = [line for line in lines_of(connection, order.no) if line.line_no in numbers]
    amount = sum(share.amount for share in chosen)
    write_notice(connection, refunded_elsewhere_notice(order, refund, amount, lines, now))


def _end_debt(
    connection: Connection,
    attempt: Row[Any],
    payment: Row[Any] | None,
    debt: Row[Any] | None,
    refund: Row[Any],
    at: datetime,
    now: int,
) -> None:
    """Our own refund of this money ends, given back by another; where there was none, there is one from now on."""
    if debt is not None:
        number = debt.out_refund_no
    else:
        assert payment is not None
        number = owe(connection, attempt, payment.amount, now, payment)
    changes = {"state": REFUNDED, "refunded_at": refund.refunded_at, "account": refund.account}
    change_refund(connection, number, given_back_by=refund.out_refund_no, **changes)
    ended = connection.execute(select(REFUND).where(REFUND.c.out_refund_no == number)).one()
    take_back(connection, ended, at)
    close_notes(connection, ended, f"由退款 {refund.out_refund_no} 退回", now)


def _discrepancy(connection: Connection, given: GivenBack, what: str, now: int) -> Booked:
    reason = f"refund:ELSEWHERE_{what.upper()}:{given.out_refund_no}"
    if connection.execute(select(DISCREPANCY.c.id).where(DISCREPANCY.c.reason == reason)).first() is None:
        facts = {"out_refund_no": given.out_refund_no, "refund_id": given.refund_id, "amount": given.amount}
        facts |= {"transaction_id": given.transaction_id, "total": given.total, "state": what}
        row = {"reason": reason, "kind": "refund", "out_trade_no": given.out_trade_no, "key": given.out_refund_no}
        connection.execute(insert(DISCREPANCY), row | {"facts": json.dumps(facts), "found_at": now})
    return Booked.DISCREPANCY
