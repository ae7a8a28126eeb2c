"""Who the insured is: the name must fit the number; an unknown number and another name get the same words."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.strangers import count_met, count_miss, limit_reached
from dialogs.terms.identity import Document, NotADocument, read_document, read_typed_name
from dialogs.terms.name_shape import has_name_shape
from dialogs.texts import say
from dialogs.world import World

OF_THE_INSURED = ("insured", "number", "name", "contact", "code_given")


class Insured(Step):
    """姓名 of the insured, as on the ID document."""

    name = "insured"
    needs = ("insured", "number")
    gives = ("name",)
    typed = True
    acts = ("number",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return limit_reached(world, str(known["insured"])) or Ask(say("insured.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        if document := _document(said.text, world):
            values = {"insured": world.registry.key(document), "number": document.masked}
            return Go("", {**_apart(known), **values}, say("document.got", number=document.masked))
        if not has_name_shape(said.text):
            return Wrong(say("insured.wrong"))
        insured = str(known["insured"])
        if end := limit_reached(world, insured):
            return end
        person = world.registry.confirm(insured, read_typed_name(said.text))
        if person is not None:
            count_met(world, insured)
            return Known({"name": person.name})
        if end := count_miss(world, insured):
            return end
        return Wrong(say("insured.differs"), [Option(say("insured.number"), act="number", also=("改证件号",))])

    def on_number(self, known: Knowledge, world: World) -> Answer:
        """The number is to be given again."""
        return Go("", _apart(known))


def _apart(known: Knowledge) -> dict[str, Json]:
    """What is known apart from who the insured is."""
    return {name: value for name, value in known.items() if name not in OF_THE_INSURED}


def _document(text: str, world: World) -> Document | None:
    """The other number that was typed where a name was asked for."""
    try:
        return read_document(text, world.today)
    except NotADocument:
        return None
