"""What a crashing bot stands on: fresh copies of the props on embedded storage, or a PostgreSQL and a Redis of its own.

`FAULT_POINTS=services pytest tests/faults/test_fault_points.py` plays every death on the latter.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, make_url, text

from bot.bench.rows import postgresql
from bot.replay.stage import CONFIG, DATABASE, FIELD_KEY, Props
from bot.sandbox import DEMO
from bot.torture.redis_server import OwnRedis
from storage.database import open_database
from storage.demo import MADE_FOR, load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal
from tests.storage.databases import POSTGRESQL

Fresh = Callable[[Path], dict[str, str]]  # lays a bot's files into a folder; gives `[storage]` for it


@contextmanager
def grounds(props: Props) -> Iterator[Fresh]:
    """The ground that FAULT_POINTS names; skips where its servers are not there."""
    if os.environ.get("FAULT_POINTS", "embedded") == "embedded":
        yield lambda folder: embedded(props, folder)
        return
    with ExitStack() as stack:
        server = create_engine(f"{POSTGRESQL}/postgres", isolation_level="AUTOCOMMIT")
        stack.callback(server.dispose)
        made = stack.enter_context(postgresql(f"{POSTGRESQL}/postgres"))
        if made is None or shutil.which("redis-server") is None:
            pytest.skip("no PostgreSQL at 127.0.0.1:5432, or no redis-server on this machine")
        redis = OwnRedis(Path(stack.enter_context(TemporaryDirectory(prefix="redis-"))))
        stack.callback(redis.stop)
        engine = open_database(made)
        upgrade(engine)
        load_demo(engine, FieldSeal.read(props.folder / FIELD_KEY), DEMO, MADE_FOR, shift=False)
        engine.dispose()
        template = make_url(made)
        played = template.set(database=f"{template.database}_played")

        def run(*statements: str) -> None:
            with server.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))

        def fresh(folder: Path) -> dict[str, str]:
            _copy(props, folder, FIELD_KEY, CONFIG)
            redis.flush()
            run(
                f"DROP DATABASE IF EXISTS {played.database} WITH (FORCE)",
                f"CREATE DATABASE {played.database} TEMPLATE {template.database}",
            )
            database = played.render_as_string(hide_password=False)
            return {"database": database, "field_key": FIELD_KEY, "sessions": redis.url}

        try:
            yield fresh
        finally:
            run(f"DROP DATABASE IF EXISTS {played.database} WITH (FORCE)")


def embedded(props: Props, folder: Path) -> dict[str, str]:
    """One SQLite file for everything."""
    _copy(props, folder, DATABASE, FIELD_KEY, CONFIG)
    return {"database": f"sqlite:///{DATABASE}", "field_key": FIELD_KEY}


def _copy(props: Props, folder: Path, *names: str) -> None:
    for name in names:
        shutil.copyfile(props.folder / name, folder / name)
