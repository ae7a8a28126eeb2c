"""What a turn takes and gives: its result, the answer to WeChat, the sentences, the outlets, the patience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dialogs.said import Reply
from dialogs.session import Session

Outcome = Literal["answered", "again", "late", "busy", "failed", "unavailable", "elsewhere", "lost", "quiet"]


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn gives: the session to keep (None ends it), the reply, and what is to be pushed after it."""

    session: bytes | None
    reply: Reply
    push: tuple[object, ...] = ()
    visited: tuple[str, ...] = ()  # the steps and what each made of it, for the journal
    no_news_until: float | None = None  # unix seconds, where the turn looked and none waits
    before: Session | None = None  # as it was before the turn, for the journal


@dataclass(frozen=True, slots=True)
class Answer:
    """What WeChat is answered: a text with its markup, or "" for `success`."""

    text: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class TurnTexts:
    """The sentences a turn may need that no dialog says."""

    busy: str  # 请稍等
    failed: str  # holds {id}
    unavailable: str


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where words go that do not fit into the passive answer; called on the turn's thread, after the save."""

    late: Callable[[str, Reply, str], None]  # openid, reply, message key: becomes a notice
    more: Callable[[str, tuple[str, ...]], None]  # openid, further texts in order: customer-service messages
    push: Callable[[str, tuple[object, ...]], None]  # openid, what the turn wants pushed


@dataclass(frozen=True, slots=True)
class Patience:
    """How long (seconds) and how many."""

    budget: float = 4.0  # of WeChat's five
    grace: float = 0.7  # more, for a turn that is only being saved
    line: float = 90.0  # a message waits so long at most for those before it
    threads: int = 32  # turns that wait at once, besides the few that run
    jobs: int = 256  # with those that have no thread yet; above it everybody is told `busy`
