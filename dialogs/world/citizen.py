"""What one citizen keeps here: contacts and consent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dialogs.terms.contact import Contact, Keeping, Relation


class Contacts(Protocol):
    """常用联系人 of one payer; nobody else's are ever told. Every call may be repeated."""

    def list(self, payer: str) -> Sequence[Contact]:
        """本人 first, then the one paid for (or added) last."""
        ...

    def add(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Add somebody whose number and name were confirmed; KEPT, ALREADY, FULL or SELF_TAKEN."""
        ...

    def relate(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Change what a contact is to the payer; KEPT, GONE or SELF_TAKEN."""
        ...

    def remove(self, payer: str, insured: str) -> None:
        """Forget one; nothing happens where there is none."""
        ...

    def forget(self, payer: str) -> None:
        """Forget all (撤回同意)."""
        ...


class Consents(Protocol):
    """同意: kept with version and time."""

    def given(self, payer: str, version: str) -> bool:
        """Whether this version was agreed to and not withdrawn."""
        ...

    def give(self, payer: str, version: str) -> None:
        """Agree; again is the same."""
        ...

    def withdraw(self, payer: str) -> None:
        """撤回同意: every version."""
        ...
