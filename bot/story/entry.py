"""One line of a story."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened; `at` in unix seconds, `place` orders what happened in the same second."""

    at: int
    place: int
    who: str
    text: str
