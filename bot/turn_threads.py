"""The threads that turns run on: as many as are needed, kept, fed by a queue written in C.

`concurrent.futures` would do, but its future and its bookkeeping cost every turn about as much as reading its message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class TurnThreads:
    """Runs what is submitted, first come first served, on as many threads as are needed at once, at most `most`.

    Few threads for few turns: each keeps a connection of its own to Redis.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._free = 0  # threads that wait for work, less the work that waits for them
        self._closed = False

    def submit(self, work: Work) -> None:
        """Have it run; it must not raise. RuntimeError once they are closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("no more turns are taken")
            self._queue.put(work)
            if self._free > 0:
                self._free -= 1
            elif len(self._threads) < self._most:
                thread = threading.Thread(target=self._run, name=f"turn-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()

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
            with self._lock:
                if self._queue.empty():
                    self._free += 1
