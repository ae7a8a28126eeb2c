"""The journal of turns: a turn leaves what was said in a queue, a thread of its own masks, seals and writes it.

So a turn pays for an append to a list, and no more. What is in the queue when a process is killed is lost: a second's
worth. So is what comes when the queue is full, while the database is away: the journal is no book of money.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Concatenate, NamedTuple, ParamSpec

import structlog
from sqlalchemy import Engine

from bot.background.routines import Routine
from bot.background.upkeep import SWEEP_AT, next_time
from bot.turns.values import TurnResult
from dialogs.flows import SERVICES
from dialogs.masking import masked_reply, masked_words
from dialogs.said import Reply, Said
from dialogs.session import Session
from dialogs.texts import say
from dialogs.world import Unavailable
from storage.journal import Spoken, Turn, forget, keep, sweep
from storage.sealing import FieldSeal

EVERY_SECONDS = 1.0
MOST_WAITING = 20_000  # turns: about 40 seconds of a province at its peak, 40 MB
AT_ONCE = 500  # rows a transaction

DAY = 86_400

LOG = structlog.get_logger("journal")
More = ParamSpec("More")


class _Heard(NamedTuple):
    """A turn, and what was shown before it."""

    openid: str
    at: float
    said: Said
    flow: str
    asked: str
    revision: int
    labels: tuple[str, ...]
    reply: Reply = Reply()
    visited: tuple[str, ...] = ()
    failed: str = ""


def _heard(openid: str, at: float, said: Said, before: Session) -> _Heard:
    labels = tuple([option.label for option in before.options])
    return _Heard(openid, at, said, before.flow, before.asked, before.revision, labels)


class Journal:
    """Hears turns on any thread, writes on one. Nothing is written before `start` or `flush`."""

    def __init__(self, engine: Engine, seal: FieldSeal, zone: tzinfo) -> None:
        self._engine = engine
        self._seal = seal
        self._zone = zone
        self._waiting: deque[_Heard] = deque(maxlen=MOST_WAITING)  # the oldest go first
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def hearing(
        self, run: Callable[Concatenate[str, bytes | None, Said, float, More], TurnResult]
    ) -> Callable[Concatenate[str, bytes | None, Said, float, More], TurnResult]:
        """`run`, and every turn of it is heard."""

        def heard(
            openid: str,
            session: bytes | None,
            said: Said,
            now: float,
            /,
            *more: More.args,
            **others: More.kwargs,
        ) -> TurnResult:
            try:
                result = run(openid, session, said, now, *more, **others)
            except Exception as wrong:
                failed = _heard(openid, now, said, Session.from_json(session))
                self._waiting.append(failed._replace(failed=type(wrong).__name__))
                raise
            done = _heard(openid, now, said, result.before or Session())
            self._waiting.append(done._replace(reply=result.reply, visited=result.visited))
            return result

        return heard

    def start(self) -> None:
        """Write every second from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._try_to_flush()

    def flush(self) -> int:
        """Write what was heard until now; returns how many turns. Raises DatabaseUnavailable; then they wait on."""
        written = 0
        with self._writing:
            while self._waiting:
                some = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
                keep(self._engine, self._seal, [self._turn(one) for one in some])
                withdrawn = say("consent_withdrawal.done")
                for one in some:
                    if withdrawn in one.reply.text or one.said.kind == "withdraw":
                        forget(self._engine, one.openid, int(one.at))
                for one in some:
                    if self._waiting and self._waiting[0] is one:  # else it was pushed out meanwhile
                        self._waiting.popleft()
                written += len(some)
        return written

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._try_to_flush()

    def _try_to_flush(self) -> None:
        try:
            self.flush()
        except Unavailable as away:
            LOG.warning("the journal waits", why=str(away)[:200], turns=len(self._waiting))
        except Exception as wrong:
            LOG.error("the journal could not be written", error=type(wrong).__name__, turns=len(self._waiting))
            self._waiting.clear()

    def _turn(self, heard: _Heard) -> Turn:
        said = heard.said
        revision = said.option.partition(".")[0]
        stale = said.kind == "tap" and not said.option.startswith("go:") and revision != str(heard.revision)
        text = said.key if said.kind in ("menu", "subscribe", "scan") else said.text
        if text and text not in SERVICES:
            today = datetime.fromtimestamp(heard.at, self._zone).date()
            text = masked_words(text, heard.asked, heard.labels, today)
        return Turn(
            heard.openid,
            int(heard.at),
            Spoken(
                kind=said.kind,
                said=text,
                flow=heard.flow,
                asked=heard.asked,
                visited=heard.visited,
                lines=masked_reply(heard.reply.lines),
                stale=stale,
                failed=heard.failed,
            ),
        )


def journal_sweeping(engine: Engine, zone: tzinfo, days: int) -> Routine:
    """Deletes every night what is older than so many days, and what a citizen who withdrew consent had said."""

    def run(now: int) -> int:
        sweep(engine, now - days * DAY)
        return next_time(now, SWEEP_AT, zone)

    return Routine("journal sweeping", run)
