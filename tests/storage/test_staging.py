"""An import on SQLite is staged: others write while it reads, and it is whole or nothing all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from storage.agency.refusals import FileRefused
from storage.agency.staging import only_import
from storage.database import DatabaseUnavailable, lock_deadline, open_database, writing
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, count, rows_of, take, take_demo, write_file

OTHER_WRITER = text("INSERT INTO consent (payer, version, given_at) VALUES ('oAnn', '1', 0)")


@pytest.fixture
def desk(engine: Engine, seal: FieldSeal) -> Engine:
    """A database that knows the demo's institutions."""
    take_demo(engine, seal, "institutions")
    return engine


def many(first: int, last: int) -> list[dict[str, str]]:
    """Enrolments of one person, each under a number of its own."""
    return [ENROLMENT | {"row_no": str(number), "person_no": f"9{number}"} for number in range(first, last + 1)]


def written_meanwhile(desk: Engine) -> Callable[[int, int | None], None]:
    """Progress of an import, at each step of which another writer writes."""

    def write(rows: int, total: int | None) -> None:
        with lock_deadline(2), writing(desk) as connection:
            connection.execute(OTHER_WRITER)

    return write


def test_others_write_while_a_file_is_read(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    path = write_file(tmp_path / "e.csv", *many(1, 2_500))
    assert take(desk, seal, "enrolments", path, progress=written_meanwhile(desk)).added == 2_500
    assert (count(desk, "enrolment"), count(desk, "imported"), count(desk, "consent")) == (2_500, 2_500, 3)


def test_nothing_is_seen_before_everything_is(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    seen: list[int] = []
    path = write_file(tmp_path / "e.csv", *many(1, 2_500))
    take(desk, seal, "enrolments", path, progress=lambda *_: seen.append(count(desk, "enrolment")))
    assert seen == [0, 0, 0]


def test_a_bad_row_at_the_end_leaves_nothing_behind(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    rows = [*many(1, 2_500), ENROLMENT | {"row_no": "2501", "status": "asleep"}]
    with pytest.raises(FileRefused):
        take(desk, seal, "enrolments", write_file(tmp_path / "e.csv", *rows))
    assert [count(desk, table) for table in ("person", "enrolment", "imported")] == [0, 0, 0]
    assert take(desk, seal, "enrolments", write_file(tmp_path / "e.csv", *rows[:-1])).added == 2_500


def test_rows_far_apart_see_each_other(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    first = ENROLMENT | {"row_no": "1"}
    rows = [first, *many(2, 1_200), first | {"row_no": "1201", "op": "D"}, *many(1_202, 2_400)]
    rows += [first | {"row_no": "2401", "status": "paused"}, *many(2_402, 3_600)]
    rows += [first | {"row_no": "3601", "name": "王样三"}, first | {"row_no": "3602", "op": "U", "status": "ended"}]
    result = take(desk, seal, "enrolments", write_file(tmp_path / "e.csv", *rows), skip_bad=True)
    assert [str(reason) for reason in result.rejected] == ["第 3601 行：参保信息已登记，内容不同；要改请用 U"]
    assert (result.added, result.changed, result.deleted) == (3_599, 1, 1)
    assert rows_of(desk, "SELECT status, source FROM enrolment WHERE person_no = '7'") == [("ended", "B1:3602")]
    assert count(desk, "enrolment") == 3_598


def test_a_row_that_was_there_is_changed_or_deleted(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    take(desk, seal, "enrolments", write_file(tmp_path / "e.csv", *many(1, 3)))
    later = [row | {"batch_no": "B2"} for row in many(1, 2)]
    rows = [later[0] | {"op": "D"}, later[1] | {"op": "U", "status": "paused"}]
    result = take(desk, seal, "enrolments", write_file(tmp_path / "f.csv", *rows))
    assert (result.deleted, result.changed) == (1, 1)
    query = "SELECT person_no, status FROM enrolment ORDER BY person_no"
    assert rows_of(desk, query) == [("92", "paused"), ("93", "active")]


def test_no_temporary_table_stays_with_a_connection(desk: Engine, seal: FieldSeal, tmp_path: Path) -> None:
    if desk.dialect.name != "sqlite":
        pytest.skip("only SQLite stages")
    take(desk, seal, "enrolments", write_file(tmp_path / "e.csv", *many(1, 3)))
    with pytest.raises(FileRefused):
        take(desk, seal, "enrolments", write_file(tmp_path / "f.csv", ENROLMENT | {"status": "asleep"}))
    assert rows_of(desk, "SELECT name FROM sqlite_temp_master") == []


def test_one_import_at_a_time(tmp_path: Path) -> None:
    engine, other = (open_database(f"sqlite:///{tmp_path / 'bot.db'}") for _ in range(2))
    refused = pytest.raises(DatabaseUnavailable, match="another import")
    with only_import(engine), lock_deadline(0.05), refused, only_import(other):
        pass
    with only_import(other):
        pass
