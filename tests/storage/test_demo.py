"""The demo people keep their parts on whatever day they are loaded."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import Engine

from dialogs.terms.identity import age_on, read_document
from dialogs.terms.insurance import Insurance, PayKind, open_rows, payable_key, replacing
from storage.agency.cells import BEIJING
from storage.demo import MADE_FOR, load_demo
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from storage.tariffs import StoredTariffs
from tests.storage.agency_files import DEMO, count, rows_of

DAYS = ["2026-06-02", "2026-11-23", "2026-12-31", "2027-01-01", "2027-02-28", "2027-03-01", "2027-04-10", "2028-02-29"]
LI, WU, ZHENG, FENG = "369901197005210021", "369904194907070086", "369905196606010093", "36990719800101005X"


def test_unmoved_the_files_are_taken_as_they_are(engine: Engine, seal: FieldSeal) -> None:
    load_demo(engine, seal, DEMO, MADE_FOR, shift=False)
    load_demo(engine, seal, DEMO, MADE_FOR, shift=False)
    assert {table: count(engine, table) for table in ("enrolment", "tariff", "assessment", "payment", "person")} == {
        "enrolment": 26,
        "tariff": 56,
        "assessment": 8,
        "payment": 9,
        "person": 15,
    }
    assert rows_of(engine, "SELECT DISTINCT batch_no FROM imported ORDER BY 1")[0] == ("AG20261101001",)


@pytest.mark.parametrize("day", DAYS)
def test_moved_everybody_keeps_his_part(engine: Engine, seal: FieldSeal, day: str) -> None:
    today = date.fromisoformat(day)
    load_demo(engine, seal, DEMO, today, shift=True)
    registry, tariffs = StoredRegistry(engine, seal), StoredTariffs(engine, lambda: 0.0)

    def key(number: str) -> str:
        return registry.key(read_document(number, today))

    def year_to_pay(number: str, insurance: Insurance) -> int:
        enrolment = registry.standing(key(number), insurance).enrolments[0]
        rows = open_rows(tariffs.rows(insurance), enrolment, today)
        assert len(rows) == (11 if insurance is Insurance.PENSION else 1)
        return rows[0].cover_year

    paid = {settles for (settles,) in rows_of(engine, "SELECT settles FROM payment")}
    assert year_to_pay(LI, Insurance.PENSION) == today.year
    assert payable_key(key(LI), Insurance.PENSION, today.year, PayKind.NORMAL, "") not in paid
    assert payable_key(key(FENG), Insurance.PENSION, today.year, PayKind.NORMAL, "") in paid

    medical = year_to_pay(LI, Insurance.MEDICAL)
    assert medical == today.year + (today.month > 2)
    assert payable_key(key(LI), Insurance.MEDICAL, medical, PayKind.NORMAL, "") not in paid
    assert payable_key(key(FENG), Insurance.MEDICAL, medical, PayKind.NORMAL, "") in paid

    aid = replacing(registry.standing(key(WU), Insurance.MEDICAL).assessments, Insurance.MEDICAL, medical)
    assert aid is not None
    assert (aid.amount, aid.valid_until >= today) == (0, True)
    assert all(one.valid_until >= today for one in registry.standing(key(LI), Insurance.PENSION).assessments)
    [over] = registry.standing(key(ZHENG), Insurance.PENSION).assessments
    assert over.valid_until < today
    assert age_on(date(1966, 6, 1), today) >= 60

    latest = max(paid_at for (paid_at,) in rows_of(engine, "SELECT paid_at FROM payment"))
    assert datetime.fromtimestamp(latest, BEIJING).date() < today


def test_loading_again_on_another_day_moves_what_is_there(engine: Engine, seal: FieldSeal) -> None:
    for day in ("2027-04-10", "2027-04-10", "2027-05-20"):
        load_demo(engine, seal, DEMO, date.fromisoformat(day), shift=True)
    assert (count(engine, "enrolment"), count(engine, "payment"), count(engine, "tariff")) == (26, 9, 56)
    assert rows_of(engine, "SELECT window_from FROM tariff WHERE insurance = 'medical' AND cover_year = 2028")
    assert count(engine, "discrepancy") == 0


def test_loading_again_in_another_year_keeps_what_was_paid_and_does_not_fail(engine: Engine, seal: FieldSeal) -> None:
    load_demo(engine, seal, DEMO, date(2027, 4, 10), shift=True)
    load_demo(engine, seal, DEMO, date(2028, 1, 5), shift=True)
    assert (count(engine, "enrolment"), count(engine, "person"), count(engine, "payment")) == (26, 15, 13)
