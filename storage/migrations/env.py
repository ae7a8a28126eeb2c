"""Run by Alembic for every migration command; the connection is passed in by `storage.migrate`, never opened here."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import storage.tables  # noqa: F401 - fills the metadata


def _render_item(kind: str, item: object, _autogen: object) -> Any:
    """SQLModel's string type is written as plain SQLAlchemy, so that migrations do not depend on SQLModel."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    render_item=_render_item,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
