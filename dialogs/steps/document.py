"""Whose ID document: one of the citizen's contacts, or a number, turned into its look-up key at once and never kept."""

from __future__ import annotations

from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.acquaintances import acquaintances, is_acquainted
from dialogs.steps.consent import NO_WORDS, YES_WORDS, agree, agreed, refused
from dialogs.terms.contact import SPOKEN
from dialogs.terms.identity import NotADocument, read_document
from dialogs.texts import say
from dialogs.world import World


class IdNumber(Step):
    """身份证号码 of the insured, of somebody who has agreed; of a contact the name is known too."""

    gives = ("insured", "number")
    may_give = ("name", "contact")  # contact: it was chosen, not typed
    typed = True
    asks_for_number = True

    def contacts(self, world: World) -> list[Option]:
        """The citizen's contacts, each with everything that is known of them."""
        return [
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


class Document(IdNumber):
    """The number where a service begins with it. `offering` False: it is to be somebody new, no contact is offered.

    Whoever has not agreed yet is told first, in the same message, what it is used for; sending it agrees. The contacts
    of somebody who withdrew are gone; after a new wording they are offered as soon as that is agreed to.
    """

    name = "document"
    acts = ("agree", "refuse")

    def __init__(self, *, offering: bool = True) -> None:
        self.offering = offering

    def ask(self, known: Knowledge, world: World) -> Answer:
        if not agreed(world):
            asked = say("document.ask" if self.offering else "document.ask_new")
            yes = Option(say("consent.agree"), act="agree", numbered=False, also=YES_WORDS)
            no = Option(say("consent.refuse"), act="refuse", numbered=False, also=NO_WORDS)
            return Ask(say("document.ask_first", notice=say("consent.notice"), asked=asked), [yes, no], again=asked)
        if not self.offering:
            return Ask(say("document.ask_new"), _way_back(known))
        options = self.contacts(world)
        return Ask(say("document.ask_contacts" if options else "document.ask"), options)

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """The number: sent after the notice it agrees."""
        if say("consent.refuse") in said.text and not agreed(world):
            return refused()
        taken = super().take(said, known, world)
        if isinstance(taken, Known):
            agree(world)
        return taken

    def on_agree(self, known: Knowledge, world: World) -> Answer:
        """Said in so many words; the number comes next."""
        agree(world)
        return Go("", known, say("consent.given"))

    def on_refuse(self, known: Knowledge, world: World) -> Answer:
        """It ends here; nothing was kept."""
        return refused()


def _way_back(known: Knowledge) -> list[Option]:
    """For whoever is only added on the way to a family order."""
    if "family" not in known:
        return []
    marked: Json = {"marked": known["family"]}
    return [Option(say("family_members.not_now"), value=marked, go="pay.family", numbered=False)]


def _why_not(error: NotADocument) -> str:
    """What is wrong with the number, in words that help to find it; what is no number at all is asked for again."""
    if error.why == "length":
        return say("document.length", length=error.length)
    if error.why == "old15":
        return say("document.old15")
    if error.why in ("empty", "characters"):
        return say("document.wrong")
    return say("document.mistyped")
