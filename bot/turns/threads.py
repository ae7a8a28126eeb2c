"""The threads of turns: a few that take one turn after another, and more for turns that wait.

Python runs one thread at a time. Turns that alternate at every look into a store cost a third more than turns that run
one after another on the same thread, so usually a few threads do all of them. A turn that waits (for another of the
same openid, for a store that is slow) must not keep the others waiting: the request whose turn has not begun soon gives
it a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import structlog

FEW = 2
SOON = 0.05  # seconds after which a turn that has not begun is given a thread of its own

LOG = structlog.get_logger("turns")


class Begin:
    """A piece of work that is begun once, by whichever thread comes first."""

    __slots__ = ("_begun", "_work")

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._begun = threading.Lock()

    def __call__(self) -> None:
        if self._begun.acquire(blocking=False):
            self._work()

    @property
    def begun(self) -> bool:
        """Whether a thread has taken it."""
        return self._begun.locked()


class TurnThreads:
    """A few threads, and at most `most` more. The standard library's pool, a twentieth of a turn, is for the latter."""

    def __init__(self, most: int) -> None:
        self._work: SimpleQueue[Begin | None] = SimpleQueue()
        self._few = [threading.Thread(target=self._run, name=f"turn {nth}", daemon=True) for nth in range(FEW)]
        self._more = ThreadPoolExecutor(most, thread_name_prefix="waiting turn")
        self._lock = threading.Lock()
        self._closed = False
        for thread in self._few:
            thread.start()

    def begin(self, work: Callable[[], None]) -> Begin:
        """Have it done by one of the few. Raises RuntimeError once closed."""
        task = Begin(work)
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            self._work.put(task)
        return task

    def hurry(self, task: Begin) -> None:
        """Give it a thread of its own, where it was not begun yet."""
        if not task.begun:
            self.wait(task)

    def wait(self, work: Callable[[], None]) -> None:
        """Have work done that waits for others, or is slow; called by work that is under way."""
        try:
            self._more.submit(work)
        except RuntimeError:  # closed meanwhile
            work()

    def close(self) -> None:
        """Finish everything that was given; take no more."""
        with self._lock:
            self._closed = True
        for _ in self._few:
            self._work.put(None)
        for thread in self._few:
            thread.join()
        self._more.shutdown(wait=True)

    def _run(self) -> None:
        while (task := self._work.get()) is not None:
            try:
                task()
            except BaseException as wrong:  # what ends a thread ends none of these
                LOG.error("a turn's thread was interrupted", error=type(wrong).__name__)
