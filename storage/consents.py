"""同意 as the table keeps it: who agreed to which version when, and when that was withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.database import table_of, writing
from storage.lookup import Lookup
from storage.tables import ConsentRow

CONSENT = table_of(ConsentRow)
_GIVE = insert(CONSENT)
_GIVEN = Lookup(select(CONSENT.c.id).where(CONSENT.c.holds == bindparam("which")))


@dataclass(frozen=True, slots=True)
class StoredConsents:
    """`dialogs.world.Consents` over the table; every call may raise DatabaseUnavailable. Unix seconds."""

    engine: Engine
    clock: Callable[[], float]

    def given(self, payer: str, version: str) -> bool:
        """Whether this version was agreed to and not withdrawn."""
        return _GIVEN.first(self.engine, which=_holds(payer, version)) is not None

    def give(self, payer: str, version: str) -> None:
        """Agree; again, or twice at once, is the same."""
        if self.given(payer, version):
            return
        row = {"holds": _holds(payer, version), "payer": payer, "version": version, "given_at": int(self.clock())}
        try:
            with writing(self.engine) as connection:
                connection.execute(_GIVE, row)
        except IntegrityError:  # another turn was quicker
            return

    def withdraw(self, payer: str) -> None:
        """Withdraw every version; what was agreed to and when stays on record."""
        where = (CONSENT.c.payer == payer) & CONSENT.c.holds.is_not(None)
        with writing(self.engine) as connection:
            connection.execute(update(CONSENT).where(where).values(holds=None, withdrawn_at=int(self.clock())))


def _holds(payer: str, version: str) -> str:
    return f"{payer}:{version}"
