"""Payments of other channels: what they settle, and what is paid twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from dialogs.terms.insurance import Insurance, PayKind, payable_key
from storage.agency.importing import ImportResult
from storage.database import writing
from storage.sealing import FieldSeal
from tests.storage.agency_files import PAYMENT, count, rows_of, take, take_demo, write_file


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's people and assessments."""
    take_demo(engine, seal, "institutions", "enrolments", "assessments")
    return engine


def pay(engine: Engine, seal: FieldSeal, folder: Path, *rows: dict[str, str]) -> ImportResult:
    path = write_file(folder / "p.csv", *(PAYMENT | row for row in rows))
    path.with_name("p.csv.ctl").unlink()
    return take(engine, seal, "payments", path, skip_bad=True, require_control=False)


@pytest.fixture
def key(seal: FieldSeal) -> str:
    """The payable that PAYMENT settles."""
    return payable_key(seal.look_up_key(PAYMENT["id_no"]), Insurance.PENSION, 2026, PayKind.NORMAL, "")


def payments(engine: Engine) -> list[tuple[Any, ...]]:
    return rows_of(engine, "SELECT receipt_no, status, settles FROM payment ORDER BY id")


def test_a_payment_settles_its_payable_and_a_refunded_one_settles_nothing(engine: Engine, seal: FieldSeal) -> None:
    take_demo(engine, seal)
    rows = rows_of(engine, "SELECT status, settles, payable_key FROM payment")
    assert sorted(status for status, _, _ in rows) == ["booked"] * 8 + ["refunded"]
    assert all(settles == (None if status == "refunded" else payable) for status, settles, payable in rows)
    assert rows_of(engine, "SELECT amount, paid_at, channel FROM payment WHERE receipt_no = 'B2026030800911'") == [
        (50_000, 1772935260, "银行代收")  # 2026-03-08T10:01:00+08:00
    ]
    assert count(engine, "discrepancy") == 0


def test_a_second_payment_is_kept_and_listed_for_a_person(
    desk: Engine, seal: FieldSeal, tmp_path: Path, key: str
) -> None:
    result = pay(desk, seal, tmp_path, {}, {"row_no": "2", "receipt_no": "R2", "amount_paid": "300.00"})
    assert (result.added, result.refused) == (2, 0)
    assert payments(desk) == [("R1", "booked", key), ("R2", "booked", None)]
    [(reason, kind, facts)] = rows_of(desk, "SELECT reason, kind, facts FROM discrepancy")
    assert (reason, kind) == ("import:B1:2", "duplicate")
    assert json.loads(facts)["settled_by"]["receipt_no"] == "R1"
    assert PAYMENT["id_no"] not in facts
    assert PAYMENT["name"] not in facts


def test_a_second_payment_beside_one_of_ours_leaves_ours_settling(
    desk: Engine, seal: FieldSeal, tmp_path: Path, key: str
) -> None:
    pay(desk, seal, tmp_path, {})
    with writing(desk) as connection:
        connection.execute(text("UPDATE payment SET channel = 'wechat', order_no = 'O1', line_no = 1"))
    assert pay(desk, seal, tmp_path, {"row_no": "2", "receipt_no": "R2"}).added == 1
    assert payments(desk) == [("R1", "booked", key), ("R2", "booked", None)]


def test_a_refund_gives_the_payable_free_or_to_the_payment_that_waited(
    desk: Engine, seal: FieldSeal, tmp_path: Path, key: str
) -> None:
    pay(desk, seal, tmp_path, {}, {"row_no": "2", "receipt_no": "R2"})
    refund = {"op": "U", "status": "refunded"}
    assert pay(desk, seal, tmp_path, {"row_no": "3"} | refund).changed == 1
    assert payments(desk) == [("R1", "refunded", None), ("R2", "booked", key)]
    assert pay(desk, seal, tmp_path, {"row_no": "4", "receipt_no": "R2"} | refund).changed == 1
    assert payments(desk) == [("R1", "refunded", None), ("R2", "refunded", None)]


