"""What a turn knows of a consent: from the session, and the tables are asked where the session does not say."""

from __future__ import annotations

from bot.turns.one_turn import OneTurnsConsents

ME, NOW, NEXT = "oMe", "2026-11", "2027-01"


class Tables:
    """Consents of one person; `asked` counts the looks and the writes."""

    def __init__(self, *versions: str) -> None:
        self.versions = set(versions)
        self.asked = 0

    def given(self, payer: str, version: str) -> bool:
        self.asked += 1
        return version in self.versions

    def give(self, payer: str, version: str) -> None:
        self.asked += 1
        self.versions.add(version)

    def withdraw(self, payer: str) -> None:
        self.versions.clear()


def test_what_the_session_knows_is_not_asked_again() -> None:
    tables = Tables(NOW)
    consents = OneTurnsConsents(tables, NOW)
    assert consents.given(ME, NOW)
    consents.give(ME, NOW)
    assert tables.asked == 0


def test_what_the_tables_say_the_session_knows_from_then_on() -> None:
    tables = Tables(NOW)
    consents = OneTurnsConsents(tables, "")
    assert consents.given(ME, NOW)
    assert consents.agreed == NOW
    assert consents.given(ME, NOW)
    assert tables.asked == 1


def test_another_version_is_another_consent() -> None:
    tables = Tables(NOW)
    consents = OneTurnsConsents(tables, NOW)
    assert not consents.given(ME, NEXT)
    consents.give(ME, NEXT)
    assert tables.versions == {NOW, NEXT}
    assert consents.agreed == NEXT


def test_after_withdrawing_nothing_is_known() -> None:
    tables = Tables(NOW)
    consents = OneTurnsConsents(tables, NOW)
    consents.withdraw(ME)
    assert consents.agreed == ""
    assert not consents.given(ME, NOW)
