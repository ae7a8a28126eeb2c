"""What a store of turns and a store of shared values promise, whichever backend keeps them.

Times (`now`) are unix seconds and are passed in; durations are seconds. Every method raises `StoreUnavailable`
when the backend cannot answer.
"""

from dataclasses import dataclass
from typing import Protocol


class StoreUnavailable(Exception):
    """The backend did not answer in time or refused; whether a write took place is unknown."""


@dataclass(frozen=True)
class PushWindow:
    """What a message of the citizen allows to push: `messages` within `seconds` (facts/wechat.md, A0)."""

    seconds: int
    messages: int


TYPED = PushWindow(seconds=48 * 3600, messages=5)
"""Opened by typed text."""
TAPPED = PushWindow(seconds=60, messages=3)
"""Opened by a tap, a menu click, following, scanning."""


@dataclass(frozen=True)
class Limits:
    """How long and how many, for one store of turns; all times in seconds."""

    lease: float = 15.0
    """A claim neither saved nor released within this time may be taken over."""
    waiting: int = 3
    """So many messages of one openid may wait; further ones are told it is full."""
    patience: float = 2.0
    """A waiting message that was not asked for again within this time loses its place."""
    answers: int = 20
    """So many last answers are kept for one openid."""
    answered_for: float = 60.0
    """So long an answer is kept at least; WeChat's retries come at 5 s and 10 s."""
    session: float = 24 * 3600.0
    """So long after its last save a session lives."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Claimed:
    """The turn is yours: the session as last saved, and the number that proves the claim when saving."""

    session: bytes | None
    fence: int
    no_news: bool = False
    """A turn lately looked for news of this openid and found none, and none was put off since (`news`)."""


@dataclass(frozen=True)
class Answered:
    """This very message was answered before: give the same answer."""

    reply: bytes


@dataclass(frozen=True)
class Waiting:
    """In line behind another message of this openid: claim again, with the same arguments, within `Limits.patience`."""


@dataclass(frozen=True)
class Running:
    """This very message is being worked on by another request (WeChat's retry): wait, then claim again."""


@dataclass(frozen=True)
class Full:
    """Too many messages of this openid wait already; this one has no place."""


Claim = Claimed | Answered | Waiting | Running | Full


class TurnStore(Protocol):
    """One turn at a time for each openid, in the order of arrival, each message answered once."""

    def claim(self, openid: str, message: str, now: float, *, ticket: str, opens: PushWindow | None = None) -> Claim:
        """Ask for the turn of `message`; one round trip.

        `ticket` names the request that asks: asking again with the same ticket gives the same claim. A place in the
        line belongs to the message, so that WeChat's retry does not take a second one. `opens` is recorded once, when
        the message first arrives.
        """
        ...

    def save(
        self,
        openid: str,
        message: str,
        fence: int,
        session: bytes | None,
        reply: bytes,
        now: float,
        no_news_until: float | None = None,
    ) -> bool:
        """Store session (None: end it) and reply, and release; one round trip.

        `no_news_until`: until then (unix seconds) turns need not look for news, unless `news` says so; None: as it was.

        False: the claim was lost, because its lease ran out and another took it; nothing was stored. Saving again
        with the same fence after a success is True and changes nothing.
        """
        ...

    def release(self, openid: str, message: str, fence: int, now: float) -> None:
        """Give the claim back without an answer, so that a retry runs the message again."""
        ...

    def peek(self, openid: str, now: float | None = None) -> bytes | None:
        """The session, for operators; without `now` also one that has expired but is not swept away yet."""
        ...

    def forget(self, openid: str) -> None:
        """End the session and the push windows (the citizen unsubscribed). A running claim and answers stay."""
        ...

    def take_push(self, openid: str, now: float) -> bool:
        """Count one customer-service message down; False: WeChat would refuse it, do not try. Then as `news`."""
        ...

    def give_push_up(self, openid: str, now: float) -> None:
        """WeChat refused (45015, 45047): nothing more may be sent until a window opens anew. As well as `news`."""
        ...

    def news(self, openid: str) -> None:
        """Something waits for this citizen: the next turn is to look for it."""
        ...


class SharedStore(Protocol):
    """Tokens, leases and counters that all processes see. Values, leases and counters are three name spaces."""

    def get(self, name: str, now: float) -> str | None:
        """The value put under `name`, until its time is over."""
        ...

    def put(self, name: str, value: str, seconds: float, now: float) -> None:
        """Keep `value` for `seconds`, in place of what was there."""
        ...

    def lease(self, name: str, owner: str, seconds: float, now: float) -> bool:
        """True: `name` belongs to `owner` for `seconds` from now, newly or still."""
        ...

    def free(self, name: str, owner: str) -> None:
        """Give a lease back; nothing happens when it belongs to another."""
        ...

    def count(self, name: str, seconds: float, now: float) -> int:
        """Count one hit, in a window of `seconds` that starts with its first hit; the number of hits so far."""
        ...

    def wait_left(self, name: str, now: float) -> float:
        """Seconds until the window of that counter ends; 0.0 when there is none."""
        ...
