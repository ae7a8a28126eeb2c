"""The stores the contract suites ask for, on each backend in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.sessions.contract import SharedStore, TurnStore
from tests.storage.backends import Backend, Embedded, on_redis


@pytest.fixture(params=["embedded", "redis"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """The backend a test's stores stand on; empty at first."""
    if request.param == "embedded":
        yield Embedded(tmp_path / "sessions.db")
    else:
        with on_redis() as redis_backend:
            yield redis_backend


@pytest.fixture
def turn_store(backend: Backend) -> TurnStore:
    return backend.turn_store()


@pytest.fixture
def shared_store(backend: Backend) -> SharedStore:
    return backend.shared_store()
