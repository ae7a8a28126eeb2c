"""The background thread: does what is due when it is woken, and looks by itself every second.

A wake-up carries nothing: what must be done is a row in the database, so a lost wake-up costs a second and no money.
In the embedded default the thread belongs to `serve` and `chat`; with Redis, `run.py worker` runs as many as wanted,
and a wake-up travels through a Redis list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import redis
import structlog

from dialogs.world import Unavailable
from storage.sessions.contract import StoreUnavailable

LOOK_SECONDS = 1.0
TROUBLE_SECONDS = 5.0
REDIS_SECONDS = 2.0  # of one call; waiting for a wake-up takes one of them
WAKEUPS, MOST_WAKEUPS, WAKEUP_SECONDS = "wakeups", 100, 60  # the list, how many it keeps, and for how long
STOP_SECONDS = 20.0  # what is not finished by then is repeated by another worker

LOG = structlog.get_logger("worker")


class Wakeups(Protocol):
    """How a turn tells the background work that something is due."""

    def wake(self) -> None:
        """Something is due. Never raises."""
        ...


class NoWakeups:
    """For those who run what is due themselves (`App.run_due`)."""

    def wake(self) -> None:
        """Nobody is woken."""


class Worker:
    """A thread that runs `duty` (which returns how much it did) whenever it is woken, and every `look` seconds."""

    def __init__(self, duty: Callable[[], int], name: str = "worker", look: float = LOOK_SECONDS) -> None:
        self._duty = duty
        self._look = look
        self._bell = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.trouble = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Something is due."""
        self._bell.set()

    def ask_to_stop(self) -> None:
        """No new duty is begun from now on."""
        self._over.set()
        self._bell.set()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Finish the duty under way; no new one is begun."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._over.is_set():
            self._bell.clear()
            pause = self._look
            try:
                self._duty()
                self.trouble = ""
            except (Unavailable, StoreUnavailable) as gone:
                self.trouble, pause = str(gone)[:200], TROUBLE_SECONDS
                LOG.warning("the background work waits", why=self.trouble)
            except Exception as wrong:
                self.trouble, pause = type(wrong).__name__, TROUBLE_SECONDS
                LOG.exception("the background work failed")
            self._bell.wait(pause)


class RedisWakeups:
    """Wake-ups through a Redis list, from any process to any worker. A wake-up says nothing but that work is due."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)

    def wake(self) -> None:
        """Something is due; without Redis the worker finds it by itself within a second."""
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.rpush(WAKEUPS, b"1")
                pipe.ltrim(WAKEUPS, -MOST_WAKEUPS, -1)
                pipe.expire(WAKEUPS, WAKEUP_SECONDS)
                pipe.execute()
        except redis.RedisError as gone:
            LOG.warning("no worker could be woken", why=type(gone).__name__)

    def listen(self, worker: Worker, over: threading.Event) -> None:
        """Wake `worker` for every wake-up until it is over; Redis may come and go meanwhile."""
        while not over.is_set():
            try:
                if self._client.blpop([WAKEUPS], timeout=LOOK_SECONDS) is not None:
                    worker.wake()
            except redis.RedisError as gone:
                LOG.warning("no wake-ups just now", why=type(gone).__name__)
                over.wait(LOOK_SECONDS)
