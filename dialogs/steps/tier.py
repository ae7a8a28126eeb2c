"""How much for the pension: one of the year's tiers."""

from __future__ import annotations

from itertools import pairwise

from dialogs.choices import plain
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.owed import chosen_enrolment, not_open, standing_in
from dialogs.terms.insurance import Insurance, TariffRow, open_rows
from dialogs.terms.money import NotMoney, fen_of, spoken_yuan, yuan
from dialogs.texts import say
from dialogs.world import World


class Tier(Step):
    """缴费档次 of this year's pension."""

    name = "tier"
    needs = ("insured", "name", "institution")
    gives = ("tier", "tiers")
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        enrolment = chosen_enrolment(known, world, Insurance.PENSION)
        if enrolment is None:
            return End(say("confirm.gone"))
        rows = _rows(known, world)
        if not rows:
            return not_open(known, enrolment, world)
        year = world.today.year
        if assessment := standing_in(known, world, Insurance.PENSION, year):
            text = say("tier.assessed", year=year, amount=yuan(assessment.amount))
            return Known({"tier": f"assessed:{assessment.no}", "tiers": 1}, text)
        if len(rows) == 1:
            text = "\n".join([say("tier.one", year=year, amount=yuan(rows[0].amount)), *_subsidies(rows)])
            return Known({"tier": rows[0].tier_code, "tiers": 1}, text)
        options = [_option(row, len(rows)) for row in rows]
        return Ask("\n".join([*_subsidies(rows), say("tier.ask", year=year)]), options)

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """No tier of that amount: the nearest ones are named."""
        try:
            asked = fen_of(plain(said.text).removesuffix("元").removesuffix("块").removesuffix("档"))
        except NotMoney:
            return Wrong(say("tier.wrong"))
        rows = _rows(known, world)
        if same := next((row for row in rows if row.amount == asked), None):  # "500.00"
            return Known({"tier": same.tier_code, "tiers": len(rows)})
        below = [row.amount for row in rows if row.amount < asked][-1:]
        above = [row.amount for row in rows if row.amount > asked][:1]
        nearest = say("tier.or").join(yuan(amount) for amount in below + above)
        return Wrong(say("tier.none", amount=yuan(asked), nearest=nearest))


def _subsidies(rows: tuple[TariffRow, ...]) -> list[str]:
    """One line of what the government adds, where the tariff says it of every tier offered; rows rise by amount."""
    known = [(row.amount, row.subsidy) for row in rows if row.subsidy is not None]
    if len(known) < len(rows) or not any(subsidy for _, subsidy in known):
        return []
    if len(known) == 1:
        return [say("tier.subsidy", told=yuan(known[0][1] or 0))]
    steps = [known[0], *(one for before, one in pairwise(known) if one[1] != before[1])]
    told = [say("tier.subsidised", amount=yuan(amount), subsidy=yuan(subsidy)) for amount, subsidy in steps]
    return [say("tier.subsidy", told="，".join(told))]


def _option(row: TariffRow, count: int) -> Option:
    return Option(yuan(row.amount), value={"tier": row.tier_code, "tiers": count}, also=spoken_yuan(row.amount))


def _rows(known: Knowledge, world: World) -> tuple[TariffRow, ...]:
    enrolment = chosen_enrolment(known, world, Insurance.PENSION)
    return open_rows(world.tariffs.rows(Insurance.PENSION), enrolment, world.today) if enrolment else ()
