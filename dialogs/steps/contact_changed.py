"""What a contact is to the citizen, or that it goes; asked once more where that weighs something, then done."""

from __future__ import annotations

from dialogs.step import Answer, Ask, Go, Knowledge, Known, Option, Step
from dialogs.steps.acquaintances import acquaintances
from dialogs.terms.contact import MOST_CONTACTS, SPOKEN, Contact, Keeping, Relation
from dialogs.texts import say
from dialogs.world import World

REMOVED = "removed"
YES = ("是", "是的", "对", "好", "好的", "确认", "确定", "就是我", "删", "删除")
NO = ("不", "不是", "否", "不要", "不删", "不对", "不是我")


class ContactRelation(Step):
    """与本人的关系 of a contact to be added or changed; one that is there may also be removed."""

    name = "contact_relation"
    needs = ("task", "insured", "number", "name")
    gives = ("becomes",)  # a relation, or REMOVED
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = {one.insured: one for one in world.contacts.list(world.payer)}
        mine = found.get(str(known["insured"]))
        if known["task"] == "add" and mine:
            return _over(known, _told(Keeping.ALREADY, known, mine.relation))
        if known["task"] == "add":
            return Ask(say("contact_relation.ask", name=known["name"]), _relations(found, None))
        if mine is None:
            return Go("", {}, _told(Keeping.GONE, known, None))
        now = say(f"relation.{mine.relation}")
        text = say("contact_relation.change", name=known["name"], number=known["number"], relation=now)
        removing = Option(say("contact_relation.remove"), value=REMOVED, also=("删", "删掉", "删除", "删了", "不要了"))
        return Ask(text, [*_relations(found, mine.relation), removing])


class ContactSure(Step):
    """Asked only where it weighs: that somebody is the citizen in person, and that a contact goes."""

    name = "contact_sure"
    needs = ("number", "name", "becomes")
    gives = ("sure",)
    acts = ("no",)
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        if known["becomes"] == REMOVED:
            yes, no = say("contact_sure.remove"), say("contact_sure.keep")
            text = say("contact_sure.ask_removed", name=known["name"], number=known["number"])
        elif known["becomes"] == Relation.SELF:
            yes, no = say("contact_sure.me"), say("contact_sure.not_me")
            text = say("contact_sure.ask_self", name=known["name"], number=known["number"])
        else:
            return Known({"sure": True})
        return Ask(text, [Option(yes, value=True, also=YES), Option(no, act="no", also=NO)])

    def on_no(self, known: Knowledge, world: World) -> Answer:
        """Nothing is removed; or it is somebody else than the citizen: who, then?"""
        if known["becomes"] == REMOVED:
            return Go("", {}, say("contact_sure.kept"))
        return Go("", {name: value for name, value in known.items() if name != "becomes"})


class ContactKept(Step):
    """Done: told, and the list shown again."""

    name = "contact_kept"
    needs = ("task", "insured", "name", "becomes", "sure")

    def ask(self, known: Knowledge, world: World) -> Answer:
        insured = str(known["insured"])
        if known["becomes"] == REMOVED:
            world.contacts.remove(world.payer, insured)
            return Go("my.contacts", {}, say("contact_kept.removed", name=known["name"]))
        relation = Relation(str(known["becomes"]))
        if known["task"] == "change":
            outcome = world.contacts.relate(world.payer, insured, relation)
            done = say("contact_kept.changed", name=known["name"], relation=say(f"relation.{relation}"))
        else:
            outcome = _add(world, Contact(insured, relation))
            done = say("contact_kept.added", name=known["name"], relation=say(f"relation.{relation}"))
        return _over(known, done if outcome is Keeping.KEPT else _told(outcome, known, relation))


def _over(known: Knowledge, told: str) -> Go:
    """Back to the list; or to the family order for which somebody was added, with that one marked."""
    family = known.get("family")
    if isinstance(family, list):
        return Go("pay.family", {"marked": [*family, str(known["insured"])]}, told)
    return Go("my.contacts", {}, told)


def _add(world: World, contact: Contact) -> Keeping:
    """Add it; a place taken by somebody whom the registry does not know any more is given up for it."""
    outcome = world.contacts.add(world.payer, contact.insured, contact.relation)
    if outcome is not Keeping.FULL:
        return outcome
    shown = {one.contact.insured for one in acquaintances(world)}
    for one in world.contacts.list(world.payer):
        if one.insured not in shown:
            world.contacts.remove(world.payer, one.insured)
    return world.contacts.add(world.payer, contact.insured, contact.relation)


def _relations(found: dict[str, Contact], now: Relation | None) -> list[Option]:
    """What it may become; 本人 only while nobody is."""
    taken = {now} | {one.relation for one in found.values() if one.relation is Relation.SELF}
    return [Option(say(f"relation.{one}"), value=one.value, also=SPOKEN[one]) for one in Relation if one not in taken]


def _told(outcome: Keeping, known: Knowledge, relation: Relation | None) -> str:
    """Why nothing was changed."""
    if outcome is Keeping.ALREADY and relation:
        return say("contact_kept.already", name=known["name"], relation=say(f"relation.{relation}"))
    if outcome is Keeping.FULL:
        return say("contact_kept.full", most=MOST_CONTACTS)
    if outcome is Keeping.SELF_TAKEN:
        return say("contact_kept.self_taken")
    return say("contact_kept.gone", name=known["name"])
