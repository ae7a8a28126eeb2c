"""The audit: WeChat Pay's books against ours, to the fen, and invariants I1 to I3 (design 5). It mends nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Engine, Row, Table, select

from bot.sandbox.books import Books
from bot.torture.audit_orders import not_allowed, stuck
from storage.database import reading
from storage.orders.columns import ATTEMPT, DISCREPANCY, EXPORT, LEDGER, NOTICE, ORDER, PAYMENT

REFUNDED = "refunded"


def audit(engine: Engine, books: Books) -> list[str]:
    """What is wrong, a sentence each; nothing where every promise was kept. For a bot at rest."""
    found = [
        *same_books(engine, books),
        *paid_once(engine),
        *one_attempt(engine, books),
        *booked_and_told(engine, books),
    ]
    found += [*not_allowed(engine), *stuck(engine)]
    found += [f"for a person: {row.kind} {row.reason}" for row in rows(engine, DISCREPANCY) if _is_ours(row)]
    return found


def same_books(engine: Engine, books: Books) -> Iterator[str]:
    """Every fen WeChat Pay took or gave back is booked once, as what it is, and nothing else is."""
    theirs = Counter((one.transaction_id, one.out_trade_no, one.total) for one in books.payments)
    theirs.update(
        (one.out_refund_no, one.out_trade_no, -one.refund) for one in books.refunds if one.status == "SUCCESS"
    )
    ours: Counter[tuple[str, str, int]] = Counter()
    for entry in rows(engine, LEDGER):
        ours[entry.transaction_id if entry.kind == "payment" else entry.reason, entry.out_trade_no, entry.amount] += 1
    for which, times in (theirs - ours).items():
        yield f"ledger: WeChat Pay has {which} {times} times more than we"
    for which, times in (ours - theirs).items():
        yield f"ledger: we have {which} {times} times more than WeChat Pay"
    for refund in books.refunds:
        if refund.status != "SUCCESS":
            yield f"ledger: refund {refund.out_refund_no} is {refund.status} at WeChat Pay"


def paid_once(engine: Engine) -> Iterator[str]:
    """I1: a payable is settled at most once."""
    kept = [row for row in rows(engine, PAYMENT) if row.status != REFUNDED and row.channel == "wechat"]
    times = Counter(row.payable_key for row in kept)
    yield from (f"I1: {key} is settled {often} times" for key, often in times.items() if often > 1)
    for row in kept:
        if row.settles != row.payable_key:
            yield f"I1: {row.receipt_no} is kept, and another payment settles {row.payable_key}"


def one_attempt(engine: Engine, books: Books) -> Iterator[str]:
    """I2: a transaction belongs to one attempt, amounts equal."""
    attempts = defaultdict(list)
    for row in rows(engine, ATTEMPT):
        if row.transaction_id:
            attempts[row.transaction_id].append((row.out_trade_no, row.amount))
    for one in books.payments:
        if attempts[one.transaction_id] != [(one.out_trade_no, one.total)]:
            yield f"I2: {one.transaction_id} of {one.out_trade_no} belongs to {attempts[one.transaction_id]}"


def booked_and_told(engine: Engine, books: Books) -> Iterator[str]:
    """I3: every payment is kept with payments, export line and notice, or refunded in full."""
    back: Counter[str] = Counter()
    for refund in books.refunds:
        back[refund.out_trade_no] += refund.refund if refund.status == "SUCCESS" else 0
    by_receipt = defaultdict(list)
    for row in rows(engine, PAYMENT):
        by_receipt[row.receipt_no].append(row)
    exported = {row.reason for row in rows(engine, EXPORT) if row.status == "PAID"}
    notices = {row.reason for row in rows(engine, NOTICE)}
    orders = {row.no: row for row in rows(engine, ORDER)}
    for one in books.payments:
        lines = by_receipt[one.transaction_id]
        kept = sum(line.amount for line in lines if line.status != REFUNDED)
        if kept + back[one.out_trade_no] != one.total:
            yield f"I3: of {one.transaction_id} ({one.total}) {kept} is kept and {back[one.out_trade_no]} given back"
        for line in lines:
            if f"{one.transaction_id}:{line.line_no}" not in exported:
                yield f"I3: the agency is not told of {one.transaction_id} line {line.line_no}"
            if f"paid:{line.order_no}" not in notices:
                yield f"I3: no notice says that {line.order_no} is paid"
        if back[one.out_trade_no] and not any(_about(reason, one.out_trade_no) for reason in notices):
            yield f"I3: no notice says that {one.out_trade_no} was refunded"
    for order in orders.values():
        paid = any(
            line.order_no == order.no and line.status != REFUNDED for lines in by_receipt.values() for line in lines
        )
        if paid != (order.state == "paid"):
            yield f"I3: {order.no} is {order.state}, and its payments say otherwise"


def rows(engine: Engine, table: Table) -> list[Row[Any]]:
    """Every row."""
    with reading(engine) as connection:
        return list(connection.execute(select(table)).all())


def told_sentences(found: Iterable[str], most: int = 20) -> list[str]:
    """The first findings, and how many more there are."""
    all_found = list(found)
    return all_found[:most] + ([f"... and {len(all_found) - most} more"] if len(all_found) > most else [])


def _is_ours(discrepancy: Row[Any]) -> bool:
    """Open, and not that a bank took what had been paid here: the bank gives that back."""
    return discrepancy.state == "open" and not discrepancy.reason.startswith("import:")


def _about(reason: str, out_trade_no: str) -> bool:
    return reason.startswith("refunded:") and out_trade_no in reason
