"""What the web server needs from the rest; `bot.app` puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.pay.notify_guard import Notification
from bot.turns.values import Answer
from bot.web.metrics import Metrics
from bot.wire.sealing import WireKeys
from dialogs.said import Said


class TakesMessages(Protocol):
    """`bot.turns.answering.Turns`."""

    def handle(self, openid: str, message: str, said: Said) -> Answer:
        """The answer to one message, within the budget."""
        ...

    async def answer(self, openid: str, message: str, said: Said) -> Answer:
        """The same, on an event loop; no thread waits for it."""
        ...


class OpensNotifications(Protocol):
    """`bot.pay.notify_guard.NotifyGuard`."""

    def check_headers(self, headers: Mapping[str, str], now: float) -> None:
        """Raise NotifyRefused for what the headers alone show to be no callback of WeChat Pay's."""
        ...

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notification:
        """The notification; raises NotifyRefused."""
        ...


class DoesNotFit(Exception):
    """A genuine callback whose facts are not ours: nothing was booked, and WeChat Pay is not told that it was."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of /healthz: what was looked at, whether it is well, and what follows where it is not."""

    name: str
    ok: bool
    says: str = ""


@dataclass(frozen=True, slots=True)
class WebServices:
    """Everything behind the addresses."""

    keys: WireKeys
    turns: TakesMessages
    trouble: str  # what a citizen reads where even the turn cannot be begun; holds {id}
    clock: Callable[[], float]  # unix seconds
    guard: OpensNotifications
    settle: Callable[[Notification], None]  # payments and refunds; raises where WeChat Pay shall send it again
    # token, user agent, the page's report of a failed cashier or ""; status, headers, body
    hand_off: Callable[[str, str, str], tuple[int, Mapping[str, str], bytes]]
    certificate: Callable[[str], tuple[int, Mapping[str, str], bytes]]  # token; status, headers, body
    health: Callable[[], Sequence[Check]]
    metrics: Metrics
    metrics_token: str = ""  # "": /metrics is for the loopback alone
