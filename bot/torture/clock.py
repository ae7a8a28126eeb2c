"""One clock for many processes: the machine's, moved by as much as a small shared file says."""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path

_NUMBER = struct.Struct("d")


class SharedClock:
    """Unix seconds; whoever moves it moves it for every process that opened the same file."""

    def __init__(self, file: Path, skew: float = 0.0) -> None:
        """`skew` is how many seconds this process's own clock is wrong by."""
        if not file.exists():
            file.write_bytes(_NUMBER.pack(0.0))
        self._skew = skew
        with file.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), _NUMBER.size)

    def now(self) -> float:
        """Unix seconds, as this process believes."""
        return time.time() + self._offset() + self._skew

    def move(self, seconds: float) -> None:
        """Go forward for everybody."""
        _NUMBER.pack_into(self._map, 0, self._offset() + seconds)

    def set(self, at: float) -> None:
        """Let it be this moment now, for everybody."""
        _NUMBER.pack_into(self._map, 0, at - time.time())

    def _offset(self) -> float:
        return float(_NUMBER.unpack_from(self._map)[0])
