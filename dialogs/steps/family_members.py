"""For whom: several of the citizen's contacts, and whoever is added on the way."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.choices import numbers_of
from dialogs.said import Said
from dialogs.step import Answer, Ask, Go, Json, Knowledge, Known, Option, Step, Wrong
from dialogs.steps.acquaintances import Acquaintance, acquaintances
from dialogs.terms.contact import MOST_CONTACTS, SPOKEN
from dialogs.terms.identity import NotADocument, read_document
from dialogs.texts import say
from dialogs.world import World

DONE_WORDS = ("好了", "就这些", "就这几位", "确定", "确认", "是", "好", "好的")
ALL_WORDS = ("全部", "都要", "全选", "所有", "都缴", "全家", "都选")
ADD_WORDS = ("加", "加人", "添加", "增加", "新增", "再加一个", "加联系人", "添加联系人")


class FamilyMembers(Step):
    """给哪几位缴. Who is marked so far is known as `marked`, until it is taken for `members`."""

    name = "family_members"
    gives = ("members",)
    may_give = ("placed", "kept", "out")  # what is said of the lines of those who were chosen
    typed = True
    asks_for_number = True
    acts = ("done", "all", "add")
    several = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = acquaintances(world)
        add = Option(say("family_members.add"), act="add", numbered=not found, also=ADD_WORDS)
        if not found:
            return Ask(say("family_members.none"), [add])
        marked = _marked(known, found)
        options = [_option(one, marked=one.contact.insured in marked) for one in found]
        if marked:
            done = say("family_members.done", count=len(marked))
            options.append(Option(done, act="done", numbered=False, also=(say("family_members.chosen"), *DONE_WORDS)))
        if len(marked) < len(found):
            options.append(Option(say("family_members.all"), act="all", numbered=False, also=ALL_WORDS))
        if len(found) < MOST_CONTACTS:
            options.append(add)
        return Ask(say("family_members.ask_marked" if marked else "family_members.ask"), options)

    def holds(self, known: Knowledge, world: World) -> bool:
        """Everybody who was chosen has to be a contact still."""
        chosen = known.get("members")
        there = {one.contact.insured for one in acquaintances(world)}
        return isinstance(chosen, list) and all(one in there for one in chosen)

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """Mark somebody, or take the mark away."""
        found = acquaintances(world)
        marked = _marked(known, found)
        return _with(known, [_key(one) for one in found if (_key(one) in marked) != (_key(one) == value)])

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Several numbers: exactly these are marked. An ID number: of a contact, marked; else to be added."""
        found = acquaintances(world)
        if numbers := numbers_of(said.text, len(found)):
            return _with(known, [_key(found[number - 1]) for number in numbers])
        try:
            document = read_document(said.text, world.today)
        except NotADocument:
            return Wrong(say("family_members.wrong" if found else "family_members.wrong_none"))
        marked, insured = _marked(known, found), world.registry.key(document)
        if any(_key(one) == insured for one in found):
            return _with(known, [*marked, *([] if insured in marked else [insured])])
        if len(found) >= MOST_CONTACTS:
            return Wrong(say("contact_kept.full", most=MOST_CONTACTS))
        person: dict[str, Json] = {"insured": insured, "number": document.masked}
        return _adding(marked, person, say("document.got", number=document.masked))

    def on_done(self, known: Knowledge, world: World) -> Answer:
        """These it shall be."""
        return Known({"members": list(_marked(known, acquaintances(world)))})

    def on_all(self, known: Knowledge, world: World) -> Answer:
        """Mark everybody."""
        return _with(known, [_key(one) for one in acquaintances(world)])

    def on_add(self, known: Knowledge, world: World) -> Answer:
        """Add a contact first; it comes back here with that one marked."""
        return _adding(_marked(known, acquaintances(world)), {}, "")


def _adding(marked: list[Json], person: dict[str, Json], text: str) -> Go:
    return Go("my.contacts", {"task": "add", "family": marked, **person}, text)


def _marked(known: Knowledge, found: Sequence[Acquaintance]) -> list[Json]:
    marked = known.get("marked")
    return [_key(one) for one in found if isinstance(marked, list) and _key(one) in marked]


def _with(known: Knowledge, marked: list[Json]) -> Go:
    return Go("", {**known, "marked": marked})


def _key(one: Acquaintance) -> str:
    return one.contact.insured


def _option(one: Acquaintance, *, marked: bool) -> Option:
    label = say("family_members.marked" if marked else "family_members.unmarked", who=one.label)
    return Option(label, value=_key(one), also=(one.label, *SPOKEN[one.contact.relation]))
