"""Who is insured, where, and what is owed: the agencies' side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dialogs.terms.identity import Document
from dialogs.terms.insurance import Insurance, Person, Standing, TariffRow


class Registry(Protocol):
    """Who is insured, where, and what the agencies assessed."""

    def key(self, document: Document) -> str:
        """The look-up key of an ID document; says nothing about whether anybody has it."""
        ...

    def confirm(self, key: str, name: str) -> Person | None:
        """The person with this key and this name; None alike for an unknown number and another name."""
        ...

    def person(self, key: str) -> Person | None:
        """The person of a key that was confirmed before."""
        ...

    def standing(self, key: str, insurance: Insurance) -> Standing:
        """Enrolments and assessments in this insurance; both empty for somebody unknown."""
        ...


class Tariffs(Protocol):
    """缴费标准."""

    def rows(self, insurance: Insurance) -> Sequence[TariffRow]:
        """Every row of the insurance; the rules choose among them."""
        ...
