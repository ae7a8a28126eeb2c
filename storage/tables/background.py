"""The background work that has a time of its own."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds, seconds_or_none


class RoutineRow(SQLModel, table=True):
    """When one routine is due next, who is at it, and how it went; made when a worker first sees the routine."""

    __tablename__ = "routine"

    name: str = Field(primary_key=True)
    due_at: int = Field(sa_column=seconds())
    leased_until: int = Field(default=0, sa_column=seconds(default=0))
    failures: int = 0  # in a row
    last_ok_at: int | None = Field(default=None, sa_column=seconds_or_none())
    last_error: str = ""  # of the last time it ran; empty where it went well
