"""Contacts in the tables, on both databases: who keeps whom, in which order, how many, and nothing that identifies."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from dialogs.terms.contact import MOST_CONTACTS, Contact, Keeping, Relation
from dialogs.world import Contacts, Unavailable
from storage.contacts import CONTACT, StoredContacts
from storage.database import open_database
from storage.sealing import FieldSeal
from tests.storage.counter import Counter, at_once, later, payable

MINE, OTHER = "oMine", "oOther"
NUMBER = "369901197005210021"


class Watch:
    """A clock that a test sets; each reading is a second later."""

    now = 1_000

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def contacts(engine: Engine) -> StoredContacts:
    return StoredContacts(engine, Watch())


def keys(contacts: Contacts, payer: str = MINE) -> list[str]:
    return [one.insured for one in contacts.list(payer)]


def test_who_was_added_is_there_with_the_relation_and_only_for_this_openid(contacts: StoredContacts) -> None:
    assert contacts.add(MINE, "li", Relation.MOTHER) is Keeping.KEPT
    assert contacts.list(MINE) == [Contact("li", Relation.MOTHER)]
    assert contacts.list(OTHER) == []
    contacts.remove(OTHER, "li")
    assert contacts.relate(OTHER, "li", Relation.SON) is Keeping.GONE
    contacts.forget(OTHER)
    assert contacts.list(MINE) == [Contact("li", Relation.MOTHER)]


def test_oneself_comes_first_then_whom_one_paid_for_last_then_who_was_added_last(
    engine: Engine, contacts: StoredContacts
) -> None:
    counter = Counter.opened(engine)
    for insured in ("zhao", "wang", "li", "sun"):
        contacts.add(MINE, insured, Relation.OTHER)
    assert keys(contacts) == ["sun", "li", "wang", "zhao"]
    contacts.relate(MINE, "zhao", Relation.SELF)
    assert keys(contacts) == ["zhao", "sun", "li", "wang"]
    counter.open(MINE, payable("li"))
    counter.open(MINE, payable("wang"), at=later(minutes=5))
    counter.open(OTHER, payable("sun"), at=later(minutes=9))
    assert keys(contacts) == ["zhao", "wang", "li", "sun"]


def test_the_same_person_twice_stays_as_it_was(contacts: StoredContacts) -> None:
    contacts.add(MINE, "li", Relation.MOTHER)
    assert contacts.add(MINE, "li", Relation.OTHER) is Keeping.ALREADY
    assert contacts.list(MINE) == [Contact("li", Relation.MOTHER)]


def test_there_is_one_self_and_its_place_becomes_free_again(contacts: StoredContacts) -> None:
    assert contacts.add(MINE, "li", Relation.SELF) is Keeping.KEPT
    assert contacts.add(MINE, "wang", Relation.SELF) is Keeping.SELF_TAKEN
    contacts.add(MINE, "wang", Relation.SON)
    assert contacts.relate(MINE, "wang", Relation.SELF) is Keeping.SELF_TAKEN
    assert contacts.add(OTHER, "li", Relation.SELF) is Keeping.KEPT, "everybody is oneself"
    assert contacts.relate(MINE, "li", Relation.SELF) is Keeping.KEPT, "the same again changes nothing"
    assert contacts.relate(MINE, "li", Relation.OTHER) is Keeping.KEPT
    assert contacts.relate(MINE, "wang", Relation.SELF) is Keeping.KEPT
    contacts.remove(MINE, "wang")
    assert contacts.add(MINE, "sun", Relation.SELF) is Keeping.KEPT


def test_twenty_and_no_more(contacts: StoredContacts) -> None:
    added = [contacts.add(MINE, f"p{number}", Relation.OTHER) for number in range(MOST_CONTACTS + 1)]
    assert added == [Keeping.KEPT] * MOST_CONTACTS + [Keeping.FULL]
    assert contacts.add(MINE, "p3", Relation.OTHER) is Keeping.ALREADY
    contacts.remove(MINE, "p3")
    assert contacts.add(MINE, "new", Relation.OTHER) is Keeping.KEPT
    assert len(contacts.list(MINE)) == MOST_CONTACTS


def test_removed_forgotten_and_never_there(contacts: StoredContacts) -> None:
    for insured in ("li", "wang", "sun"):
        contacts.add(MINE, insured, Relation.OTHER)
    contacts.remove(MINE, "li")
    contacts.remove(MINE, "li")
    assert contacts.relate(MINE, "li", Relation.SON) is Keeping.GONE
    assert keys(contacts) == ["sun", "wang"]
    contacts.forget(MINE)
    contacts.forget(MINE)
    assert keys(contacts) == []


def test_two_at_once_are_one_contact_and_one_self(contacts: StoredContacts) -> None:
    same = at_once(*[lambda: contacts.add(MINE, "li", Relation.MOTHER)] * 4)
    assert sorted(same) == sorted([Keeping.KEPT, *[Keeping.ALREADY] * 3])
    both = at_once(lambda: contacts.add(MINE, "wang", Relation.SELF), lambda: contacts.add(MINE, "sun", Relation.SELF))
    assert sorted(both) == sorted([Keeping.KEPT, Keeping.SELF_TAKEN])


def test_neither_number_nor_name_stands_in_the_table(engine: Engine, contacts: StoredContacts, seal: FieldSeal) -> None:
    key = seal.look_up_key(NUMBER)
    contacts.add(MINE, key, Relation.SELF)
    [row] = Counter(engine).rows(CONTACT)
    assert set(row._asdict()) == {"payer", "person", "relation", "own", "added_at"}
    assert (row.payer, row.person, row.relation, row.own) == (MINE, key, "self", MINE)
    assert NUMBER not in str(row)


@pytest.mark.parametrize("url", ["sqlite:////proc/none.db", "postgresql://postgres@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_reached_is_unknown_just_now(url: str) -> None:
    engine = open_database(url)
    contacts: Contacts = StoredContacts(engine, Watch())
    for call in (
        lambda: contacts.list(MINE),
        lambda: contacts.add(MINE, "li", Relation.SON),
        lambda: contacts.relate(MINE, "li", Relation.SON),
        lambda: contacts.remove(MINE, "li"),
        lambda: contacts.forget(MINE),
    ):
        with pytest.raises(Unavailable):
            call()
    engine.dispose()
