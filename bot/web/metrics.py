"""What is counted: turns by outcome, their seconds, what was refused and why, callbacks of WeChat Pay.

A turn only notes that it was; counting it costs more than a look-up, so the page does that, or every so many turns.
Several worker processes of one `serve` count into files of a folder that is named in the environment, and the page of
any of them shows the sums: a turn of another worker by the time it has had `_NOTED` of them.
"""

from __future__ import annotations

import os
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is loaded
_NOTED = 200  # turns that are counted at once, where nobody asks for the page
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5)


class Metrics:
    """The counters of one `serve`; `others` are collectors of what is not counted here."""

    def __init__(self, *others: Collector) -> None:
        self._page = CollectorRegistry()
        own = self._page
        if os.environ.get(FOLDER):
            own = CollectorRegistry()
            MultiProcessCollector(self._page)  # type: ignore[no-untyped-call]
        for other in others:
            self._page.register(other)
        self._turns = Counter("bot_turns", "Messages by outcome", ["outcome"], registry=own)
        self._noted: deque[tuple[str, float]] = deque()
        self._seconds = Histogram(
            "bot_turn_seconds", "Seconds from the wire to the answer", buckets=_SECONDS, registry=own
        )
        self._refused = Counter("bot_refused", "Requests refused, by reason", ["where", "reason"], registry=own)
        self._notified = Counter("bot_pay_notified", "WeChat Pay's callbacks by outcome", ["outcome"], registry=own)

    def turn(self, outcome: str, seconds: float) -> None:
        """One message was answered."""
        self._noted.append((outcome, seconds))
        if len(self._noted) >= _NOTED:
            self._count()

    def refused(self, where: str, reason: str) -> None:
        """One request was refused; reasons are few and fixed words."""
        self._refused.labels(where, reason).inc()

    def notified(self, outcome: str) -> None:
        """One callback was answered."""
        self._notified.labels(outcome).inc()

    def page(self) -> bytes:
        """All of it in Prometheus' text format."""
        self._count()
        return generate_latest(self._page)

    def _count(self) -> None:
        """Count what was noted; any number of threads at once share it."""
        while True:
            try:
                outcome, seconds = self._noted.popleft()
            except IndexError:
                return
            self._turns.labels(outcome).inc()
            self._seconds.observe(seconds)
