"""我来缴: what another payer's unpaid order holds is paid by this citizen, after number, name and code."""

from __future__ import annotations

from dialogs.step import Answer, End, Go, Json, Knowledge, Option, Step
from dialogs.texts import say
from dialogs.world import TakingOver, World


class OtherOrder(Step):
    """What is to be taken over, and in which service: known from the option that leads here."""

    name = "other_order"
    gives = ("payable", "service")
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        return End(say("take_over.gone"), [Option(say("service.home"), go="home")])


class TakeOver(Step):
    """The other order is closed at WeChat Pay first; then the service that was under way begins again."""

    name = "take_over"
    needs = ("insured", "number", "name", "checked", "payable", "service")
    final = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        outcome = world.cashier.take_over(world.payer, str(known["payable"]))
        if outcome is TakingOver.FREE:
            return Go(str(known["service"]), _person(known), say("take_over.free"))
        if outcome is TakingOver.PAID:
            return End(say("take_over.paid"))
        if outcome is TakingOver.OFTEN:
            return End(say("take_over.often"))
        again: dict[str, Json] = {**_person(known), "fits": True}
        again |= {name: known[name] for name in ("payable", "service")}
        text = say("take_over.early" if outcome is TakingOver.EARLY else "take_over.closing")
        return End(text, [Option(say("take_over.again"), value=again, go="pay.take_over")])


def _person(known: Knowledge) -> dict[str, Json]:
    return {name: known[name] for name in ("insured", "number", "name")}
