"""Fixtures: a migrated, empty database for each test, on SQLite and, where it answers, on PostgreSQL.

For every folder: `tests/conftest.py` loads them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from storage.database import open_database
from storage.migrate import upgrade
from storage.sealing import FieldSeal

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432"
ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();"""


@pytest.fixture(scope="session")
def seal() -> FieldSeal:
    return FieldSeal((bytes(range(32)),))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    engine = open_database(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection to close folds the WAL into the file
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Engine]:
    """The server's own database, for making and dropping others; skips where there is none, fails so under CI."""
    server = create_engine(f"{POSTGRESQL}/postgres", isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        server.connect().close()
    except OperationalError:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL answers at 127.0.0.1:5432, and CI has to have one")
        pytest.skip("no PostgreSQL answers at 127.0.0.1:5432")
    yield server
    server.dispose()


@pytest.fixture(scope="session")
def empty_postgresql(postgresql_server: Engine) -> Iterator[str]:
    """The URL of a PostgreSQL database that begins without tables, this process's own; dropped at the end."""
    yield from _fresh(postgresql_server)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: Engine) -> Iterator[str]:
    """The URL of a PostgreSQL database with every table, this process's own; dropped at the end."""
    for url in _fresh(postgresql_server):
        engine = open_database(url)
        upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture
def bare_postgresql(empty_postgresql: str) -> str:
    """The URL of a PostgreSQL database without a table."""
    _run(empty_postgresql, f"{ALONE} DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return empty_postgresql


@pytest.fixture
def empty_tables_on_postgresql(migrated_postgresql: str) -> str:
    """The URL of a migrated PostgreSQL database without a row: `database_url` for tests that need PostgreSQL."""
    _empty(migrated_postgresql)
    return migrated_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database without a row."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "test.db")
        return f"sqlite:///{tmp_path}/test.db"
    return str(request.getfixturevalue("empty_tables_on_postgresql"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A migrated database without a row; the test runs once for each kind of database."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a table."""
    on_sqlite = request.param == "sqlite"
    engine = open_database(f"sqlite:///{tmp_path}/bare.db" if on_sqlite else request.getfixturevalue("bare_postgresql"))
    yield engine
    engine.dispose()


def _fresh(server: Engine) -> Iterator[str]:
    name = f"bot_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid4().hex[:10]}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    yield (url := f"{POSTGRESQL}/{name}")
    _held(url).dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _empty(url: str) -> None:
    """Delete every row and count from 1 again: with few rows quicker than TRUNCATE, which makes new files."""
    _run(
        url,
        f"""
        {ALONE}
        SET session_replication_role = replica;
        DO $$ DECLARE each regclass; BEGIN
            FOR each IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                AND relname <> 'alembic_version' LOOP EXECUTE format('DELETE FROM %s', each); END LOOP;
            FOR each IN SELECT oid FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
                LOOP PERFORM setval(each, 1, false); END LOOP;
        END $$;
        """,
    )


def _run(url: str, script: str) -> None:
    with _held(url).connect() as connection:
        connection.exec_driver_sql(script.replace("%", "%%"))


@cache
def _held(url: str) -> Engine:
    """One connection kept for all scripts: a new one has PostgreSQL read its catalogs again, ten times the work itself.

    It is asked before each use, as a test may have cut it.
    """
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True)
