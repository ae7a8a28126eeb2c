"""News that is still to be told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds, seconds_or_none


class NoticeRow(SQLModel, table=True):
    """News for one citizen, written with the fact that causes it; delivered by the ladder of design 6."""

    __tablename__ = "notice"

    id: int | None = Field(default=None, primary_key=True)
    reason: str = Field(unique=True)
    openid: str = Field(index=True)
    kind: str  # paid, closed, refunded, late, card, captcha, page
    body: str = Field(sa_column=Column(Text, nullable=False))  # JSON: text lines, options, or what a picture is of
    made_at: int = Field(sa_column=seconds(index=True))
    due_at: int | None = Field(default=None, sa_column=seconds_or_none(index=True))  # NULL once delivered or given up
    expires_at: int | None = Field(default=None, sa_column=seconds_or_none())
    leased_until: int = Field(default=0, sa_column=seconds(default=0))
    tries: int = 0
    delivered_at: int | None = Field(default=None, sa_column=seconds_or_none())
    delivered_by: str | None = None  # push, template, reply


Index("ix_notice_waiting", NoticeRow.openid, NoticeRow.delivered_at)  # type: ignore[arg-type]
