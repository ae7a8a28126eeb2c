"""The pensions of a family order: suggested as last year, added or changed for one member at a time."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Json, Knowledge, Known, Option, Step
from dialogs.steps.family_bill import PENSION, can_declare, last_years_tier, line_id, members, place, table
from dialogs.steps.owed import enrolment_id
from dialogs.steps.tier import Tier
from dialogs.terms.contact import SPOKEN
from dialogs.texts import say
from dialogs.world import World

NOBODY_WORDS = ("不加", "不改", "都不加", "都不改", "不加了", "不改了")


class FamilyPensioner(Step):
    """给哪一位缴养老. Asked only once pensions are to be changed: then `kept` holds the tiers so far."""

    name = "family_pensioner"
    needs = ("members",)
    gives = ("changing",)  # a look-up key; "" for nobody
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        if "kept" not in known:
            return Known({"changing": ""})
        options = [
            Option(one.label, value=one.contact.insured, also=SPOKEN[one.contact.relation])
            for one in can_declare(known, world)
        ]
        options.append(Option(say("family_pensioner.nobody"), value="", also=NOBODY_WORDS))
        return Ask(say("family_pensioner.ask", year=world.today.year), options)


class FamilyTier(Step):
    """缴费档次 of each pension, by look-up key."""

    name = "family_tier"
    needs = ("members", "changing", "places")
    gives = ("tiers",)
    may_give = ("out",)
    typed = True
    offers = True
    several = True  # one tier for each: `mark` puts it beside the others

    def ask(self, known: Knowledge, world: World) -> Answer:
        one = self._one(known, world)
        if one is None:
            return self._unchanged(known, world)
        answer = Tier().ask(one, world)
        if isinstance(answer, Known):
            return Known(self._with(known, answer.values["tier"]), answer.text)
        if not isinstance(answer, Ask):
            return answer
        options = [Option(option.label, value=option.value["tier"], also=option.also) for option in answer.options]
        return Ask(say("family_tier.ask", who=one["name"], year=world.today.year), options)

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """It shall be this one."""
        return Known(self._with(known, value))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """An amount in other words; where there is no such tier, the nearest ones are named."""
        answer = Tier().take(said, self._one(known, world) or {}, world)
        return Known(self._with(known, answer.values["tier"])) if isinstance(answer, Known) else answer

    def _one(self, known: Knowledge, world: World) -> dict[str, Json] | None:
        """The answers that `Tier` needs, of the member whose pension is changed; None where nobody's is."""
        found = next((one for one in members(known, world) if one.contact.insured == known["changing"]), None)
        where = place(known, found.contact.insured, world, PENSION) if found else None
        if found is None or where is None:
            return None
        return {"insured": found.contact.insured, "name": found.label, "institution": enrolment_id(where)}

    def _unchanged(self, known: Knowledge, world: World) -> Known:
        if "kept" in known:
            return Known({"tiers": dict(table(known["kept"]))})
        tiers: dict[str, Json] = {}
        for one in can_declare(known, world):
            where = place(known, one.contact.insured, world, PENSION)
            if where and (tier := last_years_tier(one.contact.insured, world, where)):
                tiers[one.contact.insured] = tier
        return Known({"tiers": tiers}, say("family_tier.suggested") if tiers else "")

    def _with(self, known: Knowledge, tier: Json) -> dict[str, Json]:
        """With this tier for the member whose pension is changed; a line taken out before is in again."""
        insured = str(known["changing"])
        out = known.get("out")
        still_out = [one for one in out if one != line_id(PENSION, insured)] if isinstance(out, list) else []
        return {"tiers": {**table(known.get("kept")), insured: tier}, "out": still_out}
