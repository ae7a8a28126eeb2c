"""Where the terminal's bot keeps things: in files of its own, and on the services the configuration names."""

from __future__ import annotations

from pathlib import Path

from bot.settings import Settings
from storage.sealing import FieldSeal

DATABASE, FIELD_KEY = "bot.db", "field.key"


def storage_of(asked: Settings, folder: Path) -> dict[str, str]:
    """The `[storage]` of a bot whose files lie in `folder`; its field key is there afterwards.

    What `asked` puts on PostgreSQL or Redis goes there, with the field key it names, so that other commands on the same
    configuration read what was written. What it embeds stays apart from the files of `serve`: the terminal's clock can
    be moved. A configuration for citizens (`sandbox.enabled = false`) is never touched.
    """
    here, wanted = folder.resolve(), asked.storage
    storage = {
        "database": f"sqlite:///{here / DATABASE}",
        "sessions": "embedded",
        "queue": "embedded",
        "field_key": str(here / FIELD_KEY),
    }
    if asked.sandbox.enabled:
        storage |= {"sessions": wanted.sessions, "queue": wanted.queue}
        if not wanted.database.startswith("sqlite"):
            storage |= {"database": wanted.database, "field_key": str(asked.path(wanted.field_key))}
    key = Path(storage["field_key"])
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        FieldSeal.create(key)
    return storage
