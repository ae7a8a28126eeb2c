"""Who the insured is: the name must fit the number; an unknown number and another name get the same words."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Knowledge, Known, Option, Step, Wrong
from dialogs.terms.identity import NotADocument, NotAName, read_document, read_name
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
        if _is_document(said.text, world):
            return Go("", {}, say("insured.number_again"))
        try:
            name = read_name(said.text)
        except NotAName:
            return Wrong(say("insured.wrong"))
        person = world.registry.confirm(str(known["insured"]), name)
        if person is None:
            return Wrong(say("insured.differs"), [Option(say("insured.number"), act="number", also=("改证件号",))])
        return Known({"name": person.name})

    def on_number(self, known: Knowledge, world: World) -> Answer:
        """The number is to be given again."""
        return Go("", {})


def _is_document(text: str, world: World) -> bool:
    try:
        read_document(text, world.today)
    except NotADocument:
        return False
    return True
