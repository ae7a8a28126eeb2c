"""A core of its own for each worker process.

Python runs one thread of a process at a time. Where the kernel spreads them, every hand-over goes from core to core,
and the same turns cost a quarter more of both (`run.py bench turn`). With as many workers as cores each stays on one;
with fewer the kernel knows better which of them share a physical core, or are busy with something else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cores_for(workers: int) -> tuple[int, ...]:
    """The core of each of so many workers; none where they are to be left to the kernel."""
    if sys.platform != "linux":
        return ()
    cores = sorted(os.sched_getaffinity(0))
    return tuple(cores * (workers // len(cores))) if workers % len(cores) == 0 else ()


class OwnCores:
    """Which worker has which core: a lock on one byte of a file for each, which ends with the process that holds it."""

    def __init__(self, cores: tuple[int, ...], file: Path) -> None:
        """`cores` as `cores_for` gives them; the file is there, and empty."""
        self._cores = cores
        self._file = file

    def take(self) -> int | None:
        """Stay on a core that no other worker has, with all threads begun from now on; None where there is none."""
        if sys.platform != "linux" or not self._cores:
            return None
        import fcntl

        handle = os.open(self._file, os.O_RDWR)  # open for as long as this process lives: it holds the lock
        for place, core in enumerate(self._cores):
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:  # another worker's
                continue
            os.sched_setaffinity(0, {core})
            return core
        os.close(handle)
        return None
