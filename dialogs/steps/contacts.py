"""The citizen's own list: each contact can be changed or removed, and another one added."""

from __future__ import annotations

from dialogs.step import Answer, Ask, Json, Knowledge, Option, Step
from dialogs.steps.acquaintances import acquaintances, is_acquainted
from dialogs.steps.paid_for import keeping
from dialogs.terms.contact import MOST_CONTACTS
from dialogs.texts import say
from dialogs.world import World


class Contacts(Step):
    """常用联系人."""

    name = "contacts"
    gives = ("task",)  # add, change
    may_give = ("insured", "number", "name")
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        found = acquaintances(world)
        options = [
            Option(
                one.label,
                value={
                    "task": "change",
                    "insured": one.contact.insured,
                    "number": one.person.number,
                    "name": one.person.name,
                },
            )
            for one in found
        ]
        if len(found) < MOST_CONTACTS:
            options += keeping(world.cashier.orders(world.payer), world, numbered=not found)
            add: Json = {"task": "add"}
            also = ("加", "加人", "添加", "增加", "新增", "再加一个", "加联系人", "添加联系人")
            options.append(Option(say("contacts.add"), value=add, numbered=not found, also=also))
            return Ask(say("contacts.ask" if found else "contacts.none"), options)
        return Ask(say("contacts.full", most=MOST_CONTACTS), options)

    def holds(self, known: Knowledge, world: World) -> bool:
        """A contact that was removed meanwhile cannot be changed."""
        return known.get("task") != "change" or is_acquainted(world, known.get("insured"))
