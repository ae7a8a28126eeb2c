"""Bill, ledger and answers side by side: what came, what went back, what the agencies have, and whether it ties."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert

from storage.agency.three_ways import DayInThree, Sum, in_three, total_of
from storage.database import writing
from storage.orders.columns import EXPORT
from storage.reconciliation.columns import BILL, BILL_LINE
from storage.sealing import FieldSeal
from tests.storage.counter import ZONE, Counter, later, payable
from tests.storage.payments_files import DAY, export, known_people, pay, take_acks
from tests.storage.test_refund_requests import ask

FILE_NO = "WX20261123"
AT = "2026-11-23T18:00:00+08:00"


@pytest.fixture
def counter(engine: Engine, seal: FieldSeal) -> Counter:
    return known_people(engine, seal)


def days(engine: Engine, count: int = 1) -> list[DayInThree]:
    return list(in_three(engine, DAY, DAY + timedelta(days=count - 1), ZONE))


def reconcile(engine: Engine, *amounts: int) -> None:
    """The day's bill came with these payments (positive) and refunds."""
    with writing(engine) as connection:
        connection.execute(
            insert(BILL).values(day=DAY, kind="trade", sha1="", rows=len(amounts), summary="{}", sums="{}", stored_at=0)
        )
        for place, amount in enumerate(amounts, 1):
            row = {"day": DAY, "place": place, "reason": f"r{place}", "kind": "payment" if amount > 0 else "refund"}
            row |= {"state": "SUCCESS", "mch_id": "m", "transaction_id": "t", "out_trade_no": "o", "refund_id": ""}
            row |= {"amount": amount, "settled": amount, "voucher": 0, "fee": 0, "at": 0}
            connection.execute(insert(BILL_LINE).values(row))


def test_a_day_in_three_books_ties(counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    pay(counter, "wang", "li")
    pay(counter, "zhao")
    export(engine, seal, tmp_path / "p.csv")
    take_acks(engine, seal, tmp_path, (FILE_NO, 1, "BOOKED", "", AT), (FILE_NO, 2, "REFUSED", "E07"))
    reconcile(engine, 100000, 50000)
    [day] = days(engine)
    assert (day.bill_paid, day.ledger_paid, day.agency_paid) == (Sum(2, 150000), Sum(2, 150000), Sum(3, 150000))
    assert (day.booked, day.refused, day.unanswered) == (Sum(1, 50000), Sum(1, 50000), Sum(1, 50000))
    assert day.ties


def test_before_the_bill_came_its_side_is_open(counter: Counter, engine: Engine) -> None:
    pay(counter)
    [day] = days(engine)
    assert (day.bill_paid, day.bill_back, day.ties) == (None, None, True)


def test_what_settled_nothing_and_what_went_back_are_told(counter: Counter, engine: Engine) -> None:
    no = pay(counter)
    late = counter.open("oOther", payable("li"))
    counter.place(f"{late}-1")
    counter.paid_elsewhere(payable("li"))
    counter.settle(f"{late}-1")
    ask(counter, no)
    counter.refunded(f"{no}-1", later(days=1), kind="L1")
    counter.refunded(f"{late}-1", later(days=1))
    first, second = days(engine, 2)
    assert (first.ledger_paid, first.surplus, first.agency_paid) == (Sum(2, 100000), Sum(1, 50000), Sum(1, 50000))
    assert (second.ledger_back, second.surplus_back, second.agency_back) == (
        Sum(2, 100000),
        Sum(1, 50000),
        Sum(1, 50000),
    )
    assert first.ties
    assert second.ties
    whole = total_of([first, second])
    assert (whole.ledger_paid, whole.ledger_back, whole.bill_paid) == (Sum(2, 100000), Sum(2, 100000), None)


def test_a_bill_that_says_otherwise_does_not_tie(counter: Counter, engine: Engine) -> None:
    pay(counter)
    reconcile(engine, 49900, -100)
    [day] = days(engine)
    assert (day.bill_paid, day.bill_back, day.ties) == (Sum(1, 49900), Sum(1, 100), False)


def test_a_payment_without_its_row_does_not_tie(counter: Counter, engine: Engine) -> None:
    pay(counter)
    with writing(engine) as connection:
        connection.execute(delete(EXPORT))
    assert not days(engine)[0].ties


def test_a_day_is_the_bureaus(counter: Counter, engine: Engine) -> None:
    pay(counter, "wang", at=later(hours=11, minutes=59))
    pay(counter, "li", at=later(hours=12))
    first, second = days(engine, 2)
    assert (first.ledger_paid.rows, first.agency_paid.rows) == (1, 1)
    assert (second.ledger_paid.rows, second.agency_paid.rows) == (1, 1)
