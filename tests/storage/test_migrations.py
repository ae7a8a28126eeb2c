"""Migrations: they make exactly the tables of `tables.py`, on both databases, whoever calls them how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

import storage.tables
from storage.database import open_database, writing
from storage.migrate import is_current, upgrade

assert storage.tables


def test_an_upgrade_from_nothing_makes_every_table(bare_engine: Engine) -> None:
    assert not is_current(bare_engine)
    upgrade(bare_engine)
    assert is_current(bare_engine)
    assert set(inspect(bare_engine).get_table_names()) == {*SQLModel.metadata.tables, "alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_this_release(engine: Engine) -> None:
    """Where this fails after a change of tables.py: `python -m storage.migrate` writes the migration anew."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_missing_column_is_a_difference(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("ALTER TABLE institution DROP COLUMN phone"))
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
        transaction.rollback()
    assert [difference[0] for difference in differences] == ["add_column"]


def test_an_upgrade_of_what_is_current_changes_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO imported VALUES ('enrolments', 'B', 1, 'c', '')"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM imported")) == 1


def test_two_processes_upgrading_at_once_do_no_harm(bare_engine: Engine) -> None:
    url = bare_engine.url.render_as_string(hide_password=False)
    engines = [open_database(url) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(upgrade, engines))
    assert is_current(bare_engine)
    for engine in engines:
        engine.dispose()
