"""One person, spelt in more than one way: by old systems, and by two agencies."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from dialogs.terms.insurance import Insurance
from storage.agency.spellings import find_differing_spellings
from storage.certificates import ENROLMENT as ENROLMENT_TABLE
from storage.certificates import INSTITUTION, CertificateBook
from storage.database import writing
from storage.orders.columns import PAYMENT as PAYMENT_TABLE
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, PAYMENT, rows_of, take, take_demo, write_file
from tests.storage.counter import NOON, ZONE
from tests.storage.payments_files import export, known_people, pay, rows_in


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("old", "standard"), [("王\ue863", "王䶮"), ("\ue81e样", "龴样"), ("\ue816样", "𠂇样"), ("⻩样", "黄样")]
)
def test_a_name_with_an_old_code_point_is_imported_with_the_standard_one(
    desk: Engine, seal: FieldSeal, tmp_path: Path, encoding: str, old: str, standard: str
) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": old}, encoding=encoding)
    assert take(desk, seal, "enrolments", path, encoding=encoding).added == 1
    [(name,)] = rows_of(desk, "SELECT name FROM person")
    assert seal.open(name) == standard
    registry, key = StoredRegistry(desk, seal), seal.look_up_key(ENROLMENT["id_no"])
    for typed in (old, standard):
        assert registry.confirm(key, typed), typed
    assert registry.confirm(key, "王\ue000") is None


MEDICAL = {"row_no": "2", "insurance": "medical", "inst_code": "360102YB01", "person_no": "8"}


def enrol(desk: Engine, seal: FieldSeal, folder: Path, *rows: dict[str, str], **how: bool) -> list[str]:
    """Import these enrolments as one file; what was refused."""
    path = write_file(folder / "e.csv", *(ENROLMENT | row for row in rows))
    return [str(reason) for reason in take(desk, seal, "enrolments", path, **how).rejected]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("黄样三", "黃样三"),
        ("吕测", "呂测"),
        ("锺样", "鍾样"),
        ("鍾样", "鐘样"),
        ("买试·吐尔示", "买试吐尔示"),
        ("买试吐尔示", "买试·吐尔示"),
        ("王\uf9e3", "王泥"),
        ("JOSÉ ALEX", "JOSE ALEX"),
        ("欧阳傑", "歐陽杰"),
    ],
)
def test_each_enrolment_keeps_its_agencys_spelling_and_any_is_accepted(
    desk: Engine, seal: FieldSeal, tmp_path: Path, first: str, second: str
) -> None:
    assert enrol(desk, seal, tmp_path, {"name": first}, MEDICAL | {"name": second}) == []
    registry, key = StoredRegistry(desk, seal), seal.look_up_key(ENROLMENT["id_no"])
    assert registry.confirm(key, first)
    assert registry.confirm(key, second)
    rows = rows_of(desk, "SELECT e.insurance, e.name, p.name FROM enrolment e JOIN person p ON p.key = e.person")
    spelt = {insurance: seal.open(own or registered) for insurance, own, registered in rows}
    assert spelt == {"pension": first, "medical": second}


@pytest.mark.parametrize(
    ("enrolled", "typed"), [("陈港居", "陳港居"), ("黃样三", "黄样三"), ("JOSÉ ALEX", "jose alex")]
)
def test_a_name_typed_in_other_characters_is_accepted(
    desk: Engine, seal: FieldSeal, tmp_path: Path, enrolled: str, typed: str
) -> None:
    enrol(desk, seal, tmp_path, {"name": enrolled})
    registry, key = StoredRegistry(desk, seal), seal.look_up_key(ENROLMENT["id_no"])
    assert registry.confirm(key, typed)
    assert registry.confirm(key, f"{typed}一") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("王样三", "王样四"),
        ("王样三", "王样"),
        ("黄样三", "王样三"),
        ("买试·吐尔示", "买试·吐尔"),
        ("张三", "三张"),
        ("李测二", "SAMPLE"),
        ("王\ue000", "王\ue001"),
    ],
)
def test_another_name_for_the_same_number_stays_refused(
    desk: Engine, seal: FieldSeal, tmp_path: Path, first: str, second: str
) -> None:
    refused = enrol(desk, seal, tmp_path, {"name": first}, MEDICAL | {"name": second}, skip_bad=True)
    assert refused == ["第 2 行：与已登记的姓名不同"]
    assert StoredRegistry(desk, seal).confirm(seal.look_up_key(ENROLMENT["id_no"]), second) is None


def test_a_correction_ends_the_spellings_of_the_old_name(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    enrol(desk, seal, tmp_path, {"name": "黄样三"}, MEDICAL | {"name": "黃样三"})
    assert enrol(desk, seal, tmp_path, {"row_no": "3", "op": "U", "name": "王样三"}) == []
    registry, key = StoredRegistry(desk, seal), seal.look_up_key(ENROLMENT["id_no"])
    assert [bool(registry.confirm(key, name)) for name in ("王样三", "黄样三", "黃样三")] == [True, False, False]


def test_a_certificate_bears_the_name_as_the_agency_of_its_insurance_spells_it(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    enrol(desk, seal, tmp_path, {"name": "黄样三"}, MEDICAL | {"name": "黃样三"})
    medical = {name: value for name, value in MEDICAL.items() if name != "row_no"}
    paid = [PAYMENT | {"name": "黄样三"}, PAYMENT | medical | {"row_no": "2", "receipt_no": "R2", "name": "黃样三"}]
    total = f"{2 * float(PAYMENT['amount_paid']):.2f}"
    assert take(desk, seal, "payments", write_file(tmp_path / "p.csv", *paid, total=total)).added == 2
    book, key = CertificateBook(desk, seal, ZONE, "样例市税务局"), seal.look_up_key(ENROLMENT["id_no"])
    choice = {one.insurance: one.id for one in book.choosable("oAnn", key)}
    for insurance, name in ((Insurance.PENSION, "黄样三"), (Insurance.MEDICAL, "黃样三")):
        [certificate] = book.issue("oAnn", [choice[insurance]], NOON, key)
        assert [one.name for one in certificate.people] == [name]
        assert book.names("oAnn", [choice[insurance]], key) == {name}
    [both] = book.issue("oAnn", list(choice.values()), NOON, key)
    assert [one.name for one in both.people] == ["黄样三（黃样三）"]


def test_differing_spellings_are_listed_masked_and_code_points_alone_are_not(
    desk: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    li = {"id_no": "369902198511030032", "person_no": "11"}
    zhao = {"id_no": "369902199202290046", "person_no": "12"}
    rows = [{"name": "黄样三"}, MEDICAL | {"name": "黃样三"}]
    rows += [li | {"row_no": "3", "name": "王䶮"}, MEDICAL | li | {"row_no": "4", "name": "王\ue863"}]
    rows += [zhao | {"row_no": "5", "name": "王泥"}, MEDICAL | zhao | {"row_no": "6", "name": "王\uf9e3"}]
    enrol(desk, seal, tmp_path, *rows)
    [found] = find_differing_spellings(desk, seal)
    assert (found.number, found.name, found.difference) == ("3699**********0021", "黄*三", "黄/黃")
    assert (found.insurance, found.institution, found.person_no) == ("medical", "360102YB01", "8")


def test_the_payments_file_spells_each_person_as_its_agency_does(
    engine: Engine, seal: FieldSeal, tmp_path: Path
) -> None:
    counter = known_people(engine, seal)
    take_demo(engine, seal, "institutions")
    no = pay(counter, "wang")
    [payment] = counter.rows(PAYMENT_TABLE, order_no=no)
    enrolment = {name: getattr(payment, name) for name in ("institution", "person_no", "person", "insurance")}
    enrolment |= {"identity_group": "011", "status": "active", "valid_from": NOON.date(), "name": seal.seal("王樣三")}
    with writing(engine) as connection:
        code, division = payment.institution, {"division": "360102", "division_name": "", "tax_org": "", "phone": ""}
        known = connection.execute(select(INSTITUTION.c.code).where(INSTITUTION.c.code == code)).first()
        if known is None:
            place = {"code": code, "name": "", "insurance": payment.insurance} | division
            connection.execute(insert(INSTITUTION).values(place))
        connection.execute(insert(ENROLMENT_TABLE).values(enrolment))
    export(engine, seal, tmp_path / "p.csv")
    assert [row["name"] for row in rows_in(tmp_path / "p.csv")] == ["王樣三"]
