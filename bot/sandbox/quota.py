"""Who may be pushed a customer-service message now, and how often (facts/wechat.md A0, A3; design section 6).

Every push counts in each window that is open: the strictest reading of rules that do not say which window pays.
"""

from dataclasses import dataclass, field
from enum import Enum

from bot.sandbox.refusals import Refused


class Opened(Enum):
    """What a citizen did that lets the account speak for a while."""

    MESSAGE = "message"  # typed or sent: text, image, voice, ...
    TAP = "tap"  # a menu click, or an option in a message (bizmsgmenu)
    FOLLOW = "follow"
    SCAN = "scan"
    PAYMENT = "payment"  # only where the account has it (支付成功)

    @property
    def seconds(self) -> int:
        """How long the window stays open."""
        return _LIMITS[self][0]

    @property
    def count(self) -> int | None:
        """How many pushes it allows; None: any number."""
        return _LIMITS[self][1]


_LIMITS: dict[Opened, tuple[int, int | None]] = {
    Opened.MESSAGE: (48 * 3600, 5),
    Opened.TAP: (60, 3),
    Opened.FOLLOW: (60, 3),
    Opened.SCAN: (60, 3),
    Opened.PAYMENT: (48 * 3600, None),
}


@dataclass
class _Window:
    opened_at: float
    pushed: int = 0


@dataclass
class PushQuota:
    """The windows of one openid. Not locked: the stand-in holds its own lock around it."""

    _windows: dict[Opened, _Window] = field(default_factory=dict)

    def open(self, by: Opened, now: float) -> None:
        """The citizen did something: this kind of window begins anew."""
        self._windows[by] = _Window(now)

    def close(self) -> None:
        """The citizen unfollowed."""
        self._windows.clear()

    def push(self, now: float) -> None:
        """Count one push, or refuse it: 45015 where no window is open, 45047 where those open are used up."""
        open_now = [(by, window) for by, window in self._windows.items() if now - window.opened_at < by.seconds]
        if not open_now:
            raise Refused(45015, "response out of time limit or subscription is canceled")
        if all(by.count is not None and window.pushed >= by.count for by, window in open_now):
            raise Refused(45047, "out of response count limit")
        for _, window in open_now:
            window.pushed += 1
