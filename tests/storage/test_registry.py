"""What a dialog may ask of the registry and the tariffs, on the demo's people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Engine, event, text

from dialogs.terms.identity import read_document
from dialogs.terms.insurance import Insurance, PayKind, Status
from dialogs.world import Registry, Tariffs, Unavailable
from storage.database import open_database, writing
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from storage.tariffs import StoredTariffs
from tests.storage.agency_files import TODAY, take_demo

WANG, LI, NOBODY = "369902198511030032", "369901197005210021", "440308199901101512"


@pytest.fixture
def registry(engine: Engine, seal: FieldSeal) -> StoredRegistry:
    take_demo(engine, seal)
    return StoredRegistry(engine, seal)


def key(registry: Registry, number: str) -> str:
    return registry.key(read_document(number, TODAY))


def test_number_and_name_given_right_show_a_masked_person(registry: StoredRegistry) -> None:
    person = registry.confirm(key(registry, WANG), "王样三")
    assert person is not None
    assert (person.name, person.number, person.born) == ("王*三", "3699**********0032", date(1985, 11, 3))
    assert WANG not in repr(person)
    assert registry.person(person.key) == person
    assert registry.person("0" * 32) is None


def test_an_unknown_number_and_another_name_are_the_same_answer(registry: StoredRegistry) -> None:
    assert registry.confirm(key(registry, NOBODY), "王样三") is None
    assert registry.confirm(key(registry, WANG), "王样四") is None
    assert registry.confirm(key(registry, NOBODY), "某某某") is None


def test_an_unknown_number_and_another_name_cost_the_same_work(
    engine: Engine, seal: FieldSeal, registry: StoredRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    statements: list[str] = []
    honest = FieldSeal.open

    def watched(seal: FieldSeal, sealed: str) -> str:
        opened.append(sealed)
        return honest(seal, sealed)

    monkeypatch.setattr(FieldSeal, "open", watched)
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    registry.confirm(key(registry, WANG), "王样四")
    known = (len(opened), len(opened[0]), statements.copy())
    opened.clear()
    statements.clear()
    registry.confirm(key(registry, NOBODY), "王样四")
    assert (len(opened), len(opened[0]), statements) == known
    assert known[0] == 1


def test_enrolments_come_with_their_institution_in_the_order_of_its_name(registry: StoredRegistry) -> None:
    found = registry.standing(key(registry, WANG), Insurance.PENSION).enrolments
    assert [enrolment.institution.division_name for enrolment in found] == ["南昌市东湖区", "上饶市鄱阳县"]
    assert found[0].person_no == "3601020000005"
    assert (found[0].group, found[0].status) == ("011", Status.ACTIVE)
    assert found[0].institution.phone == "12333"
    assert len(registry.standing(key(registry, WANG), Insurance.MEDICAL).enrolments) == 1
    assert registry.standing(key(registry, NOBODY), Insurance.PENSION).enrolments == ()


def test_assessments_come_by_cover_year_also_expired_ones(registry: StoredRegistry) -> None:
    found = registry.standing(key(registry, LI), Insurance.PENSION).assessments
    assert [(one.cover_year, one.pay_kind, one.amount) for one in found] == [
        (2024, PayKind.BACK, 50_000),
        (2025, PayKind.BACK, 50_000),
    ]
    assert registry.standing(key(registry, LI), Insurance.MEDICAL).assessments == ()
    expired = registry.standing(key(registry, "369905196606010093"), Insurance.PENSION).assessments
    assert [one.valid_until for one in expired] == [date(2026, 6, 30)]


def test_tariff_rows_are_all_there_and_kept_for_a_minute(engine: Engine, seal: FieldSeal) -> None:
    take_demo(engine, seal)
    now = 1_000.0
    tariffs = StoredTariffs(engine, lambda: now)
    assert len(tariffs.rows(Insurance.PENSION)) == 51
    assert [row.amount for row in tariffs.rows(Insurance.MEDICAL)] == [35_000, 38_000, 40_000, 40_000, 40_000]
    with writing(engine) as connection:
        connection.execute(text("UPDATE tariff SET amount = 42000 WHERE insurance = 'medical' AND cover_year = 2027"))
    now += 59
    assert tariffs.rows(Insurance.MEDICAL)[-1].amount == 40_000
    now += 1
    assert tariffs.rows(Insurance.MEDICAL)[-1].amount == 42_000


@pytest.fixture(params=["sqlite:////proc/none.db", "postgresql://postgres@127.0.0.1:1/none"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = open_database(request.param)
    yield engine
    engine.dispose()


def test_a_database_that_cannot_be_reached_is_unknown_just_now(unreachable: Engine, seal: FieldSeal) -> None:
    registry: Registry = StoredRegistry(unreachable, seal)
    tariffs: Tariffs = StoredTariffs(unreachable, lambda: 0.0)
    with pytest.raises(Unavailable):
        registry.confirm("0" * 32, "王样三")
    with pytest.raises(Unavailable):
        registry.standing("0" * 32, Insurance.PENSION)
    with pytest.raises(Unavailable):
        tariffs.rows(Insurance.PENSION)
