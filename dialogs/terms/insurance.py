"""What is owed and why: insurances, enrolments, tariffs, assessments, payables, and the rules between them.

Everything here is a value or a pure function of values. Amounts are integer fen, periods are `YYYYMM`, years are cover
years (费款所属期). Rules: docs of design "Money", and the field's facts 1A to 1C; no amount, tier, window or group is
written here: they are rows of the agencies' files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

PENSION_FROM_AGE = 16  # 国发〔2014〕8号: from 16, while not yet 60
PENSION_UNTIL_AGE = 60


class Insurance(StrEnum):
    """险种."""

    PENSION = "pension"
    MEDICAL = "medical"


class Status(StrEnum):
    """参保状态 of one enrolment."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    RECEIVING = "receiving"  # draws the pension already (待遇领取)


class PayKind(StrEnum):
    """缴费类型, as the agencies code it."""

    NORMAL = "10"
    BACK = "31"  # 补缴
    DIFFERENCE = "32"  # 差额补缴
    AID = "33"  # 资助
    NEWBORN = "34"


# These replace the tariff for their insurance and year; the others are paid beside it (design, "Payable").
REPLACES_TARIFF = frozenset({PayKind.NORMAL, PayKind.AID, PayKind.NEWBORN})


@dataclass(frozen=True, slots=True)
class Person:
    """An insured whose number and name were both given right. Holds nothing that may not be shown in the chat."""

    key: str  # look-up key of the ID document (HMAC), never the number
    name: str  # masked
    number: str  # masked
    born: date | None


@dataclass(frozen=True, slots=True)
class Institution:
    """参保机构."""

    code: str
    name: str
    insurance: Insurance
    division: str  # six digits
    division_name: str
    tax_org: str
    phone: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """参保信息: one person in one insurance at one institution."""

    insurance: Insurance
    institution: Institution
    person_no: str
    group: str  # identity_code, 缴费身份
    status: Status


@dataclass(frozen=True, slots=True)
class TariffRow:
    """缴费标准: one amount that may be paid for a year, in a division, by a group, within a window."""

    insurance: Insurance
    cover_year: int
    division: str
    group: str  # "*" for everybody
    tier_code: str
    tier_name: str
    amount: int
    window_from: date
    window_to: date
    period_from: str
    period_to: str
    subsidy: int | None = None  # 缴费补贴, fen, that the government adds; None where the tariff does not say

    def is_open(self, today: date) -> bool:
        """Whether it can be paid on this day; both ends of the window belong to it."""
        return self.window_from <= today <= self.window_to


@dataclass(frozen=True, slots=True)
class Assessment:
    """核定: an amount that the agency fixed for one person; never editable."""

    no: str
    insurance: Insurance
    institution: Institution
    person_no: str
    pay_kind: PayKind
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class Standing:
    """What the agencies know of one person in one insurance."""

    enrolments: tuple[Enrolment, ...]  # ended ones too; by institution name
    assessments: tuple[Assessment, ...]  # expired and paid ones too; by cover year


@dataclass(frozen=True, slots=True)
class Payable:
    """应缴: one thing that can be paid now."""

    insured: str  # Person.key
    insurance: Insurance
    institution_code: str
    institution_name: str
    person_no: str
    pay_kind: PayKind
    assess_no: str  # "" where the tariff applies
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int
    last_day: date  # the last day on which it may be paid

    @property
    def key(self) -> str:
        """What can be owed only once; orders and payments are unique by it."""
        return payable_key(self.insured, self.insurance, self.cover_year, self.pay_kind, self.assess_no)


def payable_key(insured: str, insurance: Insurance, cover_year: int, pay_kind: PayKind, assess_no: str) -> str:
    """One per insured, insurance and year, wherever it is paid; back payments one per assessment."""
    if pay_kind in REPLACES_TARIFF:
        return f"{insurance.value}:{insured}:{cover_year}"
    return f"assessed:{assess_no}"


def divisions_of(division: str) -> tuple[str, str, str]:
    """A county's code and those above it, most specific first: 360102, 360100, 360000."""
    return division, f"{division[:4]}00", f"{division[:2]}0000"


def open_rows(rows: Iterable[TariffRow], enrolment: Enrolment, today: date) -> tuple[TariffRow, ...]:
    """The amounts among which this enrolment may be paid today, cheapest first; empty outside the window.

    The most specific division that has rows for the insurance and year decides; there `*` applies plus the insured's
    own group, which wins where both name a tier. A pension is paid for the current year only [guide].
    """
    divisions = divisions_of(enrolment.institution.division)
    mine = [row for row in rows if row.division in divisions and row.insurance is enrolment.insurance]
    if enrolment.insurance is Insurance.PENSION:
        mine = [row for row in mine if row.cover_year == today.year]
    years = sorted({row.cover_year for row in mine if row.is_open(today)})
    for year in years:
        for division in divisions:
            here = [row for row in mine if row.cover_year == year and row.division == division]
            if not here:
                continue
            by_tier = {row.tier_code: row for row in here if row.group == "*"}
            by_tier |= {row.tier_code: row for row in here if row.group == enrolment.group}
            found = [row for row in by_tier.values() if row.is_open(today)]
            if found:
                return tuple(sorted(found, key=lambda row: (row.amount, row.tier_code)))
            break
    return ()


def next_window(rows: Iterable[TariffRow], enrolment: Enrolment, today: date) -> tuple[date, date] | None:
    """The nearest window still to come for this enrolment, if the tariff knows one."""
    divisions = divisions_of(enrolment.institution.division)
    coming = [
        (row.window_from, row.window_to)
        for row in rows
        if row.insurance is enrolment.insurance and row.division in divisions and row.window_from > today
    ]
    return min(coming, default=None)


def tariff_payable(person: str, enrolment: Enrolment, row: TariffRow) -> Payable:
    """The payable of a declared contribution (自主缴费)."""
    return Payable(
        insured=person,
        insurance=enrolment.insurance,
        institution_code=enrolment.institution.code,
        institution_name=enrolment.institution.name,
        person_no=enrolment.person_no,
        pay_kind=PayKind.NORMAL,
        assess_no="",
        cover_year=row.cover_year,
        period_from=row.period_from,
        period_to=row.period_to,
        tier_code=row.tier_code,
        tier_name=row.tier_name,
        amount=row.amount,
        last_day=row.window_to,
    )


def assessed_payable(person: str, assessment: Assessment) -> Payable:
    """The payable of an assessment (核定缴费)."""
    return Payable(
        insured=person,
        insurance=assessment.insurance,
        institution_code=assessment.institution.code,
        institution_name=assessment.institution.name,
        person_no=assessment.person_no,
        pay_kind=assessment.pay_kind,
        assess_no=assessment.no,
        cover_year=assessment.cover_year,
        period_from=assessment.period_from,
        period_to=assessment.period_to,
        tier_code=assessment.tier_code,
        tier_name=assessment.tier_name,
        amount=assessment.amount,
        last_day=assessment.valid_until,
    )


def replacing(assessments: Iterable[Assessment], insurance: Insurance, cover_year: int) -> Assessment | None:
    """The assessment that stands in place of the tariff for this insurance and year, if there is one."""
    for assessment in assessments:
        if (
            assessment.insurance is insurance
            and assessment.cover_year == cover_year
            and assessment.pay_kind in REPLACES_TARIFF
        ):
            return assessment
    return None
