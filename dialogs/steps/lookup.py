"""Whom a look-up is about: number and name. Whether they fit is told only after the code, in the same words as ever."""

from __future__ import annotations

from math import ceil

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Step, Wrong
from dialogs.steps.document import IdNumber
from dialogs.steps.strangers import limit_reached
from dialogs.terms.identity import NotADocument, mask_name, read_document, read_typed_name
from dialogs.terms.name_shape import has_name_shape
from dialogs.texts import say
from dialogs.world import World

WHAT = "lookup"
WHO = ("insured", "number", "name", "contact", "fits", "checked", "riddle")


class LookupNumber(IdNumber):
    """身份证号码 of whom one looks up; 同意 was asked for before it."""

    name = "lookup_number"

    def ask(self, known: Knowledge, world: World) -> Answer:
        options = self.contacts(world)
        return Ask(say("lookup_number.ask_contacts" if options else "lookup_number.ask"), options)


class LookupName(Step):
    """姓名. What was typed is compared and masked at once; the answer is the same whether it fits or not."""

    name = "lookup_name"
    needs = ("insured", "number")
    gives = ("name", "fits")
    typed = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        if known.get("contact"):
            return Known({"name": known["name"], "fits": True})
        return limit_reached(world, str(known["insured"])) or Ask(say("lookup_name.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        try:
            document = read_document(said.text, world.today)
        except NotADocument:
            pass
        else:
            values: dict[str, Json] = {"insured": world.registry.key(document), "number": document.masked}
            return Go("", without_whom(known) | values, say("document.got", number=document.masked))
        if not has_name_shape(said.text):
            return Wrong(say("lookup_name.wrong"))
        insured = str(known["insured"])
        if end := limit_reached(world, insured) or stopped_for(world, insured):
            return end
        name = read_typed_name(said.text)
        return Known({"name": mask_name(name), "fits": world.registry.confirm(insured, name) is not None})


def without_whom(known: Knowledge) -> dict[str, Json]:
    """What is known apart from whom it is about."""
    return {name: value for name, value in known.items() if name not in WHO}


def stopped_for(world: World, insured: str) -> End | None:
    """Whether this openid answered too many codes wrongly; somebody acquainted with the insured needs no code."""
    if not (seconds := world.guesses.wait(world.payer, WHAT)) or world.captchas.acquainted(world.payer, insured):
        return None
    return End(say("lookup.wait", minutes=ceil(seconds / 60)))


def wrong_code(world: World) -> End | None:
    """Count a wrong answer to a code, for this openid alone; the end where it has to wait now."""
    seconds = world.guesses.missed(world.payer, WHAT)
    return End(say("lookup.wait", minutes=ceil(seconds / 60))) if seconds else None
