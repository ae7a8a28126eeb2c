"""Where the money of each goes: asked only where somebody is enrolled at several; and what cannot be paid, told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step
from dialogs.steps.family_bill import PENSION, Left, bill, line_id, members, places, table, wanted
from dialogs.steps.obstacles import Why, obstacle
from dialogs.steps.owed import WITH_A_REASON, clock_time, enrolment_id
from dialogs.steps.strangers import may_hear_details
from dialogs.texts import say
from dialogs.world import World

SKIP_WORDS = ("不缴", "不缴这一项", "先不缴", "跳过")
NAMES = (6, 3, 1)  # in one line, as many as the room allows
TOLD_BYTES = 260  # above the lines, so that all of it is one message
TOLD_OF_PENSIONS = (Why.PAID, Why.MINE, Why.OTHER)  # nobody asked about the others


class FamilyPlaces(Step):
    """参保机构 of every line; what was chosen so far is known as `placed`."""

    name = "family_places"
    needs = ("members", "changing")
    gives = ("places",)
    offers = True
    several = True  # one answer for each line

    def ask(self, known: Knowledge, world: World) -> Answer:
        placed = table(known.get("placed"))
        for one, insurance in wanted(known, world):
            insured = one.contact.insured
            line = line_id(insurance, insured)
            found = places(insured, world, insurance)
            if len(found) < 2 or line in placed or obstacle(insured, world, insurance):
                continue
            short = say(f"insurance.{insurance}_short")
            text = say("family_places.ask", who=one.label, insurance=short, count=len(found))
            options = [Option(each.institution.name, value=[line, enrolment_id(each)]) for each in found]
            options.append(Option(say("family_places.skip"), value=[line, ""], also=SKIP_WORDS))
            return Ask(text, options)
        first = "kept" not in known
        return Known({"places": dict(placed)}, _in_short(_left(known, world), world) if first else "")

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """It goes there; then the next one is asked about."""
        line, where = value if isinstance(value, list) else ("", "")
        return Go("", {**known, "placed": {**table(known.get("placed")), str(line): where}})


def _left(known: Knowledge, world: World) -> Sequence[Left]:
    """What cannot be paid: of everybody's medical, and of the pensions that were, or are being, paid."""
    found = list(bill({**known, "tiers": {}}, world).left)
    for one in members(known, world):
        in_the_way = obstacle(one.contact.insured, world, PENSION)
        if in_the_way and in_the_way.why in TOLD_OF_PENSIONS:
            found.append(Left(line_id(PENSION, one.contact.insured), one.label, PENSION, in_the_way))
    return found


def _in_short(left: Sequence[Left], world: World) -> str:
    """With as many names as there is room for."""
    told = ["\n".join(_told(left, names, world)) for names in NAMES]
    return next((text for text in told if len(text.encode()) <= TOLD_BYTES), told[-1])


def _told(left: Sequence[Left], most: int, world: World) -> Iterator[str]:
    """One line for each reason, with everybody it holds for; `most` are named."""
    groups: dict[tuple[str, str], list[Left]] = {}
    for one in left:
        groups.setdefault((one.insurance.value, _reason(one, world)), []).append(one)
    for (_, reason), found in groups.items():
        names = [one.who for one in found]
        first = found[0]
        who = say("family_left.comma").join(names[:most])
        if len(names) > most:
            who = say("family_left.many", who=who, count=len(names))
        yield say(
            f"family_left.{reason}",
            who=who,
            insurance=say(f"insurance.{first.insurance}_short"),
            year=first.obstacle.year if first.obstacle else 0,
            time=clock_time(first.obstacle.held.opened_at) if first.obstacle and first.obstacle.held else "",
        )


def _reason(left: Left, world: World) -> str:
    """The sentence's name; why nothing is owed is told only to somebody acquainted with the insured."""
    if left.obstacle is None:
        return "singly"
    insured = left.id.partition(":")[2]
    if left.obstacle.why not in WITH_A_REASON or may_hear_details(world, insured):
        return left.obstacle.why.value
    return "exempt" if left.obstacle.year else "not_now"
