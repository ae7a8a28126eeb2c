"""The servers some fault tests stand on; and the bot's processes under torture begin quickly."""

import pytest

from tests.processes.quick import Quick
from tests.storage.databases import (  # noqa: F401 - fixtures
    database_url,
    engine,
    migrated_file,
    migrated_postgresql,
    postgresql_server,
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.torture.processes.Popen", Quick)
