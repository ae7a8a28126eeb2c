"""What a family owes (一家一起缴), by what was chosen so far; asked of the world anew each time.

A line is named `medical:<look-up key>` or `pension:<look-up key>`: one insured pays each insurance once a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dialogs.step import Json, Knowledge
from dialogs.steps.acquaintances import Acquaintance, acquaintances
from dialogs.steps.obstacles import Obstacle, assessed_instead, obstacle
from dialogs.steps.owed import active_enrolments, enrolment_id, payable
from dialogs.steps.strangers import may_hear_details
from dialogs.terms.insurance import Enrolment, Insurance, Payable, PayKind, open_rows, payable_key
from dialogs.world import World

MEDICAL, PENSION = Insurance.MEDICAL, Insurance.PENSION


@dataclass(frozen=True, slots=True)
class Item:
    """One line that can be paid today."""

    id: str
    who: str  # 母亲 李*二
    payable: Payable


@dataclass(frozen=True, slots=True)
class Left:
    """One line that cannot be; `obstacle` None: only by itself, in the service of its insurance."""

    id: str
    who: str
    insurance: Insurance
    obstacle: Obstacle | None


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that was asked about: what can be paid, what cannot."""

    items: tuple[Item, ...]
    left: tuple[Left, ...]


def line_id(insurance: Insurance, insured: str) -> str:
    """How a line is named in a session."""
    return f"{insurance.value}:{insured}"


def members(known: Knowledge, world: World) -> list[Acquaintance]:
    """Whom the citizen chose, as far as they are contacts still."""
    chosen = known.get("members")
    return [one for one in acquaintances(world) if isinstance(chosen, list) and one.contact.insured in chosen]


def table(value: Json) -> Mapping[str, Json]:
    """A table as the session holds it; empty for anything else."""
    return value if isinstance(value, dict) else {}


def places(insured: str, world: World, insurance: Insurance) -> list[Enrolment]:
    """Where it can be paid today."""
    active = active_enrolments({"insured": insured}, world, insurance)
    return [one for one in active if open_rows(world.tariffs.rows(insurance), one, world.today)]


def place(known: Knowledge, insured: str, world: World, insurance: Insurance) -> Enrolment | None:
    """Where it is to be paid: the only place, or the one that was chosen."""
    found = places(insured, world, insurance)
    chosen = table(known.get("placed")).get(line_id(insurance, insured))
    return found[0] if len(found) == 1 else next((one for one in found if enrolment_id(one) == chosen), None)


def last_years_tier(insured: str, world: World, where: Enrolment) -> str:
    """This year's tier of last year's amount, "" where there is none there; what the agency assessed comes first."""
    if not may_hear_details(world, insured):  # the tier would tell what was paid last year
        return ""
    year = world.today.year
    paid = world.ledger.taken(world.payer, payable_key(insured, PENSION, year - 1, PayKind.NORMAL, "")).payment
    if paid is None:
        return ""
    if assessment := assessed_instead(insured, world, PENSION, year):
        return f"assessed:{assessment.no}"
    rows = open_rows(world.tariffs.rows(PENSION), where, world.today)
    return next((row.tier_code for row in rows if row.amount == paid.amount), "")


def pays_as_last_year(insured: str, world: World) -> bool:
    """Whether last year's pension can be suggested for this year."""
    return any(last_years_tier(insured, world, where) for where in places(insured, world, PENSION))


def wanted(known: Knowledge, world: World) -> Iterator[tuple[Acquaintance, Insurance]]:
    """Whose contributions to look at: everybody's medical, and the pensions suggested or asked for."""
    asked = {*table(known.get("tiers")), *table(known.get("kept")), known.get("changing")}
    first = "kept" not in known
    for one in members(known, world):
        insured = one.contact.insured
        yield one, MEDICAL
        if insured in asked or (first and "tiers" not in known and pays_as_last_year(insured, world)):
            yield one, PENSION


def bill(known: Knowledge, world: World) -> Bill:
    """What can be paid of everything wanted, and what cannot; what was skipped is in neither."""
    items: list[Item] = []
    left: list[Left] = []
    for one, insurance in wanted(known, world):
        insured = one.contact.insured
        line = line_id(insurance, insured)
        if in_the_way := obstacle(insured, world, insurance):
            left.append(Left(line, one.label, insurance, in_the_way))
        elif where := place(known, insured, world, insurance):
            if owed := _payable(known, insured, world, where):
                items.append(Item(line, one.label, owed))
            else:
                left.append(Left(line, one.label, insurance, None))
        elif table(known.get("placed")).get(line) != "":  # enrolled otherwise since it was asked
            left.append(Left(line, one.label, insurance, None))
    return Bill(tuple(items), tuple(left))


def can_declare(known: Knowledge, world: World) -> list[Acquaintance]:
    """Who may pay a pension this year."""
    return [one for one in members(known, world) if obstacle(one.contact.insured, world, PENSION) is None]


def total(items: Sequence[Item]) -> int:
    """The sum, in fen."""
    return sum(one.payable.amount for one in items)


def _payable(known: Knowledge, insured: str, world: World, where: Enrolment) -> Payable | None:
    """What is owed there; None where the citizen would have to choose among several standards."""
    answers: dict[str, Json] = {"insured": insured, "institution": enrolment_id(where)}
    if where.insurance is PENSION:
        return payable(answers | {"tier": table(known.get("tiers")).get(insured)}, world, PENSION)
    rows = open_rows(world.tariffs.rows(MEDICAL), where, world.today)
    if assessment := assessed_instead(insured, world, MEDICAL, rows[0].cover_year):
        return payable(answers | {"standard": f"assessed:{assessment.no}"}, world, MEDICAL)
    return payable(answers | {"standard": rows[0].tier_code}, world, MEDICAL) if len(rows) == 1 else None
