"""The audit of orders: each was allowed when it was opened (I4), and none is stuck now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Engine, Row, select

from storage.database import reading, table_of
from storage.orders.columns import ATTEMPT, LINE, ORDER, RUNNING
from storage.tables import AssessmentRow, EnrolmentRow, InstitutionRow, TariffTableRow

BEIJING = timezone(timedelta(hours=8))
OVER = ("paid", "closed", "refunded")
REPLACES = ("10", "33", "34")  # kinds of assessment that stand in place of the tariff (design 5)


def not_allowed(engine: Engine) -> Iterator[str]:
    """I4: lines that no tariff and no assessment allowed on the day of opening; worked out from the tables alone."""
    with reading(engine) as connection:
        orders = {row.no: row for row in connection.execute(select(ORDER))}
        lines = list(connection.execute(select(LINE)))
        attempts = list(connection.execute(select(ATTEMPT)))
        tariffs = list(connection.execute(select(table_of(TariffTableRow))))
        divisions = {row.code: row.division for row in connection.execute(select(table_of(InstitutionRow)))}
        enrolled = {(row.institution, row.person_no, row.person): row for row in connection.execute(select(_ENROLMENT))}
        assessed = {row.no: row for row in connection.execute(select(table_of(AssessmentRow)))}
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        opened = datetime.fromtimestamp(orders[line.order_no].opened_at, BEIJING).date()
        sums[line.order_no] += line.amount
        if line.assess_no:
            allowed = _by_assessment(line, assessed.get(line.assess_no), opened)
        else:
            enrolment = enrolled.get((line.institution, line.person_no, line.person))
            allowed = enrolment is not None and _by_tariff(line, enrolment, divisions, tariffs, opened)
            allowed = allowed and not any(_replaces(one, line, opened) for one in assessed.values())
        if not allowed:
            yield f"I4: nothing allows line {line.line_no} of {line.order_no}: {line.payable_key} for {line.amount} fen"
    for order in orders.values():
        if sums[order.no] != order.amount:
            yield f"I4: {order.no} is for {order.amount} fen, its lines for {sums[order.no]}"
    for attempt in attempts:
        if attempt.amount != orders[attempt.order_no].amount:
            yield f"I4: {attempt.out_trade_no} asks for {attempt.amount} fen"


def stuck(engine: Engine) -> Iterator[str]:
    """Orders and attempts that still wait for something, though everything was given time to end."""
    with reading(engine) as connection:
        orders = {row.no: row for row in connection.execute(select(ORDER))}
        held = list(connection.execute(select(LINE).where(LINE.c.holds.is_not(None))))
        waits = ATTEMPT.c.state.in_((*RUNNING, "refund_due", "refunding")) | ATTEMPT.c.runs.is_not(None)
        waiting = list(connection.execute(select(ATTEMPT).where(waits)))
    for order in orders.values():
        if order.state not in OVER or order.due_at is not None:
            yield f"stuck: {order.no} is {order.state}, due {order.due_at}"
    for attempt in waiting:
        yield f"stuck: {attempt.out_trade_no} is {attempt.state}"
    for line in held:
        if orders[line.order_no].state != "paid":
            yield f"stuck: {line.order_no}, {orders[line.order_no].state}, still holds {line.holds}"


def _by_tariff(
    line: Row[Any], enrolment: Row[Any], divisions: dict[str, str], tariffs: list[Row[Any]], opened: date
) -> bool:
    place = divisions[line.institution]
    in_force = [row for row in tariffs if (row.insurance, row.cover_year) == (line.insurance, line.cover_year)]
    for division in (place, f"{place[:4]}00", f"{place[:2]}0000"):
        here = [row for row in in_force if row.division == division]
        if here:
            break
    else:
        return False
    own = [row for row in here if row.tier_code == line.tier_code and row.identity_group == enrolment.identity_group]
    anybody = [row for row in here if row.tier_code == line.tier_code and row.identity_group == "*"]
    fitting = [
        row for row in own or anybody if row.amount == line.amount and row.window_from <= opened <= row.window_to
    ]
    year = line.insurance != "pension" or line.cover_year == opened.year
    return bool(fitting) and year and enrolment.status == "active" and line.pay_kind == "10"


def _by_assessment(line: Row[Any], row: Row[Any] | None, opened: date) -> bool:
    if row is None or row.valid_until < opened:
        return False
    ours = (line.person, line.insurance, line.institution, line.pay_kind, line.cover_year, line.amount)
    return ours == (row.person, row.insurance, row.institution, row.pay_kind, row.cover_year, row.amount)


def _replaces(row: Row[Any], line: Row[Any], opened: date) -> bool:
    same = (row.person, row.insurance, row.cover_year) == (line.person, line.insurance, line.cover_year)
    return same and row.pay_kind in REPLACES and row.valid_until >= opened


_ENROLMENT = table_of(EnrolmentRow)
