"""同意 in the table, on both databases: once for each version, withdrawn for good, and kept on record."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from storage.consents import CONSENT, StoredConsents
from storage.database import reading
from tests.storage.counter import at_once

MINE, OTHER, V1, V2 = "oMine", "oOther", "2026-11", "2027-01"


class Watch:
    """A clock that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def consents(engine: Engine, watch: Watch) -> StoredConsents:
    return StoredConsents(engine, watch)


def kept(consents: StoredConsents) -> list[tuple[str, str, int, int | None]]:
    with reading(consents.engine) as connection:
        rows = connection.execute(select(CONSENT).order_by(CONSENT.c.id)).all()
    return [(row.payer, row.version, row.given_at, row.withdrawn_at) for row in rows]


def test_a_consent_is_this_openids_and_this_versions(consents: StoredConsents) -> None:
    consents.give(MINE, V1)
    assert consents.given(MINE, V1)
    assert not consents.given(MINE, V2)
    assert not consents.given(OTHER, V1)


def test_agreeing_again_keeps_the_first_time(consents: StoredConsents, watch: Watch) -> None:
    consents.give(MINE, V1)
    watch.now = 2_000
    consents.give(MINE, V1)
    assert kept(consents) == [(MINE, V1, 1_000, None)]


def test_agreeing_twice_at_once_is_one_consent(consents: StoredConsents) -> None:
    at_once(*[lambda: consents.give(MINE, V1)] * 4)
    assert len(kept(consents)) == 1


def test_a_withdrawn_consent_holds_no_more_and_stays_on_record(consents: StoredConsents, watch: Watch) -> None:
    consents.give(MINE, V1)
    consents.give(MINE, V2)
    consents.give(OTHER, V1)
    watch.now = 2_000
    consents.withdraw(MINE)
    assert not consents.given(MINE, V1)
    assert not consents.given(MINE, V2)
    assert consents.given(OTHER, V1)
    watch.now = 3_000
    consents.give(MINE, V1)
    consents.withdraw(OTHER)
    assert consents.given(MINE, V1)
    assert kept(consents) == [
        (MINE, V1, 1_000, 2_000),
        (MINE, V2, 1_000, 2_000),
        (OTHER, V1, 1_000, 3_000),
        (MINE, V1, 3_000, None),
    ]