def test_refund_and_new_payment_in_one_file_do_not_trip_over_the_unique_index(
    desk: Engine, seal: FieldSeal, tmp_path: Path, key: str
) -> None:
    pay(desk, seal, tmp_path, {})
    pay(desk, seal, tmp_path, {"row_no": "2", "receipt_no": "R2"}, {"row_no": "3", "op": "D"})
    assert payments(desk) == [("R2", "booked", key)]
    pay(desk, seal, tmp_path, {"row_no": "4", "op": "D", "receipt_no": "R2"}, {"row_no": "5", "receipt_no": "R3"})
    assert payments(desk) == [("R3", "booked", key)]
    pay(desk, seal, tmp_path, {"row_no": "6", "receipt_no": "R4"})
    refund = {"row_no": "7", "op": "U", "receipt_no": "R3", "status": "refunded"}
    pay(desk, seal, tmp_path, refund)
    assert payments(desk) == [("R3", "refunded", None), ("R4", "booked", key)]
    swap = refund | {"row_no": "8", "receipt_no": "R4"}, refund | {"row_no": "9", "status": "booked"}
    assert pay(desk, seal, tmp_path, *swap).changed == 2  # the earlier row takes what the later one gives up
    assert payments(desk) == [("R3", "booked", key), ("R4", "refunded", None)]


def test_an_addition_with_other_facts_is_refused_and_a_deletion_of_nothing_is_not(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    result = pay(desk, seal, tmp_path, {}, {"row_no": "2"}, {"row_no": "3", "amount_paid": "300.00"})
    assert [reason.text for reason in result.rejected] == ["这笔缴费已登记，内容不同；要改请用 U"]
    assert (result.added, result.already) == (1, 1)
    assert pay(desk, seal, tmp_path, {"row_no": "4", "op": "D", "receipt_no": "R9"}).already == 1


def test_a_back_payment_settles_the_assessment_it_was_for(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    back = {"pay_kind": "31", "cover_year": "2024", "period_from": "202401", "period_to": "202412"}
    pay(desk, seal, tmp_path, back, back | {"row_no": "2", "receipt_no": "R2"})
    no = "51afb8abd6edb811bf5b22eaa0c5ecee"
    assert rows_of(desk, "SELECT assess_no, settles FROM payment ORDER BY id") == [
        (no, f"assessed:{no}"),
        ("", "assessed:import:B1:2"),
    ]


def test_one_receipt_may_cover_two_people(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    other = {"row_no": "2", "id_no": "36990719800101005X", "name": "冯克十", "person_no": "3601020000023"}
    assert pay(desk, seal, tmp_path, {}, other).added == 2
    assert all(settles for _, _, settles in payments(desk))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"channel": "WeChat"}, "渠道 wechat 只由本系统使用"),
        ({"amount_paid": "0.00"}, "缴费金额是 0"),
        ({"amount_paid": "-500.00"}, "amount_paid 不是金额"),
        ({"amount_paid": "５００"}, "amount_paid 不是金额"),
        ({"paid_at": "2026-12-08T10:01:00+08:00"}, "paid_at 在将来"),
        ({"paid_at": "yesterday"}, "paid_at 应为时间，如 2026-03-08T10:01:00+08:00"),
        ({"period_from": "202613"}, "period_from 应为年月，如 202601"),
        ({"period_from": "202612", "period_to": "202601"}, "费款所属期的起止颠倒了"),
        ({"pay_kind": "99"}, "pay_kind 只能是 10、31、32、33、34"),
        ({"name": "李册二"}, "与已登记的姓名不同"),
        ({"tier_name": "=1+1"}, "tier_name 是公式，不是内容"),
    ],
)
def test_a_bad_payment_is_refused(
    desk: Engine, seal: FieldSeal, tmp_path: Path, cells: dict[str, str], reason: str
) -> None:
    result = pay(desk, seal, tmp_path, {"row_no": "2"} | cells)
    assert [found.text for found in result.rejected] == [reason]
    assert count(desk, "payment") == 0


def test_a_payment_of_somebody_unknown_makes_the_person(engine: Engine, seal: FieldSeal) -> None:
    take_demo(engine, seal, "institutions", "payments")
    assert count(engine, "person") == 5
