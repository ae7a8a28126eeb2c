"""Wakes those who wait for an openid's turn in this process, so that they need not ask the store at short intervals."""

from __future__ import annotations

import threading


class Waking:
    """A bell for each openid somebody waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[str, list[threading.Event]] = {}

    def wait(self, openid: str, seconds: float) -> None:
        """Until a turn of this openid ends here, or these seconds are over."""
        bell = threading.Event()
        with self._lock:
            self._bells.setdefault(openid, []).append(bell)
        bell.wait(seconds)
        with self._lock:
            bells = self._bells[openid]
            bells.remove(bell)
            if not bells:
                del self._bells[openid]

    def wake(self, openid: str) -> None:
        """A turn of this openid has ended: let the waiting look again."""
        with self._lock:
            for bell in self._bells.get(openid, ()):
                bell.set()


class Gate:
    """Opened once, for any number who wait: `threading.Event` at a tenth of its cost."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let everybody through, now and later."""
        self._lock.release()

    def passed(self, seconds: float) -> bool:
        """Wait at most so long; whether it was opened."""
        through = self._lock.acquire(timeout=seconds)
        if through:
            self._lock.release()
        return through
