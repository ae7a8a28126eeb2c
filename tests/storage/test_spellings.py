"""One person, spelt in more than one way: by old systems, and by two agencies."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, rows_of, take, take_demo, write_file


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("old", "standard"), [("王\ue863", "王䶮"), ("\ue81e样", "龴样"), ("\ue816样", "𠂇样"), ("⻩样", "黄样")]
)
def test_a_name_with_an_old_code_point_is_imported_with_the_standard_one(
    desk: Engine, seal: FieldSeal, tmp_path: Path, encoding: str, old: str, standard: str
) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": old}, encoding=encoding)
    assert take(desk, seal, "enrolments", path, encoding=encoding).added == 1
    [(name,)] = rows_of(desk, "SELECT name FROM person")
    assert seal.open(name) == standard
    registry, key = StoredRegistry(desk, seal), seal.look_up_key(ENROLMENT["id_no"])
    for typed in (old, standard):
        assert registry.confirm(key, typed), typed
    assert registry.confirm(key, "王\ue000") is None
