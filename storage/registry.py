"""The agencies' files, once imported, as the `Registry` a dialog asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, Table, bindparam, null, select, union_all

from dialogs.terms.identity import Document, NotADocument, mask_name, mask_number, read_document, same_name
from dialogs.terms.insurance import (
    Assessment,
    Enrolment,
    Institution,
    Insurance,
    PayKind,
    Person,
    Standing,
    Status,
)
from dialogs.terms.spelling import is_spelling_of_one_name
from storage.database import table_of
from storage.lookup import Lookup, no_columns
from storage.sealing import FieldSeal
from storage.tables import AssessmentRow, EnrolmentRow, InstitutionRow, PersonRow

_PERSON, _INSTITUTION = table_of(PersonRow), table_of(InstitutionRow)
_ENROLMENT, _ASSESSMENT = table_of(EnrolmentRow), table_of(AssessmentRow)
# Columns the joined tables share are the row's own; the institution's come under other names.
_OF_INSTITUTION = (
    _INSTITUTION.c.code,
    _INSTITUTION.c.name,
    _INSTITUTION.c.insurance.label("institution_insurance"),
    _INSTITUTION.c.division,
    _INSTITUTION.c.division_name,
    _INSTITUTION.c.tax_org,
    _INSTITUTION.c.phone,
)
# The person, then a row without a number for each other spelling. Both parts are looked up for every key, the second in
# an index with very few rows: so the time does not tell who is enrolled.
_SPELT_OTHERWISE = (_ENROLMENT.c.person == bindparam("key")) & _ENROLMENT.c.name.is_not(None)
_FIND_PERSON = Lookup(
    union_all(
        select(_PERSON.c.number, _PERSON.c.name).where(_PERSON.c.key == bindparam("key")),
        select(null().label("number"), _ENROLMENT.c.name).where(_SPELT_OTHERWISE),
    )
)
_OF_ENROLMENTS = (_ENROLMENT.c.identity_group, _ENROLMENT.c.status)
_OF_ASSESSMENTS = (
    _ASSESSMENT.c.no,
    _ASSESSMENT.c.pay_kind,
    _ASSESSMENT.c.cover_year,
    _ASSESSMENT.c.period_from,
    _ASSESSMENT.c.period_to,
    _ASSESSMENT.c.tier_code,
    _ASSESSMENT.c.tier_name,
    _ASSESSMENT.c.amount,
    _ASSESSMENT.c.valid_until,
)


def _of(table: Table, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    return (
        select(table.c.person_no, *columns, *_OF_INSTITUTION)
        .join(_INSTITUTION, _INSTITUTION.c.code == table.c.institution)
        .where(table.c.person == bindparam("key"), table.c.insurance == bindparam("insurance"))
    )


_FIND_STANDING = Lookup(  # one round trip; the first of the two says what types the columns have
    union_all(
        _of(_ASSESSMENT, [*_OF_ASSESSMENTS, *no_columns(_OF_ENROLMENTS)]),
        _of(_ENROLMENT, [*no_columns(_OF_ASSESSMENTS), *_OF_ENROLMENTS]),
    )
)


class StoredRegistry:
    """`dialogs.world.Registry` over the tables; every call may raise DatabaseUnavailable, an `Unavailable`."""

    def __init__(self, engine: Engine, seal: FieldSeal) -> None:
        self._engine = engine
        self._seal = seal
        self._nobody = seal.seal("某某某")

    def key(self, document: Document) -> str:
        """The look-up key of an ID document; says nothing about whether anybody has it."""
        return self._seal.look_up_key(document.number)

    def confirm(self, key: str, name: str) -> Person | None:
        """The person with this key and this name; None alike for an unknown number and another name.

        Any spelling is taken that an agency uses for this person or might use (`is_spelling_of_one_name`: typed in
        traditional characters). An unknown number costs the same work, one name opened and compared, so that the time
        does not tell who is enrolled.
        """
        rows = _FIND_PERSON.rows(self._engine, key=key)
        sealed = [row.name for row in rows] or [self._nobody]
        known = map(self._seal.open, sealed)
        person = _person_among(rows)
        same = [same_name(spelling, name) | is_spelling_of_one_name(spelling, name) for spelling in known]
        return self._shown(key, person) if person is not None and any(same) else None

    def person(self, key: str) -> Person | None:
        """The person of a key that was confirmed before."""
        row = self._find(key)
        return None if row is None else self._shown(key, row)

    def standing(self, key: str, insurance: Insurance) -> Standing:
        """Enrolments by institution name, assessments by cover year; both empty for somebody unknown."""
        rows = _FIND_STANDING.rows(self._engine, key=key, insurance=insurance.value)
        enrolled = [_enrolment(row, insurance) for row in rows if row.no is None]
        assessed = [_assessment(row, insurance) for row in rows if row.no is not None]
        return Standing(
            tuple(sorted(enrolled, key=lambda one: (one.institution.name, one.person_no))),
            tuple(sorted(assessed, key=lambda one: (one.cover_year, one.no))),
        )

    def _find(self, key: str) -> Row[Any, Any] | None:
        return _person_among(_FIND_PERSON.rows(self._engine, key=key))

    def _shown(self, key: str, row: Row[Any, Any]) -> Person:
        number = self._seal.open(row.number)
        return Person(key, mask_name(self._seal.open(row.name)), mask_number(number), _born(number))


def _person_among(rows: Sequence[Row[Any, Any]]) -> Row[Any, Any] | None:
    """The row with the number; the others are spellings."""
    return next((row for row in rows if row.number), None)


def _born(number: str) -> date | None:
    """The birth date in a number that was checked when it was stored; None for documents that show none."""
    try:
        return read_document(number, date.max).born
    except NotADocument:
        return None


def _enrolment(row: Row[Any], insurance: Insurance) -> Enrolment:
    return Enrolment(insurance, _institution(row), row.person_no, row.identity_group, Status(row.status))


def _assessment(row: Row[Any], insurance: Insurance) -> Assessment:
    return Assessment(
        no=row.no,
        insurance=insurance,
        institution=_institution(row),
        person_no=row.person_no,
        pay_kind=PayKind(row.pay_kind),
        cover_year=row.cover_year,
        period_from=row.period_from,
        period_to=row.period_to,
        tier_code=row.tier_code,
        tier_name=row.tier_name,
        amount=row.amount,
        valid_until=row.valid_until,
    )


def _institution(row: Row[Any]) -> Institution:
    return Institution(
        code=row.code,
        name=row.name,
        insurance=Insurance(row.institution_insurance),
        division=row.division,
        division_name=row.division_name,
        tax_org=row.tax_org,
        phone=row.phone,
    )
