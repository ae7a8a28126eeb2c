"""Whose ID document: one of the citizen's contacts, or a number, turned into its look-up key at once and never kept."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.acquaintances import acquaintances, is_acquainted
from dialogs.terms.contact import SPOKEN
from dialogs.terms.identity import NotADocument, read_document
from dialogs.texts import say
from dialogs.world import World


class Document(Step):
    """身份证号码 of the insured; of a contact the name is known too. `offering` False: asks for somebody new."""

    name = "document"
    gives = ("insured", "number")
    may_give = ("name", "contact")  # contact: it was chosen, not typed
    typed = True

    def __init__(self, *, offering: bool = True) -> None:
        self.offering = offering

    def ask(self, known: Knowledge, world: World) -> Answer:
        if not self.offering:
            return Ask(say("document.ask_new"))
        options = [
            Option(
                one.label,
                value={
                    "insured": one.contact.insured,
                    "number": one.person.number,
                    "name": one.person.name,
                    "contact": True,
                },
                also=SPOKEN[one.contact.relation],
            )
            for one in acquaintances(world)
        ]
        return Ask(say("document.ask_contacts" if options else "document.ask"), options)

    def holds(self, known: Knowledge, world: World) -> bool:
        """Whoever was chosen as a contact has to be one still; a number that was typed holds."""
        return not known.get("contact") or is_acquainted(world, known.get("insured"))

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
