"""参保信息: where somebody is insured, how that stands, and what can be paid now, at once where wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dialogs.step import Answer, End, Json, Knowledge, Option, Step
from dialogs.steps.owed import clock_time, day_of, open_assessments, standing_in, why_nothing
from dialogs.terms.insurance import (
    Enrolment,
    Insurance,
    PayKind,
    Status,
    assessed_payable,
    open_rows,
    payable_key,
)
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import World

OF_THE_INSURED = ("insured", "number", "name")
BESIDE = (PayKind.BACK, PayKind.DIFFERENCE)  # paid beside the year's contribution


@dataclass(frozen=True, slots=True)
class Due:
    """A line of what is owed, and the service that takes the money."""

    text: str
    service: str = ""


class Enrolments(Step):
    """Both insurances of one insured."""

    name = "enrolments"
    needs = ("insured", "number", "name", "checked")

    def ask(self, known: Knowledge, world: World) -> Answer:
        lines = [say("enrolments.ask", name=known["name"], number=known["number"])]
        dues: list[Due] = []
        for insurance in Insurance:
            found = world.registry.standing(str(known["insured"]), insurance).enrolments
            if not found:
                lines.append(say(f"enrolments.none_{insurance}"))
            lines += [_line(one, world) for one in found]
            dues += _dues(known, world, insurance, found)
        lines += [due.text for due in dues]
        return End("\n".join(lines), [*_ways(dues, known)])


def _line(enrolment: Enrolment, world: World) -> str:
    rows = open_rows(world.tariffs.rows(enrolment.insurance), enrolment, world.today)
    own = enrolment.status is Status.ACTIVE and any(row.group != "*" for row in rows)
    return say(
        "enrolments.line_group" if own else "enrolments.line",
        insurance=say(f"insurance.{enrolment.insurance}_short"),
        institution=enrolment.institution.name,
        status=say(f"enrolments.{enrolment.status.value}"),
    )


def _dues(known: Knowledge, world: World, insurance: Insurance, found: Sequence[Enrolment]) -> Iterator[Due]:
    """What can be paid today, and what was paid or is being paid of it."""
    active = next((one for one in found if one.status is Status.ACTIVE), None)
    rows = open_rows(world.tariffs.rows(insurance), active, world.today) if active else ()
    short = say(f"insurance.{insurance}_short")
    if rows:
        insured, year = str(known["insured"]), rows[0].cover_year
        key = payable_key(insured, insurance, year, PayKind.NORMAL, "")
        assessment = standing_in(known, world, insurance, year)
        taken = world.ledger.taken(world.payer, key)
        payment, held = taken.payment, taken.held
        if payment:
            day, amount = day_of(payment.paid_at.date()), yuan(payment.amount)
            yield Due(say("enrolments.paid", year=year, insurance=short, amount=amount, day=day))
        elif assessment and assessment.amount == 0:
            yield Due(say("enrolments.free", year=year, insurance=short))
        elif held and held.mine:
            yield Due(say("enrolments.mine", year=year, insurance=short), "my.orders")
        elif held:
            yield Due(say("enrolments.other", year=year, insurance=short, time=clock_time(held.opened_at)))
        elif why_nothing(known, world, insurance) is None:
            amounts = [assessment.amount] if assessment else [row.amount for row in rows]
            key = "enrolments.due" if len(amounts) == 1 else "enrolments.due_tiers"
            least, most = yuan(min(amounts)), yuan(max(amounts))
            yield Due(say(key, year=year, insurance=short, amount=least, most=most), f"pay.{insurance}")
    for one in open_assessments(known, world, insurance):
        key = assessed_payable(str(known["insured"]), one).key
        if one.pay_kind in BESIDE and world.ledger.taken(world.payer, key).held is None:
            kind = say(f"payments.kind_{one.pay_kind.value}")
            text = say("enrolments.assessed", year=one.cover_year, insurance=short, kind=kind, amount=yuan(one.amount))
            yield Due(text, f"pay.{insurance}_assessed")


def _ways(dues: Sequence[Due], known: Knowledge) -> Iterator[Option]:
    """An option for each service that something is owed to; whom it is for need not be asked again."""
    person: dict[str, Json] = {name: known[name] for name in OF_THE_INSURED}
    for service in dict.fromkeys(due.service for due in dues if due.service):
        if service == "my.orders":
            yield Option(say("enrolments.order"), go=service)
        else:
            yield Option(say("enrolments.pay", service=say(f"service.{service}")), value=person, go=service)
