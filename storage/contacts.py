"""常用联系人 as the tables keep them: an openid, a look-up key, a relation; who it is, only the registry can say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.terms.contact import MOST_CONTACTS, Contact, Keeping, Relation
from storage.database import table_of, writing
from storage.lookup import Lookup
from storage.tables import ContactRow, OrderLineRow, OrderRow

CONTACT = table_of(ContactRow)
_ORDER, _LINE = table_of(OrderRow), table_of(OrderLineRow)
_USED_AT = (
    select(func.max(_ORDER.c.opened_at))
    .join(_LINE, _LINE.c.order_no == _ORDER.c.no)
    .where(_ORDER.c.payer == CONTACT.c.payer, _LINE.c.person == CONTACT.c.person)
    .correlate(CONTACT)
    .scalar_subquery()
)
_OF_PAYER = Lookup(
    select(CONTACT.c.person, CONTACT.c.relation)
    .where(CONTACT.c.payer == bindparam("of"))
    .order_by(
        CONTACT.c.own.is_(None),
        func.coalesce(_USED_AT, CONTACT.c.added_at).desc(),
        CONTACT.c.added_at.desc(),
        CONTACT.c.person,
    )
)
RACES = 4


@dataclass(frozen=True, slots=True)
class StoredContacts:
    """`dialogs.world.Contacts` over the tables; every call may raise DatabaseUnavailable. Unix seconds."""

    engine: Engine
    clock: Callable[[], float]

    def list(self, payer: str) -> Sequence[Contact]:
        """本人 first, then the one an order was opened for last (or who was added last)."""
        return [Contact(row.person, Relation(row.relation)) for row in _OF_PAYER.rows(self.engine, of=payer)]

    def add(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Add somebody; KEPT, ALREADY, FULL or SELF_TAKEN. Two at once on two machines: the tables' keys decide."""
        for _ in range(RACES):
            try:
                with writing(self.engine) as connection:
                    return self._add(connection, payer, insured, relation)
            except IntegrityError:  # another turn was quicker: look again
                continue
        return Keeping.ALREADY

    def relate(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Change the relation; KEPT, GONE or SELF_TAKEN."""
        where = (CONTACT.c.payer == payer) & (CONTACT.c.person == insured)
        values = {"relation": relation.value, "own": _own(payer, relation)}
        try:
            with writing(self.engine) as connection:
                changed = connection.execute(update(CONTACT).where(where).values(values)).rowcount
        except IntegrityError:  # another contact has `own`
            return Keeping.SELF_TAKEN
        return Keeping.KEPT if changed else Keeping.GONE

    def remove(self, payer: str, insured: str) -> None:
        """Forget one."""
        with writing(self.engine) as connection:
            connection.execute(delete(CONTACT).where(CONTACT.c.payer == payer, CONTACT.c.person == insured))

    def forget(self, payer: str) -> None:
        """Forget all of this openid's."""
        with writing(self.engine) as connection:
            connection.execute(delete(CONTACT).where(CONTACT.c.payer == payer))

    def _add(self, connection: Connection, payer: str, insured: str, relation: Relation) -> Keeping:
        found = connection.execute(select(CONTACT).where(CONTACT.c.payer == payer)).all()
        if any(row.person == insured for row in found):
            return Keeping.ALREADY
        if len(found) >= MOST_CONTACTS:
            return Keeping.FULL
        if relation is Relation.SELF and any(row.own for row in found):
            return Keeping.SELF_TAKEN
        row = {"payer": payer, "person": insured, "relation": relation.value, "own": _own(payer, relation)}
        connection.execute(insert(CONTACT), {**row, "added_at": int(self.clock())})
        return Keeping.KEPT


def _own(payer: str, relation: Relation) -> str | None:
    return payer if relation is Relation.SELF else None
