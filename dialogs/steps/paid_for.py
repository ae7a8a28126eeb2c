"""Whom the citizen paid for and has not kept yet: one tap, then the relation, and the next time one tap is enough."""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.step import Json, Option
from dialogs.steps.consent import agreed
from dialogs.terms.contact import MOST_CONTACTS
from dialogs.texts import say
from dialogs.world import Order, OrderState, World

MOST_OFFERED = 3
KEEP_WORDS = ("存联系人", "存下来", "存起来", "存为常用联系人")


def keeping(orders: Iterable[Order], world: World, *, numbered: bool = False) -> list[Option]:
    """An option for each insured of these paid orders who is no contact; none where no more can be kept.

    Nor for who withdrew 同意: nothing is kept then.
    """
    kept = {one.insured for one in world.contacts.list(world.payer)}
    if len(kept) >= MOST_CONTACTS or not agreed(world):
        return []
    paid = [line.insured for order in orders if order.state is OrderState.PAID for line in order.lines]
    found = [world.registry.person(insured) for insured in dict.fromkeys(paid) if insured not in kept]
    people = [person for person in found if person is not None][:MOST_OFFERED]
    options = []
    for person in people:
        value: dict[str, Json] = {"task": "add", "insured": person.key, "number": person.number, "name": person.name}
        label = say("paid_for.keep", name=person.name)
        options.append(Option(label, value=value, go="my.contacts", numbered=numbered, also=KEEP_WORDS))
    return options
