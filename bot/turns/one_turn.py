"""Registry, consents and cashier as one turn sees them: what is known is not asked again, what was set off is known."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.terms.identity import Document
from dialogs.terms.insurance import Insurance, Payable, Person, Standing
from dialogs.world import Cancelling, Cashier, Consents, Opening, Order, Registry, TakingOver


class OneTurnsRegistry:
    """`dialogs.world.Registry` over another one; made for a turn and dropped after it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._people: dict[str, Person | None] = {}
        self._standings: dict[tuple[str, Insurance], Standing] = {}

    def key(self, document: Document) -> str:
        """See `Registry`."""
        return self._registry.key(document)

    def confirm(self, key: str, name: str) -> Person | None:
        """See `Registry`; whom it finds is known from then on."""
        person = self._registry.confirm(key, name)
        if person is not None:
            self._people[key] = person
        return person

    def person(self, key: str) -> Person | None:
        """See `Registry`."""
        if key not in self._people:
            self._people[key] = self._registry.person(key)
        return self._people[key]

    def standing(self, key: str, insurance: Insurance) -> Standing:
        """See `Registry`."""
        asked = key, insurance
        if asked not in self._standings:
            self._standings[asked] = self._registry.standing(key, insurance)
        return self._standings[asked]


class OneTurnsConsents:
    """`dialogs.world.Consents` over another one; `agreed` is the version the session knows of, before and after.

    Only the citizen takes a consent back, and in this very conversation; where a session is lost the tables are asked.
    """

    def __init__(self, consents: Consents, agreed: str) -> None:
        self._consents = consents
        self.agreed = agreed

    def given(self, payer: str, version: str) -> bool:
        """See `Consents`."""
        if self.agreed != version and self._consents.given(payer, version):
            self.agreed = version
        return self.agreed == version

    def give(self, payer: str, version: str) -> None:
        """See `Consents`."""
        if self.agreed != version:
            self._consents.give(payer, version)
            self.agreed = version

    def withdraw(self, payer: str) -> None:
        """See `Consents`."""
        self.agreed = ""
        self._consents.withdraw(payer)


class OneTurnsCashier:
    """`dialogs.world.Cashier` over another one; `moved` once the turn asked for what may make news."""

    def __init__(self, cashier: Cashier) -> None:
        self._cashier = cashier
        self.moved = False

    def open(self, payer: str, service: str, payables: Sequence[Payable]) -> Opening:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.open(payer, service, payables)

    def order(self, payer: str, no: str) -> Order | None:
        """See `Cashier`."""
        return self._cashier.order(payer, no)

    def orders(self, payer: str) -> Sequence[Order]:
        """See `Cashier`."""
        return self._cashier.orders(payer)

    def check(self, payer: str, no: str) -> Order | None:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.check(payer, no)

    def cancel(self, payer: str, no: str) -> Cancelling:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.cancel(payer, no)

    def take_over(self, payer: str, payable_key: str) -> TakingOver:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.take_over(payer, payable_key)

    def ask_card(self, payer: str, no: str) -> Order | None:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.ask_card(payer, no)

    def ask_link(self, payer: str, no: str) -> Order | None:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.ask_link(payer, no)

    def ask_new_link(self, payer: str, no: str) -> Order | None:
        """See `Cashier`."""
        self.moved = True
        return self._cashier.ask_new_link(payer, no)
