"""What stands in the way of paying one insurance of one insured by declaration today: a fact, not yet a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dialogs.terms.identity import age_on
from dialogs.terms.insurance import (
    PENSION_FROM_AGE,
    PENSION_UNTIL_AGE,
    Assessment,
    Enrolment,
    Insurance,
    PayKind,
    Status,
    open_rows,
    payable_key,
    replacing,
)
from dialogs.world import Held, Payment, World


class Why(StrEnum):
    """Why nothing can be paid."""

    NOT_ENROLLED = "not_enrolled"
    RECEIVING = "receiving"  # draws the pension already
    SIXTY = "sixty"
    UNDER16 = "under16"
    PAUSED = "paused"
    ENDED = "ended"
    CLOSED = "closed"  # outside the window
    PAID = "paid"
    FREE = "free"  # an assessment of 0.00
    MINE = "mine"  # an order of one's own waits to be paid
    OTHER = "other"  # somebody else's does


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why, and what is known besides."""

    why: Why
    year: int = 0  # the cover year; 0 where none is open
    enrolment: Enrolment | None = None  # CLOSED: the one whose window is not open
    payment: Payment | None = None  # PAID
    held: Held | None = None  # MINE, OTHER


def obstacle(insured: str, world: World, insurance: Insurance) -> Obstacle | None:
    """The first thing in the way; None where it can be paid today."""
    enrolments = world.registry.standing(insured, insurance).enrolments
    person = world.registry.person(insured)
    if not enrolments or person is None:
        return Obstacle(Why.NOT_ENROLLED)
    if insurance is Insurance.PENSION and (why := _age_or_pension(person.born, enrolments, world.today)):
        return Obstacle(why)
    active = [one for one in enrolments if one.status is Status.ACTIVE]
    if not active:
        return Obstacle(Why.PAUSED if any(one.status is Status.PAUSED for one in enrolments) else Why.ENDED)
    rows = next((rows for one in active if (rows := open_rows(world.tariffs.rows(insurance), one, world.today))), ())
    if not rows:
        return Obstacle(Why.CLOSED, enrolment=active[0])
    year = rows[0].cover_year
    key = payable_key(insured, insurance, year, PayKind.NORMAL, "")
    taken = world.ledger.taken(world.payer, key)
    if taken.payment:
        return Obstacle(Why.PAID, year, payment=taken.payment)
    if (assessment := assessed_instead(insured, world, insurance, year)) and assessment.amount == 0:
        return Obstacle(Why.FREE, year)
    if held := taken.held:
        return Obstacle(Why.MINE if held.mine else Why.OTHER, year, held=held)
    return None


def assessed_instead(insured: str, world: World, insurance: Insurance, year: int) -> Assessment | None:
    """The assessment in place of the tariff for this year, if one is valid."""
    found = world.registry.standing(insured, insurance).assessments
    return replacing([one for one in found if one.valid_until >= world.today], insurance, year)


def _age_or_pension(born: date | None, enrolments: Sequence[Enrolment], today: date) -> Why | None:
    age = age_on(born, today) if born else None
    if all(one.status is Status.RECEIVING for one in enrolments):
        return Why.RECEIVING
    if age is not None and age >= PENSION_UNTIL_AGE:
        return Why.SIXTY
    if age is not None and age < PENSION_FROM_AGE:
        return Why.UNDER16
    return None
