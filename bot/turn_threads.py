"""The threads that turns run on: a few, started once, fed by a queue written in C.

`concurrent.futures` would do, but its future and its bookkeeping cost every turn about as much as reading its message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class TurnThreads:
    """Runs what is submitted, first come first served, on `count` threads."""

    def __init__(self, count: int) -> None:
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, name=f"turn-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work) -> None:
        """Have it run; it must not raise. RuntimeError once they are closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("no more turns are taken")
            self._queue.put(work)

    def close(self) -> None:
        """Finish what was submitted; take no more."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
