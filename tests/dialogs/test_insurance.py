"""What is owed and why: windows, divisions, groups, the current year, and assessments in place of the tariff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.terms.insurance import (
    Assessment,
    Enrolment,
    Insurance,
    PayKind,
    TariffRow,
    assessed_payable,
    divisions_of,
    next_window,
    open_rows,
    payable_key,
    replacing,
    tariff_payable,
)
from dialogs.texts import say
from tests.dialogs.townspeople import (
    DONGHU,
    DONGHU_MEDICAL,
    MAI,
    MEDICAL,
    PENSION,
    POYANG,
    TARIFFS,
    Phone,
    assessed,
    enrolled,
    tariff,
    town,
)

HERE = enrolled(DONGHU, "1")
HERE_MEDICAL = enrolled(DONGHU_MEDICAL, "2")
NOVEMBER = date(2026, 11, 23)


def amounts(rows: Sequence[TariffRow], enrolment: Enrolment = HERE, today: date = NOVEMBER) -> list[int]:
    """What may be paid, in yuan."""
    return [row.amount // 100 for row in open_rows(rows, enrolment, today)]


@pytest.mark.parametrize(
    ("today", "is_open"),
    [(date(2026, 9, 14), False), (date(2026, 9, 15), True), (date(2027, 2, 28), True), (date(2027, 3, 1), False)],
)
def test_both_ends_of_a_window_belong_to_it(today: date, is_open: bool) -> None:
    assert bool(open_rows([tariff(MEDICAL, 2027, 400)], HERE_MEDICAL, today)) is is_open


def test_a_pension_is_paid_for_the_current_year_only() -> None:
    years = [replace(tariff(PENSION, year, 300), window_from=date(2026, 1, 1)) for year in (2025, 2026, 2027)]
    long = [replace(row, window_to=date(2028, 1, 1)) for row in years]
    assert [row.cover_year for row in open_rows(long, HERE, NOVEMBER)] == [2026]


def test_medical_insurance_is_paid_for_the_cover_year_whose_window_is_open() -> None:
    rows = [tariff(MEDICAL, year, 400) for year in (2026, 2027, 2028)]
    assert [row.cover_year for row in open_rows(rows, HERE_MEDICAL, NOVEMBER)] == [2027]
    assert [row.cover_year for row in open_rows(rows, HERE_MEDICAL, date(2026, 2, 28))] == [2026]
    assert open_rows(rows, HERE_MEDICAL, date(2026, 6, 1)) == ()


def test_the_most_specific_division_that_has_rows_decides() -> None:
    province, city, county = (
        tariff(PENSION, 2026, a, d) for a, d in ((300, "360000"), (400, "360100"), (500, "360102"))
    )
    assert amounts([province, city, county]) == [500]
    assert amounts([province, city]) == [400]
    assert amounts([province]) == [300]
    assert amounts([tariff(PENSION, 2026, 600, "361128"), province]) == [300]
    assert amounts([tariff(PENSION, 2026, 600, "440000")]) == []


def test_a_division_whose_window_is_closed_still_decides() -> None:
    county = replace(tariff(PENSION, 2026, 500, "360102"), window_to=date(2026, 6, 30))
    assert amounts([tariff(PENSION, 2026, 300), county]) == []


def test_everybodys_rows_hold_and_the_own_groups_beside_them() -> None:
    rows = [
        tariff(PENSION, 2026, 300),
        tariff(PENSION, 2026, 100, group="061"),
        tariff(PENSION, 2026, 200, group="021"),
    ]
    assert amounts(rows) == [300]
    assert amounts(rows, enrolled(DONGHU, "1", "061")) == [100, 300]


def test_the_own_group_wins_where_both_name_a_tier() -> None:
    rows = [tariff(MEDICAL, 2027, 30, group="061"), tariff(MEDICAL, 2027, 400)]
    assert amounts(rows, enrolled(DONGHU_MEDICAL, "1", "061")) == [30]
    assert amounts(rows, HERE_MEDICAL) == [400]


def test_rows_of_another_insurance_are_not_seen() -> None:
    assert amounts([tariff(MEDICAL, 2027, 400)]) == []


def test_the_cheapest_tier_comes_first() -> None:
    assert amounts(tuple(reversed(TARIFFS))) == sorted(amounts(TARIFFS))


def test_a_county_belongs_to_its_city_and_its_province() -> None:
    assert divisions_of("360102") == ("360102", "360100", "360000")


def test_the_nearest_window_to_come_is_told() -> None:
    rows = [tariff(MEDICAL, year, 400) for year in (2026, 2027, 2028)]
    assert next_window(rows, HERE_MEDICAL, date(2026, 6, 1)) == (date(2026, 9, 15), date(2027, 2, 28))
    assert next_window(rows, HERE_MEDICAL, date(2030, 1, 1)) is None
    assert next_window([tariff(MEDICAL, 2027, 400, "440000")], HERE_MEDICAL, date(2026, 6, 1)) is None


@pytest.mark.parametrize("kind", PayKind)
def test_normal_aided_and_newborn_assessments_replace_the_tariff_and_others_do_not(kind: PayKind) -> None:
    one = assessed("a", DONGHU, "1", kind, 2026, 80)
    replaces = kind in (PayKind.NORMAL, PayKind.AID, PayKind.NEWBORN)
    assert replacing([one], PENSION, 2026) == (one if replaces else None)
    assert replacing([one], PENSION, 2027) is replacing([one], MEDICAL, 2026) is None


def test_an_assessment_of_nothing_replaces_too() -> None:
    free = assessed("a", DONGHU_MEDICAL, "1", PayKind.AID, 2027, 0)
    assert replacing([free], MEDICAL, 2027) is free


def test_the_same_insurance_and_year_is_one_payable_wherever_and_however_it_is_paid() -> None:
    declared = tariff_payable("k", HERE, tariff(PENSION, 2026, 300))
    elsewhere = tariff_payable("k", enrolled(POYANG, "9"), tariff(PENSION, 2026, 3000))
    aided = assessed_payable("k", assessed("a", DONGHU, "1", PayKind.AID, 2026, 80))
    assert declared.key == elsewhere.key == aided.key == payable_key("k", PENSION, 2026, PayKind.NORMAL, "")


def test_each_back_payment_is_a_payable_of_its_own() -> None:
    keys = {
        assessed_payable("k", assessed(no, DONGHU, "1", kind, 2024, 500)).key
        for no, kind in (("a", PayKind.BACK), ("b", PayKind.BACK), ("c", PayKind.DIFFERENCE))
    }
    assert len(keys) == 3
    assert tariff_payable("k", HERE, tariff(PENSION, 2024, 300)).key not in keys


def test_the_amount_and_the_last_day_are_those_of_the_row_or_the_assessment() -> None:
    row, one = tariff(PENSION, 2026, 300), assessed("a", DONGHU, "1", PayKind.BACK, 2024, 500)
    assert (tariff_payable("k", HERE, row).amount, tariff_payable("k", HERE, row).last_day) == (30000, row.window_to)
    assert (assessed_payable("k", one).amount, assessed_payable("k", one).last_day) == (50000, one.valid_until)


# -- against a naive reading of the rules

DAYS = st.integers(0, 4).map(lambda quarters: date(2026, 1, 1) + timedelta(quarters * 91))
ROWS = st.builds(
    TariffRow,
    insurance=st.sampled_from(Insurance),
    cover_year=st.integers(2026, 2027),
    division=st.sampled_from(["360000", "360100", "360102"]),
    group=st.sampled_from(["*", "061"]),
    tier_code=st.sampled_from(["300", "500"]),
    tier_name=st.just("t"),
    amount=st.integers(0, 5).map(lambda hundred: hundred * 10000),
    window_from=st.just(date(2026, 1, 1)) | DAYS,
    window_to=st.just(date(2027, 12, 31)) | DAYS,
    period_from=st.just("202601"),
    period_to=st.just("202612"),
)
TABLES = st.lists(
    ROWS, max_size=12, unique_by=lambda row: (row.insurance, row.cover_year, row.division, row.group, row.tier_code)
)
ENROLMENTS = st.builds(
    enrolled, st.sampled_from([DONGHU, POYANG, DONGHU_MEDICAL]), st.just("1"), st.sampled_from(["011", "061"])
)


def naively(rows: Sequence[TariffRow], enrolment: Enrolment, today: date) -> set[TariffRow]:
    """The rules of the design read line by line: every row is asked why it should not be among those offered."""

    def deciding(row: TariffRow) -> bool:
        """No row of the same insurance and year stands in a more specific division of this enrolment."""
        order = divisions_of(enrolment.institution.division)
        return row.division in order and not any(
            other.division in order[: order.index(row.division)]
            for other in rows
            if (other.insurance, other.cover_year) == (row.insurance, row.cover_year)
        )

    def beaten(row: TariffRow) -> bool:
        """A row of the own group names the same tier."""
        return row.group == "*" and any(
            other.group == enrolment.group
            and (other.insurance, other.cover_year, other.division, other.tier_code)
            == (row.insurance, row.cover_year, row.division, row.tier_code)
            for other in rows
        )

    fitting = [
        row
        for row in rows
        if row.insurance is enrolment.insurance
        and (row.insurance is not PENSION or row.cover_year == today.year)
        and row.group in ("*", enrolment.group)
        and row.window_from <= today <= row.window_to
        and deciding(row)
        and not beaten(row)
    ]
    first = min((row.cover_year for row in fitting), default=None)
    return {row for row in fitting if row.cover_year == first}


@given(TABLES, ENROLMENTS, DAYS)
def test_what_is_offered_is_what_the_rules_say(rows: list[TariffRow], enrolment: Enrolment, today: date) -> None:
    offered = open_rows(rows, enrolment, today)
    assert set(offered) == naively(rows, enrolment, today)
    assert list(offered) == sorted(offered, key=lambda row: (row.amount, row.tier_code))


@given(TABLES, ENROLMENTS, DAYS)
def test_the_order_of_the_rows_in_the_file_does_not_matter(
    rows: list[TariffRow], enrolment: Enrolment, today: date
) -> None:
    assert open_rows(rows, enrolment, today) == open_rows(list(reversed(rows)), enrolment, today)


@given(
    st.lists(
        st.builds(
            assessed,
            st.sampled_from("abc"),
            st.sampled_from([DONGHU, DONGHU_MEDICAL]),
            st.just("1"),
            st.sampled_from(PayKind),
            st.sampled_from([2026, 2027]),
            st.integers(0, 3),
        )
    ),
    st.sampled_from(Insurance),
    st.sampled_from([2026, 2027]),
)
def test_the_replacing_assessment_is_one_that_fits(
    assessments: list[Assessment], insurance: Insurance, year: int
) -> None:
    fitting = [
        one
        for one in assessments
        if one.insurance is insurance and one.cover_year == year and one.pay_kind.value in ("10", "33", "34")
    ]
    found = replacing(assessments, insurance, year)
    assert found == (fitting[0] if fitting else None)


@pytest.mark.parametrize(
    ("subsidies", "told"),
    [
        ((None, None, None), ""),
        ((3000, None, 6000), ""),  # what the tariff leaves out is not made up
        ((0, 0, 0), ""),
        ((3000, 3000, 6000), "政府另有缴费补贴：缴 300元起补 30元，缴 500元起补 60元。"),
        ((3050, 4000, 6000), "政府另有缴费补贴：缴 300元起补 30.50元，缴 400元起补 40元，缴 500元起补 60元。"),
    ],
)
def test_subsidies_are_told_in_one_line_where_the_tariff_says_them_of_every_tier(
    subsidies: tuple[int | None, ...], told: str
) -> None:
    there = town()
    tiers = [row for row in TARIFFS if row.insurance is PENSION and row.group == "*"][:3]
    there.rows_of_tariff = tuple(replace(row, subsidy=one) for row, one in zip(tiers, subsidies, strict=True))
    phone = Phone(there)
    phone.click("pay.pension")
    read = phone.say(MAI.number, MAI.name)
    assert say("tier.ask", year=2026) in read
    assert [line for line in read.split("\n") if "补贴" in line] == ([told] if told else [])
