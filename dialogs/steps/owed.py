"""What the answers so far make owed: the payable of a flow, and the reasons why nothing can be paid.

Asked of the world anew each time, so that no order is opened for what no tariff and no assessment allows any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from dialogs.step import Answer, End, Go, Knowledge, Option
from dialogs.terms.identity import age_on
from dialogs.terms.insurance import (
    PENSION_FROM_AGE,
    PENSION_UNTIL_AGE,
    Assessment,
    Enrolment,
    Insurance,
    Payable,
    PayKind,
    Status,
    assessed_payable,
    next_window,
    open_rows,
    payable_key,
    replacing,
    tariff_payable,
)
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Payment, World


def enrolment_id(enrolment: Enrolment) -> str:
    """How an enrolment is named in a session."""
    return f"{enrolment.institution.code}:{enrolment.person_no}"


def active_enrolments(known: Knowledge, world: World, insurance: Insurance) -> Sequence[Enrolment]:
    """Where the insured may be paid for in this insurance."""
    found = world.registry.enrolments(str(known["insured"]), insurance)
    return [enrolment for enrolment in found if enrolment.status is Status.ACTIVE]


def chosen_enrolment(known: Knowledge, world: World, insurance: Insurance) -> Enrolment | None:
    """The enrolment that was chosen, while it is still active."""
    active = active_enrolments(known, world, insurance)
    return next((one for one in active if enrolment_id(one) == known["institution"]), None)


def open_assessments(known: Knowledge, world: World, insurance: Insurance) -> list[Assessment]:
    """Assessments that may be paid today and were not: by cover year."""
    found = world.registry.assessments(str(known["insured"]), insurance)
    return [
        one
        for one in found
        if one.valid_until >= world.today
        and world.ledger.paid(assessed_payable(str(known["insured"]), one).key) is None
    ]


def standing_in(known: Knowledge, world: World, insurance: Insurance, year: int) -> Assessment | None:
    """The assessment in place of the tariff for this year, if one is valid."""
    found = world.registry.assessments(str(known["insured"]), insurance)
    return replacing([one for one in found if one.valid_until >= world.today], insurance, year)


def payable(known: Knowledge, world: World, insurance: Insurance) -> Payable | None:
    """What the answers come to, if it may be paid today; None where it no longer may."""
    insured = str(known["insured"])
    assessment_no = known.get("assessment")
    if assessment_no:
        found = [one for one in open_assessments(known, world, insurance) if one.no == assessment_no]
        return assessed_payable(insured, found[0]) if found and found[0].amount > 0 else None
    enrolment = chosen_enrolment(known, world, insurance)
    if enrolment is None:
        return None
    chosen = str(known.get("tier", known.get("standard")))
    rows = open_rows(world.tariffs.rows(insurance), enrolment, world.today)
    if not rows:
        return None
    if assessment := standing_in(known, world, insurance, rows[0].cover_year):
        return assessed_payable(insured, assessment) if chosen == f"assessed:{assessment.no}" else None
    row = next((row for row in rows if row.tier_code == chosen), None)
    return tariff_payable(insured, enrolment, row) if row else None


def why_nothing(known: Knowledge, world: World, insurance: Insurance) -> Answer | None:
    """Why nothing can be paid by one's own declaration today, told before any further question; None where it can."""
    insured, name = str(known["insured"]), known["name"]
    enrolments = world.registry.enrolments(insured, insurance)
    person = world.registry.person(insured)
    if not enrolments or person is None:
        return End(say(f"enrolled.none_{insurance}", name=name))
    if insurance is Insurance.PENSION and (stop := _age_or_pension(str(name), person.born, enrolments, world.today)):
        return stop
    active = [one for one in enrolments if one.status is Status.ACTIVE]
    if not active:
        paused = any(one.status is Status.PAUSED for one in enrolments)
        return End(say(f"enrolled.{'paused' if paused else 'ended'}_{insurance}", name=name))
    rows = next((rows for one in active if (rows := open_rows(world.tariffs.rows(insurance), one, world.today))), ())
    if not rows:
        return not_open(known, active[0], world)
    year = rows[0].cover_year
    key = payable_key(insured, insurance, year, PayKind.NORMAL, "")
    if payment := world.ledger.paid(key):
        return already_paid(str(name), payment)
    if (assessment := standing_in(known, world, insurance, year)) and assessment.amount == 0:
        return End(say(f"enrolled.free_{insurance}", name=name, year=year))
    return being_paid(world, key)


def being_paid(world: World, key: str) -> Answer | None:
    """Somebody has an order for it open: oneself (it is shown), or another (who, nobody is told)."""
    held = world.ledger.held(world.payer, key)
    if held is None:
        return None
    if held.mine:
        return Go("my.orders", {"order": held.order_no}, say("owed.mine"))
    return End(say("owed.other", time=clock_time(held.opened_at)))


def already_paid(name: str, payment: Payment) -> End:
    """It is paid, here or elsewhere."""
    text = say(
        f"owed.paid_{payment.insurance}",
        name=name,
        year=payment.cover_year,
        amount=yuan(payment.amount),
        day=day_of(payment.paid_at.date()),
    )
    return End(text)


def clock_time(moment: datetime) -> str:
    """14:05."""
    return f"{moment:%H:%M}"


def day_of(day: date) -> str:
    """2026年3月8日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _age_or_pension(name: str, born: date | None, enrolments: Sequence[Enrolment], today: date) -> End | None:
    age = age_on(born, today) if born else None
    if all(one.status is Status.RECEIVING for one in enrolments):
        return End(say("enrolled.receiving", name=name))
    if age is not None and age >= PENSION_UNTIL_AGE:
        return End(say("enrolled.sixty", name=name))
    if age is not None and age < PENSION_FROM_AGE:
        return End(say("enrolled.under16", name=name))
    return None


def not_open(known: Knowledge, enrolment: Enrolment, world: World) -> End:
    """Outside the window of this enrolment: when it opens next, if that is known."""
    insurance = enrolment.insurance
    window = next_window(world.tariffs.rows(insurance), enrolment, world.today)
    if window:
        text = say(f"enrolled.closed_until_{insurance}", begin=day_of(window[0]), end=day_of(window[1]))
    else:
        text = say(f"enrolled.closed_{insurance}")
    service = f"pay.{insurance}_assessed"
    person = {name: known[name] for name in ("insured", "number", "name") if name in known}
    return End(text, [Option(say("enrolled.see_assessed"), value=person, go=service)])
