"""What is counted: turns by outcome, their seconds, what was refused and why, callbacks of WeChat Pay."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5)


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._turns = Counter("bot_turns", "Messages by outcome", ["outcome"], registry=self.registry)
        self._outcomes: dict[str, Counter] = {}  # looking a label up costs more than counting
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
        counter = self._outcomes.get(outcome) or self._outcomes.setdefault(outcome, self._turns.labels(outcome))
        counter.inc()
        self._seconds.observe(seconds)

    def refused(self, where: str, reason: str) -> None:
        """One request was refused; reasons are few and fixed words."""
        self._refused.labels(where, reason).inc()

    def notified(self, outcome: str) -> None:
        """One callback was answered."""
        self._notified.labels(outcome).inc()

    def page(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
