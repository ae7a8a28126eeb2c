"""The database as such: how it is opened, and what reading and writing promise."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage.database import BadDatabaseUrl, DatabaseUnavailable, lock_deadline, open_database, reading, writing
from tests.storage.agency_files import count

ROW = text("INSERT INTO imported VALUES ('k', 'B', 1, 'c', '')")


def test_a_block_that_fails_leaves_nothing_and_one_that_ends_is_kept(engine: Engine) -> None:
    def fail_after_writing() -> None:
        with writing(engine) as connection:
            connection.execute(ROW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    assert count(engine, "imported") == 0
    with writing(engine) as connection:
        connection.execute(ROW)
    assert count(engine, "imported") == 1


def test_a_reader_sees_what_was_committed_meanwhile(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM imported")) == 0
        with writing(engine) as writer:
            writer.execute(ROW)
            assert connection.scalar(text("SELECT count(*) FROM imported")) == 0
        assert connection.scalar(text("SELECT count(*) FROM imported")) == 1


def test_a_writer_with_a_deadline_gives_up_in_time_and_the_next_one_has_its_patience_again(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(ROW)
    change = text("UPDATE imported SET content = 'd'")
    with writing(engine) as holder:
        holder.execute(change)
        with lock_deadline(0.2), pytest.raises(DatabaseUnavailable), writing(engine) as connection:
            connection.execute(change)
    with writing(engine) as connection:
        limit = {"sqlite": "PRAGMA busy_timeout", "postgresql": "SHOW lock_timeout"}[engine.dialect.name]
        assert str(connection.scalar(text(limit))) in ("10000", "10s")
        connection.execute(change)


def test_a_broken_rule_and_a_mistake_in_sql_are_not_told_as_unavailable(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(ROW)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(ROW)
    with pytest.raises(DBAPIError), reading(engine) as connection:
        connection.execute(text("SELECT * FROM no_such_table"))


def test_a_foreign_key_is_held_to(engine: Engine) -> None:
    values = "'nowhere', '1', 'nobody', 'pension', '011', 'active', '2012-01-01', NULL, NULL, NULL"
    query = f"INSERT INTO enrolment VALUES ({values})"
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(text(query))


def test_sqlite_writes_ahead_fully_synced_and_writers_begin_as_writers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/new/folder/bot.db"
    engine, impatient = open_database(url), open_database(f"{url}?timeout=0.01")
    with reading(engine) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    with impatient.connect() as second, writing(engine):
        second.exec_driver_sql("PRAGMA busy_timeout=1")
        second.close()
        with pytest.raises(DatabaseUnavailable, match="OperationalError"), writing(impatient):
            pass


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("var/bot.db", "not a database URL"),
        ("oracle://somewhere", "not supported"),
        ("mysql://somewhere", "not supported"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_a_setting_that_is_no_database_is_told_by_its_name(url: str, said: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=said) as bad:
        open_database(url)
    assert "storage.database" in str(bad.value)


def test_no_password_stands_in_the_error_of_a_database_that_is_away() -> None:
    engine = open_database("postgresql://bot:hidden@127.0.0.1:1/bot")
    with pytest.raises(DatabaseUnavailable) as away, writing(engine):
        pass
    assert "hidden" not in f"{away.value} {away.value.__cause__} {engine}"


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    file.touch(mode=0o644)
    file.chmod(0o644)
    open_database(f"sqlite:///{file}").dispose()
    assert file.stat().st_mode & 0o777 == 0o600
