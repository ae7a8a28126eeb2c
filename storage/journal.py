"""The journal of turns: what citizens said and were answered, masked and sealed, for as long as is configured.

Written in batches by a thread of its own (`bot/turns/journal.py`), never by a turn; read by `run.py story` and
`record`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Engine, delete, select

from storage.bulk import append
from storage.database import reading, table_of, writing
from storage.sealing import FieldSeal, NotSealedByUs
from storage.tables import ConsentRow, SpokenRow

SPOKEN, CONSENT = table_of(SpokenRow), table_of(ConsentRow)
AT_ONCE = 1000  # rows deleted in a transaction: on SQLite nobody else writes meanwhile


class Spoken(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn as it is kept. `asked` is the step whose question was answered; `visited` what steps made of it."""

    kind: str  # dialogs.said.Kind
    said: str = ""  # masked
    flow: str = ""
    asked: str = ""
    visited: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()  # of the reply
    stale: bool = False  # an option of an earlier question was tapped
    failed: str = ""  # the kind of error; its id stands in the log


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one citizen; `at` in unix seconds."""

    openid: str
    at: int
    spoken: Spoken


def keep(engine: Engine, seal: FieldSeal, turns: Sequence[Turn]) -> None:
    """Append these turns, in one transaction. Raises DatabaseUnavailable."""
    rows = [(one.openid, one.at, seal.seal(msgspec.json.encode(one.spoken).decode())) for one in turns]
    with writing(engine) as connection:
        append(connection, SPOKEN, ("openid", "at", "content"), rows)


def turns_of(engine: Engine, seal: FieldSeal, openid: str, since: int = 0, until: int | None = None) -> list[Turn]:
    """What was kept of this citizen, oldest first. What a lost key sealed is left out. Raises DatabaseUnavailable."""
    where = (SPOKEN.c.openid == openid) & (SPOKEN.c.at >= since)
    if until is not None:
        where &= SPOKEN.c.at <= until
    with reading(engine) as connection:
        rows = connection.execute(select(SPOKEN).where(where).order_by(SPOKEN.c.at, SPOKEN.c.id)).all()
    found = []
    for row in rows:
        try:
            spoken = msgspec.json.decode(seal.open(row.content), type=Spoken)
        except (NotSealedByUs, msgspec.MsgspecError):
            continue
        found.append(Turn(row.openid, row.at, spoken))
    return found


def forget(engine: Engine, openid: str, until: int) -> None:
    """Delete what this citizen said until then: 撤回同意. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(delete(SPOKEN).where((SPOKEN.c.openid == openid) & (SPOKEN.c.at < until)))


def sweep(engine: Engine, moment: int) -> int:
    """Delete turns older than `moment` (unix seconds), and those before a consent was withdrawn; returns how many.

    Raises DatabaseUnavailable; what is deleted until then stays deleted.
    """
    withdrawn = select(CONSENT.c.payer, CONSENT.c.withdrawn_at).where(CONSENT.c.withdrawn_at >= moment)
    with reading(engine) as connection:
        gone = connection.execute(withdrawn).all()
    for openid, at in gone:
        forget(engine, openid, at)
    return _older(engine, moment)


def _older(engine: Engine, moment: int) -> int:
    deleted = 0
    while True:
        some = select(SPOKEN.c.id).where(SPOKEN.c.at < moment).order_by(SPOKEN.c.at).limit(AT_ONCE)
        with writing(engine) as connection:
            count = connection.execute(delete(SPOKEN).where(SPOKEN.c.id.in_(some.scalar_subquery()))).rowcount
        deleted += count
        if count < AT_ONCE:
            return deleted
