"""同意 as the table keeps it: who agreed to which version when, and when that was withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's too

from storage.database import table_of, writing
from storage.lookup import Deed, Lookup
from storage.tables import ConsentRow

CONSENT = table_of(ConsentRow)
_GIVE = Deed(insert(CONSENT).inline().on_conflict_do_nothing())
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
        holds, now = _holds(payer, version), int(self.clock())
        _GIVE.do(self.engine, holds=holds, payer=payer, version=version, given_at=now)

    def withdraw(self, payer: str) -> None:
        """Withdraw every version; what was agreed to and when stays on record."""
        where = (CONSENT.c.payer == payer) & CONSENT.c.holds.is_not(None)
        with writing(self.engine) as connection:
            connection.execute(update(CONSENT).where(where).values(holds=None, withdrawn_at=int(self.clock())))


def _holds(payer: str, version: str) -> str:
    return f"{payer}:{version}"
