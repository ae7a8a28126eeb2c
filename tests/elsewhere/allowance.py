"""How many customer-service messages a citizen's last words allow (facts/wechat.md A0: the table in force).

A typed message: 5 within 48 h. A tap on the menu or on a menu message, following, scanning: 3 within a minute. The
"unlimited after a payment" of one page (A3) is contradicted by another; the strict reading is taken.
"""

from __future__ import annotations

import threading

TYPED, TAPPED = (48 * 3600, 5), (60, 3)


class Allowance:
    """Counts for one citizen; unix seconds."""

    def __init__(self) -> None:
        self._windows: dict[tuple[int, int], list[float]] = {}  # kind: end, left
        self._lock = threading.Lock()

    def open(self, kind: tuple[int, int], now: float) -> None:
        """The citizen did something: the count of this kind begins anew."""
        with self._lock:
            self._windows[kind] = [now + kind[0], kind[1]]

    def take(self, now: float) -> str:
        """Count one message down: "" where it may go, "late" and "many" where it may not."""
        with self._lock:
            live = sorted(one for one in self._windows.values() if one[0] > now)
            for window in live:
                if window[1] > 0:
                    window[1] -= 1
                    return ""
        return "many" if live else "late"

    def close(self) -> None:
        """Nothing more may be sent."""
        with self._lock:
            self._windows.clear()
