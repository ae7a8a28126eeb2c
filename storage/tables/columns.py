"""Columns that mean the same in every table."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column

SECONDS = BigInteger


def fen() -> Column[int]:
    """Money: integer fen, never a float."""
    return Column(BigInteger, nullable=False)


def fen_or_none() -> Column[int]:
    """Money, where nobody may have said how much."""
    return Column(BigInteger, nullable=True)


def seconds(*, index: bool = False, default: int | None = None) -> Column[int]:
    """A moment in unix seconds."""
    return Column(SECONDS, nullable=False, index=index, default=default)


def seconds_or_none(*, index: bool = False) -> Column[int]:
    """A moment in unix seconds, where there may be none."""
    return Column(SECONDS, nullable=True, index=index)
