"""Whom a look-up is about: number and name. Whether they fit is told only after the code, in the same words as ever."""

from __future__ import annotations

from math import ceil

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Step, Wrong
from dialogs.steps.document import IdNumber
from dialogs.terms.identity import NotADocument, NotAName, mask_name, read_document, read_typed_name
from dialogs.texts import say
from dialogs.world import World

WHAT = "lookup"
WHO = ("insured", "number", "name", "contact", "fits", "checked", "riddle")
ANYBODY = ""  # wrong answers about one insured are counted for all openids together


class LookupNumber(IdNumber):
    """身份证号码 of whom one looks up; 同意 was asked for before it."""

    name = "lookup_number"

    def ask(self, known: Knowledge, world: World) -> Answer:
        if stopped := stopped_for(world):
            return stopped
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
        return Ask(say("lookup_name.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        try:
            document = read_document(said.text, world.today)
        except NotADocument:
            pass
        else:
            values: dict[str, Json] = {"insured": world.registry.key(document), "number": document.masked}
            return Go("", without_whom(known) | values, say("document.got", number=document.masked))
        try:
            name = read_typed_name(said.text)
        except NotAName:
            return Wrong(say("lookup_name.wrong"))
        if stopped := stopped_for(world, str(known["insured"])):
            return stopped
        person = world.registry.confirm(str(known["insured"]), name)
        return Known({"name": mask_name(name), "fits": person is not None})


def without_whom(known: Knowledge) -> dict[str, Json]:
    """What is known apart from whom it is about."""
    return {name: value for name, value in known.items() if name not in WHO}


def stopped_for(world: World, insured: str = "") -> End | None:
    """Whether one has to wait: this openid, or everybody who asks for this insured."""
    seconds = world.guesses.wait(world.payer, WHAT)
    if insured:
        seconds = max(seconds, world.guesses.wait(ANYBODY, f"{WHAT}:{insured}"))
    return _later(seconds) if seconds else None


def missed(world: World, insured: str) -> End | None:
    """Count a wrong answer, for this openid and for this insured; the end where one has to wait now."""
    mine = world.guesses.missed(world.payer, WHAT)
    seconds = max(mine, world.guesses.missed(ANYBODY, f"{WHAT}:{insured}"))
    return _later(seconds) if seconds else None


def _later(seconds: int) -> End:
    return End(say("lookup.wait", minutes=ceil(seconds / 60)))
