"""Brings a database to the tables of this release; `run.py db upgrade` and the start of `serve` call it.

Until the first release there is one migration. After a change of `tables/` write it anew:
`python -m storage.migrate` (from then on: `python -m storage.migrate "what changes"` adds one).

Alembic is loaded only where there is something to migrate: it is a tenth of a process's memory and start.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, text

from storage.database import open_database, reading, writing

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
NUMBERED = "[0-9]*.py"
FIRST = "0001"
_ONE_AT_A_TIME = 3_691_202_611  # the PostgreSQL advisory lock of migrations; SQLite's writers queue anyway


def upgrade(engine: Engine) -> None:
    """All missing migrations, in one transaction: all of them or none. Two processes at once do no harm."""
    if is_current(engine):
        return
    from alembic import command

    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the tables are exactly this release's; False as well for tables of a newer release."""
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        have = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return have == [_newest().name.partition("_")[0]]


def write_migration(message: str = "") -> Path:
    """Writes 0001 anew from the tables, or with a message the next migration; returns its file."""
    from alembic import command

    if not message:
        for old in (FOLDER / "versions").glob(f"{FIRST}_*.py"):
            old.unlink()
    number = len(list((FOLDER / "versions").glob(NUMBERED))) + 1
    with TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/empty.db")
        upgrade(engine)
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.revision(
                config, message or "Every table of the first release", autogenerate=True, rev_id=f"{number:04}"
            )
        engine.dispose()
    return _newest()


def _newest() -> Path:
    """The last migration; a file's name begins with its revision."""
    return max((FOLDER / "versions").glob(NUMBERED))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


if __name__ == "__main__":
    print(write_migration(" ".join(sys.argv[1:])))
