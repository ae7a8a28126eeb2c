"""What the agencies answer: booked payments are 已入库, refused ones are for a person, and nothing is counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.agency.refusals import FileRefused
from storage.orders.columns import DISCREPANCY, EXPORT, LEDGER, PAYMENT
from storage.sealing import FieldSeal
from tests.storage.counter import Counter, later
from tests.storage.payments_files import export, known_people, pay, take_acks
from tests.storage.test_refund_requests import ask

FILE_NO = "WX20261123"
BOOKED_AT = "2026-11-23T18:00:00+08:00"


@pytest.fixture
def counter(engine: Engine, seal: FieldSeal, tmp_path: Path) -> Counter:
    """Three payments, exported in one file."""
    counter = known_people(engine, seal)
    pay(counter, "wang", "li", "zhao")
    export(engine, seal, tmp_path / "payments.csv")
    return counter


def statuses(counter: Counter) -> list[str]:
    return [row.status for row in counter.rows(PAYMENT)]


def test_what_is_booked_becomes_booked_and_what_is_refused_is_listed(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    result = take_acks(engine, seal, tmp_path, (FILE_NO, 1, "BOOKED", "", BOOKED_AT), (FILE_NO, 2, "REFUSED", "E07"))
    assert (result.rows, result.added, result.refused) == (2, 2, 0)
    assert statuses(counter) == ["booked", "paid", "paid"]
    answers = [(row.result, row.reason_code, bool(row.agency_booked_at)) for row in counter.rows(EXPORT)]
    assert answers == [("BOOKED", "", True), ("REFUSED", "E07", False), (None, "", False)]
    [listed] = counter.rows(DISCREPANCY)
    assert (listed.kind, listed.state, listed.reason) == ("agency_refused", "open", f"ack:{FILE_NO}:2")
    assert '"reason_code": "E07"' in listed.facts


def test_the_same_answers_again_change_nothing(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    answers = ((FILE_NO, 1, "BOOKED", "", BOOKED_AT), (FILE_NO, 2, "REFUSED", "E07"))
    take_acks(engine, seal, tmp_path, *answers)
    before = [counter.rows(table) for table in (PAYMENT, EXPORT, DISCREPANCY, LEDGER)]
    result = take_acks(engine, seal, tmp_path, *answers, answers[0])
    assert (result.added, result.changed, result.already) == (0, 0, 3)
    assert [counter.rows(table) for table in (PAYMENT, EXPORT, DISCREPANCY, LEDGER)] == before


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("WX20261122", 1, "BOOKED", "", BOOKED_AT), "没有导出过"),
        ((FILE_NO, 4, "BOOKED", "", BOOKED_AT), "没有导出过"),
        ((FILE_NO, 0, "BOOKED", "", BOOKED_AT), "row_no"),
        ((FILE_NO, 1, "MAYBE", "", BOOKED_AT), "result"),
        ((FILE_NO, 1, "BOOKED", "", ""), "agency_book_time"),
        ((FILE_NO, 1, "BOOKED", "", "2027-01-01T00:00:00+08:00"), "将来"),
        ((FILE_NO, 1, "REFUSED", ""), "reason_code"),
        ((FILE_NO, 1, "REFUSED", "=1+1"), "公式"),
    ],
)
def test_an_answer_that_makes_no_sense_refuses_the_file_or_is_put_aside(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path, row: tuple[object, ...], why: str
) -> None:
    good = (FILE_NO, 2, "BOOKED", "", BOOKED_AT)
    with pytest.raises(FileRefused, match=why):
        take_acks(engine, seal, tmp_path, good, row)
    assert statuses(counter) == ["paid", "paid", "paid"]
    result = take_acks(engine, seal, tmp_path, good, row, skip_bad=True)
    assert (result.added, result.refused) == (1, 1)
    assert result.rejected_file
    assert why in result.rejected_file.read_text("utf-8")
    assert statuses(counter) == ["paid", "booked", "paid"]


def test_without_its_control_file_nothing_is_taken(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_acks(engine, seal, tmp_path, (FILE_NO, 1, "BOOKED", "", BOOKED_AT))
    (tmp_path / "acks.csv").write_text((tmp_path / "acks.csv").read_text() + f"{FILE_NO},2,BOOKED,,{BOOKED_AT}\n")
    from storage.agency.importing import import_file
    from tests.storage.payments_files import DAY

    with pytest.raises(FileRefused, match="sha256"):
        import_file("acks", tmp_path / "acks.csv", engine, seal, today=DAY)
    assert statuses(counter) == ["booked", "paid", "paid"]


def test_what_was_refused_may_be_booked_later_and_not_the_other_way_round(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_acks(engine, seal, tmp_path, (FILE_NO, 1, "REFUSED", "E07"))
    result = take_acks(engine, seal, tmp_path, (FILE_NO, 1, "BOOKED", "", BOOKED_AT))
    assert (result.changed, statuses(counter)[0]) == (1, "booked")
    assert [(row.state, bool(row.closed_why)) for row in counter.rows(DISCREPANCY)] == [("closed", True)]
    with pytest.raises(FileRefused, match="不能改成拒收"):
        take_acks(engine, seal, tmp_path, (FILE_NO, 1, "REFUSED", "E07"))
    with pytest.raises(FileRefused, match="不能改成拒收"):
        take_acks(engine, seal, tmp_path, (FILE_NO, 2, "OK", "", BOOKED_AT), (FILE_NO, 2, "rejected", "E07"))


def test_what_is_on_its_way_back_is_not_made_booked(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    [no] = {row.order_no for row in counter.rows(PAYMENT)}
    ask(counter, no, 1, 2)
    counter.refunded(f"{no}-1", kind="L2")
    booked = [(FILE_NO, n, "BOOKED", "", BOOKED_AT) for n in (1, 2, 3)]
    assert take_acks(engine, seal, tmp_path, *booked).added == 3
    assert statuses(counter) == ["refunding", "refunded", "booked"]


def test_the_row_of_a_refund_is_answered_like_any_other(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    [no] = {row.order_no for row in counter.rows(PAYMENT)}
    ask(counter, no, 1)
    counter.refunded(f"{no}-1", later(days=1), kind="L1")
    export(engine, seal, tmp_path / "next.csv", later(days=1).date())
    take_acks(engine, seal, tmp_path, ("WX20261124", 1, "REFUSED", "E09"))
    assert statuses(counter) == ["refunded", "paid", "paid"]
    [listed] = counter.rows(DISCREPANCY)
    assert (listed.key, '"status": "REFUNDED"' in listed.facts) == (f"{no}-1-L1", True)


def test_refused_again_for_another_reason_it_is_listed_once(
    counter: Counter, engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    take_acks(engine, seal, tmp_path, (FILE_NO, 1, "REFUSED", "E07"))
    assert take_acks(engine, seal, tmp_path, (FILE_NO, 1, "REFUSED", "E08")).changed == 1
    assert counter.rows(EXPORT)[0].reason_code == "E08"
    assert len(counter.rows(DISCREPANCY)) == 1
