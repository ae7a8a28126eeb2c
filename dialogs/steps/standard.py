"""How much for the medical insurance: cover year and amount come by themselves."""

from __future__ import annotations

from dialogs.step import Answer, Ask, End, Knowledge, Known, Option, Step
from dialogs.steps.owed import chosen_enrolment, not_open, standing_in
from dialogs.terms.insurance import Insurance, open_rows
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import World


class Standard(Step):
    """医保缴费标准 of the cover year whose window is open."""

    name = "standard"
    needs = ("insured", "name", "institution")
    gives = ("standard",)
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        enrolment = chosen_enrolment(known, world, Insurance.MEDICAL)
        if enrolment is None:
            return End(say("confirm.gone"))
        rows = open_rows(world.tariffs.rows(Insurance.MEDICAL), enrolment, world.today)
        if not rows:
            return not_open(known, enrolment, world)
        year = rows[0].cover_year
        if assessment := standing_in(known, world, Insurance.MEDICAL, year):
            text = say("standard.assessed", year=year, amount=yuan(assessment.amount))
            return Known({"standard": f"assessed:{assessment.no}"}, text)
        if len(rows) == 1:
            text = say("standard.one", year=year, amount=yuan(rows[0].amount))
            return Known({"standard": rows[0].tier_code}, text)
        options = [Option(f"{row.tier_name} {yuan(row.amount)}", value=row.tier_code) for row in rows]
        return Ask(say("standard.ask", year=year), options)
