"""Names an operator has to look at: spelt differently by two agencies, or with a character that no font has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, Select, select, tuple_

from dialogs.terms.identity import mask_name, mask_number
from dialogs.terms.spelling import differences, is_same_character_by_character
from dialogs.terms.standard_han import standard_han
from storage.database import reading, table_of
from storage.sealing import FieldSeal
from storage.tables import EnrolmentRow, PersonRow

PERSON, ENROLMENT = table_of(PersonRow), table_of(EnrolmentRow)
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class SpeltOtherwise:
    """One enrolment whose agency spells the name otherwise than it is registered; masked, but for what differs."""

    number: str
    name: str
    institution: str
    person_no: str
    insurance: str
    difference: str  # registered/there, character by character


@dataclass(frozen=True, slots=True)
class Unprintable:
    """One insured whose name no certificate can show; masked, but for the characters."""

    number: str
    name: str
    characters: str


def find_unprintable_names(engine: Engine, seal: FieldSeal, missing_in: Callable[[str], str]) -> Iterator[Unprintable]:
    """Every insured with a registered name of which `missing_in` gives characters; looks at each insured once.

    Raises DatabaseUnavailable.
    """
    query, last = select(PERSON.c.key, PERSON.c.number, PERSON.c.name).order_by(PERSON.c.key).limit(AT_ONCE), ""
    while True:
        with reading(engine) as connection:
            page = connection.execute(query.where(PERSON.c.key > last)).all()
        for row in page:
            name = standard_han(seal.open(row.name))
            if missing := missing_in(name):
                yield Unprintable(mask_number(seal.open(row.number)), mask_name(name), missing)
        if len(page) < AT_ONCE:
            return
        last = page[-1].key


def find_differing_spellings(engine: Engine, seal: FieldSeal) -> Iterator[SpeltOtherwise]:
    """Every enrolment with a spelling of its own that differs in more than code points. Raises DatabaseUnavailable."""
    query = (
        select(PERSON.c.number, PERSON.c.name, ENROLMENT.c.name.label("spelling"))
        .add_columns(ENROLMENT.c.institution, ENROLMENT.c.person_no, ENROLMENT.c.insurance)
        .join(PERSON, PERSON.c.key == ENROLMENT.c.person)
        .where(ENROLMENT.c.name.is_not(None))
    )
    for row in _in_pages(engine, query):
        registered, there = seal.open(row.name), seal.open(row.spelling)
        if not is_same_character_by_character(registered, there):
            yield SpeltOtherwise(
                number=mask_number(seal.open(row.number)),
                name=mask_name(registered),
                institution=row.institution,
                person_no=row.person_no,
                insurance=row.insurance,
                difference=differences(registered, there),
            )


def _in_pages(engine: Engine, query: Select[Any]) -> Iterator[Row[Any]]:
    """The enrolments of a query in the order of their key, some at a time: each page is a select of its own."""
    key, last = tuple_(ENROLMENT.c.institution, ENROLMENT.c.person_no), ("", "")
    while True:
        with reading(engine) as connection:
            page = connection.execute(query.where(key > last).order_by(*key).limit(AT_ONCE)).all()
        yield from page
        if len(page) < AT_ONCE:
            return
        last = (page[-1].institution, page[-1].person_no)
