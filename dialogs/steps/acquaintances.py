"""The citizen's contacts as they can be shown: whom the registry still knows, masked, told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dialogs.terms.contact import Contact, Relation
from dialogs.terms.insurance import Person
from dialogs.texts import say
from dialogs.world import World


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """A contact, and who it is."""

    contact: Contact
    person: Person
    label: str


def acquaintances(world: World) -> Sequence[Acquaintance]:
    """本人 first, then the one paid for last; a contact whom the registry does not know any more is left out."""
    found = [(one, world.registry.person(one.insured)) for one in world.contacts.list(world.payer)]
    known = [(one, person) for one, person in found if person is not None]
    short = [called(one.relation, person) for one, person in known]
    twice = {label for label, count in Counter(short).items() if count > 1}
    return [
        Acquaintance(one, person, f"{label}（{person.number}）" if label in twice else label)
        for (one, person), label in zip(known, short, strict=True)
    ]


def is_acquainted(world: World, insured: object) -> bool:
    """Whether this look-up key is one of the citizen's contacts."""
    return any(one.contact.insured == insured for one in acquaintances(world))


def called(relation: Relation, person: Person) -> str:
    """母亲 李*二."""
    return say("relation.label", relation=say(f"relation.{relation}"), name=person.name)
