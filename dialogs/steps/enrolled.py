"""Where the money goes: the institution, asked only where the insured is enrolled at several."""

from __future__ import annotations

from dialogs.step import Answer, Ask, Json, Knowledge, Known, Option, Step
from dialogs.steps.owed import active_enrolments, enrolment_id, why_nothing
from dialogs.terms.insurance import Insurance
from dialogs.texts import say
from dialogs.world import World


class Enrolled(Step):
    """参保机构 of the insured in one insurance; ends the conversation where nothing can be paid."""

    name = "enrolled"
    needs = ("insured", "name")
    gives = ("institution", "institutions")
    offers = True

    def __init__(self, insurance: Insurance) -> None:
        self.insurance = insurance

    def ask(self, known: Knowledge, world: World) -> Answer:
        if nothing := why_nothing(known, world, self.insurance):
            return nothing
        active = active_enrolments(known, world, self.insurance)
        count = len(active)
        values: list[dict[str, Json]] = [{"institution": enrolment_id(one), "institutions": count} for one in active]
        if count == 1:
            return Known(values[0], say("enrolled.one", institution=active[0].institution.name))
        options = [Option(one.institution.name, value=value) for one, value in zip(active, values, strict=True)]
        text = say(f"enrolled.ask_{self.insurance}", name=known["name"], count=count)
        return Ask(text, options, after=say(f"enrolled.unsure_{self.insurance}"))
