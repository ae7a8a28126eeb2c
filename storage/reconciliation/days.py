"""A day of the bureau's, as the moments between which it lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Day:
    """From `begins` to before `ends`, in unix seconds."""

    date: Date
    begins: int
    ends: int

    @classmethod
    def of(cls, day: Date, zone: tzinfo) -> Day:
        """The calendar day in this zone."""
        after = day + timedelta(days=1)
        begins, ends = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, after))
        return cls(day, int(begins.timestamp()), int(ends.timestamp()))

    def __str__(self) -> str:
        return self.date.isoformat()
