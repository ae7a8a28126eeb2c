"""Whose ID document: the number is read, turned into its look-up key at once, and never kept."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Knowledge, Known, Step, Wrong
from dialogs.terms.identity import NotADocument, read_document
from dialogs.texts import say
from dialogs.world import World


class Document(Step):
    """身份证号码 of the insured."""

    name = "document"
    gives = ("insured", "number")
    typed = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask(say("document.ask"))

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        try:
            document = read_document(said.text, world.today)
        except NotADocument as error:
            return Wrong(_why_not(error))
        values = {"insured": world.registry.key(document), "number": document.masked}
        return Known(values, say("document.got", number=document.masked))


def _why_not(error: NotADocument) -> str:
    """What is wrong with the number, in words that help to find it; what is no number at all is asked for again."""
    if error.why == "length":
        return say("document.length", length=error.length)
    if error.why == "old15":
        return say("document.old15")
    if error.why in ("empty", "characters"):
        return say("document.wrong")
    return say("document.mistyped")
