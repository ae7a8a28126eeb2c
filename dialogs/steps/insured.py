"""Who the insured is: the name must fit the number; an unknown number and another name get the same words."""

from __future__ import annotations

from math import ceil

from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.terms.identity import Document, NotADocument, NotAName, read_document, read_typed_name
from dialogs.texts import say
from dialogs.world import World


class Insured(Step):
    """姓名 of the insured, as on the ID document."""

    name = "insured"
    needs = ("insured", "number")
    gives = ("name",)
    typed = True
    acts = ("number",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask(say("insured.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        if document := _document(said.text, world):
            values = {"insured": world.registry.key(document), "number": document.masked}
            return Go("", {**_apart(known), **values}, say("document.got", number=document.masked))
        try:
            name = read_typed_name(said.text)
        except NotAName:
            return Wrong(say("insured.wrong"))
        guessed = f"name:{known['insured']}"
        if seconds := world.guesses.wait(world.payer, guessed):
            return _later(seconds)
        person = world.registry.confirm(str(known["insured"]), name)
        if person is not None:
            return Known({"name": person.name})
        if seconds := world.guesses.missed(world.payer, guessed):
            return _later(seconds)
        return Wrong(say("insured.differs"), [Option(say("insured.number"), act="number", also=("改证件号",))])

    def on_number(self, known: Knowledge, world: World) -> Answer:
        """The number is to be given again."""
        return Go("", _apart(known))


def _apart(known: Knowledge) -> dict[str, Json]:
    """What is known apart from who the insured is."""
    return {name: value for name, value in known.items() if name not in ("insured", "number", "name", "contact")}


def _document(text: str, world: World) -> Document | None:
    """The other number that was typed where a name was asked for."""
    try:
        return read_document(text, world.today)
    except NotADocument:
        return None


def _later(seconds: int) -> End:
    """Too many names for one number: nobody shall find one by trying."""
    return End(say("insured.wait", minutes=ceil(seconds / 60)))
