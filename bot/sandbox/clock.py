"""The sandbox's time: a clock that can be moved forward, or held still, while everybody reads it."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, count

# Seconds from the start at which a moving clock stops, so that every look the worker plans happens at its own time
# (design, section 5: sweep); later once an hour.
_STOPS = (1, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800)
_HOUR = 3600


def time_steps(seconds: float) -> Iterator[float]:
    """Steps, in seconds, that make up `seconds`; move the clock by one, do what is due, then take the next."""
    passed = 0.0
    for stop in chain(_STOPS, count(_HOUR, _HOUR)):
        if stop >= seconds:
            break
        yield stop - passed
        passed = stop
    if seconds > passed:
        yield seconds - passed


class MovableClock:
    """Unix seconds for both stand-ins (and, in `chat` and tests, for the bot). Safe to use from many threads."""

    def __init__(self, at: float | None = None, *, source: Callable[[], float] = time.time) -> None:
        """Run with `source`; with `at` (unix seconds) stand still there from the beginning."""
        self._source = source
        self._moved = 0.0
        self._pinned = at
        self._lock = threading.Lock()

    def now(self) -> float:
        """Unix seconds."""
        with self._lock:
            return self._source() + self._moved if self._pinned is None else self._pinned

    def move(self, seconds: float) -> None:
        """Go forward by so many seconds; a pinned clock stays pinned, at the later moment."""
        with self._lock:
            if self._pinned is None:
                self._moved += seconds
            else:
                self._pinned += seconds

    def pin(self, at: float | None = None) -> None:
        """Stand still at `at` (unix seconds), or at the present moment."""
        moment = self.now() if at is None else at
        with self._lock:
            self._pinned = moment

    def unpin(self) -> None:
        """Run again from the moment where the clock stood."""
        with self._lock:
            if self._pinned is not None:
                self._moved = self._pinned - self._source()
                self._pinned = None
