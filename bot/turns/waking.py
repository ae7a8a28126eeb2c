"""Wakes those who wait for an openid's turn in this process, so that they need not ask the store at short intervals."""

from __future__ import annotations

import threading
from collections.abc import Callable

RUNNING_HERE_SECONDS = 1.0  # a look now and then even so: its claim may have run out


class Waking:
    """A bell for each openid somebody waits for, and whose turns run in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[str, list[threading.Event]] = {}
        self._running: dict[str, str] = {}  # tickets by openid

    def began(self, openid: str, ticket: str) -> None:
        """The turn of this ticket runs here now, until it ends by `wake`."""
        self._running[openid] = ticket

    def wait(self, openid: str, seconds: float) -> None:
        """Until a turn of this openid ends here; or these seconds are over, where none runs here."""
        bell = threading.Event()
        with self._lock:
            self._bells.setdefault(openid, []).append(bell)
            if openid in self._running:
                seconds = max(seconds, RUNNING_HERE_SECONDS)
        bell.wait(seconds)
        with self._lock:
            bells = self._bells[openid]
            bells.remove(bell)
            if not bells:
                del self._bells[openid]

    def wake(self, openid: str, ticket: str) -> None:
        """What had this ticket has ended: let the waiting look again."""
        with self._lock:
            if self._running.get(openid) == ticket:
                del self._running[openid]
            for bell in self._bells.get(openid, ()):
                bell.set()


class Gate:
    """Opened once, for any number who wait: `threading.Event` at a tenth of its cost."""

    __slots__ = ("_calls", "_is_open", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._is_open = False
        self._calls: list[Callable[[], object]] = []

    def open(self) -> None:
        """Let everybody through, now and later."""
        self._is_open = True
        self._lock.release()
        for call in self._calls:
            call()

    def call_when_open(self, call: Callable[[], object]) -> None:
        """Call it once the gate is open, on the thread that opens it; at once if it is. It may be called twice."""
        self._calls.append(call)
        if self._is_open:
            call()

    def passed(self, seconds: float) -> bool:
        """Wait at most so long; whether it was opened."""
        through = self._lock.acquire(timeout=seconds)
        if through:
            self._lock.release()
        return through
