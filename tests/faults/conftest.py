"""The bot's processes under torture begin quickly."""

import pytest

from tests.processes.quick import Quick


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.torture.processes.Popen", Quick)
