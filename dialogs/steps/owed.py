"""What the answers so far make owed: the payable of a flow, and the reasons why nothing can be paid.

Asked of the world anew each time, so that no order is opened for what no tariff and no assessment allows any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from dialogs.step import Answer, End, Go, Json, Knowledge, Option
from dialogs.steps.obstacles import Why, assessed_instead, obstacle
from dialogs.steps.strangers import details_option, may_hear_details
from dialogs.terms.insurance import (
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
    tariff_payable,
)
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Held, Opening, Payment, World

WITH_A_REASON = (Why.FREE, Why.RECEIVING, Why.PAUSED, Why.ENDED)  # what is told only to acquaintances


def enrolment_id(enrolment: Enrolment) -> str:
    """How an enrolment is named in a session."""
    return f"{enrolment.institution.code}:{enrolment.person_no}"


def active_enrolments(known: Knowledge, world: World, insurance: Insurance) -> Sequence[Enrolment]:
    """Where the insured may be paid for in this insurance."""
    found = world.registry.standing(str(known["insured"]), insurance).enrolments
    return [enrolment for enrolment in found if enrolment.status is Status.ACTIVE]


def chosen_enrolment(known: Knowledge, world: World, insurance: Insurance) -> Enrolment | None:
    """The enrolment that was chosen, while it is still active."""
    active = active_enrolments(known, world, insurance)
    return next((one for one in active if enrolment_id(one) == known["institution"]), None)


def open_assessments(known: Knowledge, world: World, insurance: Insurance) -> list[Assessment]:
    """Assessments that may be paid today and were not: by cover year."""
    found = world.registry.standing(str(known["insured"]), insurance).assessments
    return [
        one
        for one in found
        if one.valid_until >= world.today
        and world.ledger.taken(world.payer, assessed_payable(str(known["insured"]), one).key).payment is None
    ]


def standing_in(known: Knowledge, world: World, insurance: Insurance, year: int) -> Assessment | None:
    """The assessment in place of the tariff for this year, if one is valid."""
    return assessed_instead(str(known["insured"]), world, insurance, year)


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
    name = str(known["name"])
    found = obstacle(str(known["insured"]), world, insurance)
    if found is None:
        return None
    if found.why is Why.CLOSED and found.enrolment:
        return not_open(known, found.enrolment, world)
    insured = str(known["insured"])
    if found.payment:
        return already_paid(known, world, found.payment)
    if found.held:
        key = payable_key(insured, insurance, found.year, PayKind.NORMAL, "")
        return _held(found.held, known, world, key, f"pay.{insurance}")
    if found.why in WITH_A_REASON and not may_hear_details(world, insured):
        return not_owed(known, insurance, found.year)
    if found.why is Why.FREE:
        return End(say(f"enrolled.free_{insurance}", name=name, year=found.year))
    if found.why is Why.NOT_ENROLLED:
        return End(say(f"enrolled.none_{insurance}", name=name))
    if found.why in (Why.PAUSED, Why.ENDED):
        return End(say(f"enrolled.{'paused' if found.why is Why.PAUSED else 'ended'}_{insurance}", name=name))
    if found.why is Why.RECEIVING:
        return End(say("enrolled.receiving", name=name))
    return End(say("enrolled.sixty" if found.why is Why.SIXTY else "enrolled.under16", name=name))


def being_paid(known: Knowledge, world: World, key: str, service: str) -> Answer | None:
    """An order for it is open: one's own (it is shown), or another's (whose, is not told). `service` is under way."""
    held = world.ledger.taken(world.payer, key).held
    return _held(held, known, world, key, service) if held else None


def _held(held: Held, known: Knowledge, world: World, key: str, service: str) -> Answer:
    if held.mine:
        return Go("my.orders", {"order": held.order_no}, say("owed.mine"))
    person: dict[str, Json] = {name: known[name] for name in ("insured", "number", "name") if name in known}
    person |= {"fits": True, "payable": key, "service": service}
    text = say("owed.other_wait", time=clock_time(held.opened_at))
    return End(text, [Option(say("owed.take_over"), value=person, go="pay.take_over")])


def not_owed(known: Knowledge, insurance: Insurance, year: int) -> End:
    """Nothing is to be paid; why, is told after a code."""
    key = f"owed.nothing_{insurance}" if year else f"owed.not_now_{insurance}"
    return End(say(key, name=known["name"], year=year), [details_option(known, "query.enrolments", insurance)])


def already_paid(known: Knowledge, world: World, payment: Payment) -> End:
    """It is paid, here or elsewhere; amount and day only to somebody acquainted with the insured."""
    name = known["name"]
    if not may_hear_details(world, str(known["insured"])):
        text = say(f"owed.settled_{payment.insurance}", name=name, year=payment.cover_year)
        return End(text, [details_option(known, "query.payments", payment.insurance)])
    text = say(
        f"owed.paid_{payment.insurance}",
        name=name,
        year=payment.cover_year,
        amount=yuan(payment.amount),
        day=day_of(payment.paid_at.date()),
    )
    return End(text)


def shorter(opening: Opening) -> str:
    """That the order runs shorter than usual, and why; "" where it does not."""
    return say("confirm.short", minutes=opening.short_minutes) if opening.short_minutes else ""


def order_refused(opening: Opening) -> End | None:
    """Why no order is opened now: too many of one's own are open, or another payer has just taken it over."""
    if opening.too_many:
        return End(say("confirm.too_many", count=opening.too_many), [Option(say("service.my.orders"), go="my.orders")])
    return End(say("take_over.kept")) if opening.is_taken_over else None


def clock_time(moment: datetime) -> str:
    """14:05."""
    return f"{moment:%H:%M}"


def day_of(day: date) -> str:
    """2026年3月8日."""
    return f"{day.year}年{day.month}月{day.day}日"


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
