"""`--replace-batch`: a batch that was read wrongly is put right, and nothing that money depends on is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from dialogs.terms.insurance import PayKind
from storage.agency.importing import ImportResult
from storage.agency.refusals import FileRefused
from storage.database import reading, writing
from storage.orders.columns import PAYMENT
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, count, rows_of, take, take_demo, write_file
from tests.storage.agency_files import PAYMENT as PAID
from tests.storage.counter import Counter, payable
from tests.storage.test_file_forms import ASSESSMENT

WRONG, RIGHT = "浣曟祴", "何测"  # the same bytes, read as GB 18030 and as UTF-8
MEDICAL = {"row_no": "2", "insurance": "medical", "inst_code": "360102YB01", "person_no": "8"}
TOTALS = {"enrolments": "0.00", "assessments": "500.00", "payments": "500.00"}


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


class Bureau:
    """Takes files of one kind, from rows."""

    def __init__(self, desk: Engine, seal: FieldSeal, folder: Path) -> None:
        self.desk, self.seal, self._folder = desk, seal, folder

    def take(self, kind: str, *rows: dict[str, str], total: str = "", **how: Any) -> ImportResult:
        path = write_file(self._folder / f"{kind}.csv", *rows, total=total or TOTALS[kind])
        return take(self.desk, self.seal, kind, path, **how)

    def refusals(self, kind: str, *rows: dict[str, str], **how: Any) -> list[str]:
        with pytest.raises(FileRefused) as refused:
            self.take(kind, *rows, **how)
        return [reason.text for reason in refused.value.reasons]

    def names(self) -> list[str]:
        return [self.seal.open(name) for (name,) in rows_of(self.desk, "SELECT name FROM person")]


@pytest.fixture
def bureau(desk: Engine, seal: FieldSeal, tmp_path: Path) -> Bureau:
    return Bureau(desk, seal, tmp_path)


def test_a_batch_that_was_read_wrongly_is_put_right(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": WRONG}, ENROLMENT | MEDICAL | {"name": WRONG})
    right = (ENROLMENT | {"name": RIGHT}, ENROLMENT | MEDICAL | {"name": RIGHT})
    assert "--replace-batch" in bureau.refusals("enrolments", *right)[0]
    result = bureau.take("enrolments", *right, replace=True)
    assert (result.rows, result.replaced, result.changed, result.batches, result.elsewhere) == (2, 2, 1, ("B1",), 0)
    assert bureau.names() == [RIGHT]
    registry, key = StoredRegistry(bureau.desk, bureau.seal), bureau.seal.look_up_key(ENROLMENT["id_no"])
    assert registry.confirm(key, RIGHT)
    assert registry.confirm(key, WRONG) is None


def test_a_trial_says_the_same_and_changes_nothing(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": WRONG}, ENROLMENT | MEDICAL | {"name": WRONG})
    result = bureau.take("enrolments", ENROLMENT | {"name": RIGHT}, replace=True, trial=True)
    assert (result.rows, result.replaced, result.changed, result.elsewhere) == (1, 1, 1, 1)
    assert bureau.names() == [WRONG]
    assert rows_of(bureau.desk, "SELECT DISTINCT earlier FROM imported") == [("",)]


def test_repeated_it_changes_nothing_and_the_wrong_file_is_never_taken_again(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": WRONG})
    [(first,)] = rows_of(bureau.desk, "SELECT content FROM imported")
    bureau.take("enrolments", ENROLMENT | {"name": RIGHT}, replace=True)
    again = bureau.take("enrolments", ENROLMENT | {"name": RIGHT}, replace=True)
    assert (again.replaced, again.already) == (0, 1)
    assert bureau.take("enrolments", ENROLMENT | {"name": RIGHT}).already == 1
    for how in ({}, {"replace": True}):
        assert "更正以前的内容" in bureau.refusals("enrolments", ENROLMENT | {"name": WRONG}, **how)[0]
    assert rows_of(bureau.desk, "SELECT earlier FROM imported") == [(first,)]
    assert bureau.names() == [RIGHT]


def test_what_a_later_row_changed_is_not_touched(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": WRONG})
    bureau.take("enrolments", ENROLMENT | {"batch_no": "B2", "op": "U", "name": "何测二", "status": "paused"})
    assert "没有再动" in bureau.refusals("enrolments", ENROLMENT | {"name": RIGHT}, replace=True)[0]
    assert (bureau.names(), rows_of(bureau.desk, "SELECT status FROM enrolment")) == (["何测二"], [("paused",)])


def test_a_person_does_not_become_another(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": RIGHT})
    bureau.take("enrolments", ENROLMENT | MEDICAL | {"batch_no": "B2", "name": RIGHT})
    other = ENROLMENT | MEDICAL | {"batch_no": "B2", "name": "王样三"}
    assert bureau.refusals("enrolments", other, replace=True) == ["与已登记的姓名不同"]
    number = ENROLMENT | {"id_no": "369902198511030032", "name": "王样三"}
    assert "没有再动" in bureau.refusals("enrolments", number, replace=True)[0]
    assert bureau.names() == [RIGHT]


def test_rows_that_were_never_taken_are_taken_as_always(bureau: Bureau) -> None:
    bureau.take("enrolments", ENROLMENT | {"name": WRONG})
    li = ENROLMENT | {"row_no": "2", "person_no": "9", "id_no": "369902198511030032", "name": "李测"}
    result = bureau.take("enrolments", ENROLMENT | {"name": RIGHT}, li, replace=True)
    assert (result.replaced, result.added) == (1, 1)


def test_an_unpaid_assessment_is_put_right_and_a_paid_one_only_in_its_texts(bureau: Bureau) -> None:
    bureau.take("assessments", ASSESSMENT | {"name": WRONG, "tier_name": "琛ョ即", "reason": "琛ョ即"})
    right = ASSESSMENT | {"name": RIGHT, "tier_name": "补缴", "reason": "补缴", "amount_due": "600.00"}
    assert bureau.take("assessments", right, total="600.00", replace=True).changed == 1
    assert rows_of(bureau.desk, "SELECT tier_name, amount FROM assessment") == [("补缴", 60000)]
    assert bureau.names() == [RIGHT]
    window = PAID | {"pay_kind": "31", "cover_year": "2025", "period_from": "202501", "period_to": "202512"}
    bureau.take("payments", window | {"amount_paid": "600.00", "name": RIGHT}, total="600.00")
    dearer = right | {"amount_due": "700.00"}
    assert bureau.refusals("assessments", dearer, total="700.00", replace=True) == ["已经缴过或者正在缴，只能更正文字"]
    texts = right | {"reason": "补缴 2025 年"}
    assert bureau.take("assessments", texts, total="600.00", replace=True).changed == 1
    assert rows_of(bureau.desk, "SELECT reason, amount FROM assessment") == [("补缴 2025 年", 60000)]


def test_an_assessment_in_an_open_order_keeps_its_amount(bureau: Bureau) -> None:
    bureau.take("assessments", ASSESSMENT)
    key = bureau.seal.look_up_key(ASSESSMENT["id_no"])
    owed = replace(payable(), insured=key, pay_kind=PayKind("31"), assess_no="HD1", cover_year=2025)
    assert Counter(bureau.desk).open("oPayer", owed)
    dearer = ASSESSMENT | {"amount_due": "700.00"}
    assert bureau.refusals("assessments", dearer, total="700.00", replace=True) == ["已经缴过或者正在缴，只能更正文字"]


def test_a_payment_of_a_window_is_put_right_in_its_texts_only(bureau: Bureau) -> None:
    bureau.take("payments", PAID | {"name": WRONG, "channel": "閾惰", "tier_name": "500鍏冩。"})
    before = rows_of(bureau.desk, "SELECT id, settles, amount, paid_at, receipt_no FROM payment")
    right = PAID | {"name": RIGHT, "channel": "银行", "tier_name": "500元档"}
    for wrong in ({"amount_paid": "600.00"}, {"cover_year": "2025"}, {"status": "refunded"}, {"receipt_no": "R9"}):
        said = bureau.refusals("payments", right | wrong, total=wrong.get("amount_paid", ""), replace=True)
        assert said == ["已经入账的缴费，只能更正文字，不能改人、金额和日期"], wrong
    assert bureau.take("payments", right, replace=True).changed == 1
    assert rows_of(bureau.desk, "SELECT id, settles, amount, paid_at, receipt_no FROM payment") == before
    assert rows_of(bureau.desk, "SELECT channel, tier_name FROM payment") == [("银行", "500元档")]
    assert count(bureau.desk, "discrepancy") == 0
    assert bureau.names() == [RIGHT]
    assert bureau.take("payments", right | {"batch_no": "B2"}).already == 1


def test_our_own_payments_cannot_be_reached(bureau: Bureau) -> None:
    bureau.take("payments", PAID | {"channel": "閾惰"})
    with writing(bureau.desk) as connection:
        connection.execute(update(PAYMENT).values(order_no="O1", line_no=1, channel="wechat"))
    assert "没有再动" in bureau.refusals("payments", PAID, replace=True)[0]
    with reading(bureau.desk) as connection:
        assert connection.execute(select(PAYMENT.c.channel)).scalars().all() == ["wechat"]


def test_files_without_batches_say_that_importing_again_is_enough(bureau: Bureau, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("x")
    with pytest.raises(FileRefused, match="没有批次"):
        take(bureau.desk, bureau.seal, "institutions", path, replace=True)
