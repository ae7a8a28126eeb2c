"""How often somebody may guess wrong: counted in the shared store, so over restarts and all processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from dialogs.world import Unavailable
from storage.sessions.contract import SharedStore, StoreUnavailable

TRIES = 5
WINDOW_SECONDS = 30 * 60


@dataclass(frozen=True)
class StoredGuesses:
    """`dialogs.world.Guesses`: `TRIES` wrong ones within `WINDOW_SECONDS`, then as long a wait. Unix seconds."""

    shared: SharedStore
    clock: Callable[[], float]

    def wait(self, payer: str, what: str) -> int:
        """Seconds to wait before the next try; 0: try. Raises Unavailable."""
        try:
            until = self.shared.get(f"stop:{what}:{payer}", self.clock())
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be counted just now") from gone
        return max(0, ceil(float(until) - self.clock())) if until else 0

    def missed(self, payer: str, what: str) -> int:
        """Count a wrong one; seconds to wait before the next, 0 while there are tries left. Raises Unavailable."""
        now = self.clock()
        try:
            missed = self.shared.count(f"missed:{what}:{payer}", WINDOW_SECONDS, now)
            if missed < TRIES:
                return 0
            self.shared.put(f"stop:{what}:{payer}", str(now + WINDOW_SECONDS), WINDOW_SECONDS, now)
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be counted just now") from gone
        return WINDOW_SECONDS
