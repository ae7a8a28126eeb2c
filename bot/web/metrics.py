"""What is counted: turns by outcome, their seconds, what was refused and why, callbacks of WeChat Pay.

A turn only notes that it was; counting it costs more than a look-up, so the page does that, or every so many turns.
"""

from __future__ import annotations

from collections import deque

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_NOTED = 4096  # turns that are counted at once, where nobody asks for the page
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5)


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._turns = Counter("bot_turns", "Messages by outcome", ["outcome"], registry=self.registry)
        self._noted: deque[tuple[str, float]] = deque()
        self._seconds = Histogram(
            "bot_turn_seconds", "Seconds from the wire to the answer", buckets=_SECONDS, registry=self.registry
        )
        self._refused = Counter(
            "bot_refused", "Requests refused, by reason", ["where", "reason"], registry=self.registry
        )
        self._notified = Counter(
            "bot_pay_notified", "WeChat Pay's callbacks by outcome", ["outcome"], registry=self.registry
        )

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
        return generate_latest(self.registry)

    def _count(self) -> None:
        """Count what was noted; any number of threads at once share it."""
        while True:
            try:
                outcome, seconds = self._noted.popleft()
            except IndexError:
                return
            self._turns.labels(outcome).inc()
            self._seconds.observe(seconds)
