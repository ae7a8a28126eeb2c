"""What a test's bot stands on: fresh copies of the props on embedded storage, or PostgreSQL and a Redis of its own.

`FAULT_POINTS=services pytest tests/faults/test_fault_points.py` plays every death on the latter,
`TRANSCRIPTS=services pytest tests/test_transcripts.py` every transcript.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, make_url, text

from bot.bench.rows import postgresql
from bot.replay.stage import CONFIG, FIELD_KEY, Fresh, Props
from bot.sandbox import DEMO
from bot.torture.redis_server import OwnRedis
from storage.database import open_database
from storage.demo import MADE_FOR, load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal
from tests.storage.databases import POSTGRESQL


@pytest.fixture(scope="session")
def props() -> Iterator[Props]:
    """What most bots of a process are copied from: they change nothing of it."""
    with Props.made() as made:
        yield made


@contextmanager
def grounds(props: Props, variable: str) -> Iterator[Fresh]:
    """The ground that the environment's `variable` names; skips where its servers are not there."""
    if os.environ.get(variable, "embedded") == "embedded":
        yield props.embedded
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
            props.copy(folder, FIELD_KEY, CONFIG)
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
