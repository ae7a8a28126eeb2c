"""What everything here stands on: a clock that can be moved, a list of violations, waiting with a deadline."""

from __future__ import annotations

import json
import mmap
import struct
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

BEIJING = timezone(timedelta(hours=8))
PATIENCE = 60.0  # seconds; nothing that is waited for takes a tenth of it on a quiet machine
UNDER_WAY = 10.0  # seconds; what was signed before a move of the clock has arrived by then

Found = TypeVar("Found")


class Clock:
    """The machine's clock, as many seconds ahead as `move` says: for this process and for the bot's."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0.0))
        self.file = file
        with file.open("r+b") as stream:
            self._ahead = mmap.mmap(stream.fileno(), 8)
        self._moved = (0.0, 0.0)  # when by the machine's clock, and by how much

    def now(self) -> float:
        """Unix seconds."""
        ahead: float = struct.unpack("d", self._ahead)[0]
        return time.time() + ahead

    def move(self, seconds: float) -> None:
        """Go forward."""
        self._moved = (time.time(), seconds)
        self._ahead[:] = struct.pack("d", self.now() + seconds - time.time())

    def near(self, moment: float, seconds: float) -> bool:
        """Whether this is at most so many seconds from now, or from before a move that was just made."""
        return any(abs(moment + move - self.now()) <= seconds for move in (0.0, self.just_moved()))

    def just_moved(self) -> float:
        """By how many seconds the clock was moved just now: what was sent before arrives that much late."""
        at, by = self._moved
        return by if time.time() - at < UNDER_WAY else 0.0

    def beijing(self) -> datetime:
        """Now, as WeChat writes times."""
        return datetime.fromtimestamp(self.now(), BEIJING)


class Violations:
    """What the bot did that a document of WeChat's forbids, one sentence each."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, sentence: str) -> None:
        """One more."""
        self.found.append(sentence)

    def unless(self, right: object, sentence: str) -> bool:
        """One more where it is not right; gives back whether it is."""
        if not right:
            self.note(sentence)
        return bool(right)


class Bell:
    """Wakes whoever waits for something to become so."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Something has changed."""
        with self._condition:
            self._condition.notify_all()

    def until(self, fact: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
        """What `fact` finds, as soon as that is true; fails after so many seconds, saying `what` was waited for."""
        ends = time.monotonic() + seconds
        with self._condition:
            while not (found := fact()):
                left = ends - time.monotonic()
                assert left > 0, f"{what}: not within {seconds} s"
                self._condition.wait(min(left, 0.2))
        return found


def strict_json(body: bytes) -> dict[str, Any]:
    """The JSON object in these bytes; ValueError for anything else, for a name that stands twice, for NaN."""

    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ValueError(f"{name} stands twice")
            found[name] = value
        return found

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    read = json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read
