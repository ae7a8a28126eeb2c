"""Statements on the driver's own cursor: a connection that died meanwhile costs nobody an answer, nor a second row."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, bindparam, select, text

from storage.consents import CONSENT, StoredConsents
from storage.database import DatabaseUnavailable, open_database, readers_of
from storage.lookup import Lookup

GIVEN = Lookup(select(CONSENT.c.payer).where(CONSENT.c.version == bindparam("which")))


def kill_resting(engine: Engine) -> None:
    """The connections that rest are dead, as after a restart of the server."""
    readers = readers_of(engine)
    assert readers._resting
    for reader in readers._resting:
        if engine.dialect.name == "sqlite":
            reader.cursor.close()
            continue
        with open_database(engine.url.render_as_string(hide_password=False)).connect() as other:
            pid = reader._pooled.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


def test_on_a_dead_connection_a_look_and_a_deed_are_done_all_the_same(engine: Engine) -> None:
    consents = StoredConsents(engine, lambda: 1_000)
    consents.give("oOne", "v")
    kill_resting(engine)
    consents.give("oTwo", "v")
    consents.give("oTwo", "v")
    kill_resting(engine)
    assert sorted(row.payer for row in GIVEN.rows(engine, which="v")) == ["oOne", "oTwo"]


def test_where_the_database_is_away_both_say_so() -> None:
    consents = StoredConsents(open_database("postgresql://nobody@127.0.0.1:1/none"), lambda: 1_000)
    with pytest.raises(DatabaseUnavailable):
        consents.give("oOne", "v")
    with pytest.raises(DatabaseUnavailable):
        consents.given("oOne", "v")
