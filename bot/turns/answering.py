"""One message, one turn, one reply: claim, run, save, and who is told what when it takes too long (design 4).

A turn does not run on its request's thread, so that it can go on when WeChat's five seconds are nearly over. Requests
wait for it, on an event loop by a timer, else on their thread; WeChat's retry of a message that still runs waits for
the same turn. What nobody waits for any more goes to `late`.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import msgspec
import structlog

from bot.turns.threads import SOON, Begin, TurnThreads
from bot.turns.values import Answer, Outcome, Outlets, Patience, TurnResult, TurnTexts
from bot.turns.waking import Gate, Waking
from bot.wire.render import reply_texts
from dialogs.said import Reply, Said
from storage.database import TURN_LOCK_SECONDS, lock_deadline
from storage.sessions.contract import (
    TAPPED,
    TYPED,
    Answered,
    Claimed,
    Full,
    PushWindow,
    Running,
    StoreUnavailable,
    TurnStore,
    Waiting,
)

__all__ = ["Answer", "Outlets", "Patience", "TurnResult", "TurnTexts", "Turns"]

DEFAULT_PATIENCE = Patience()

LEAST_LOCK_SECONDS = 0.2
_LATE = Answer("", "late")
_TAPS = frozenset({"tap", "menu", "subscribe", "scan"})
_PLAIN = frozenset({"busy", "failed", "unavailable"})  # their text has no markup
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.1  # seconds between two looks at a turn another process runs
_UNHEARD_PAUSE = 0.5  # the same, where no request waits any more


@dataclass(slots=True)
class _Job:
    """A message being worked on in this process, and how many requests wait for it."""

    done: Gate = field(default_factory=Gate)
    answer: Answer = _LATE
    listeners: int = 1
    closed: bool = False  # the reply is being saved: too late to leave
    ticket: str = ""  # the same for every claim of this job, and no other's
    begin: Begin | None = None
    arrived: float = field(default_factory=time.monotonic)

    def lock_seconds_left(self) -> float:
        """How long this turn may wait for locks of the tables and still answer in time; it may have waited in line."""
        return max(LEAST_LOCK_SECONDS, TURN_LOCK_SECONDS - (time.monotonic() - self.arrived))


@dataclass
class _After:
    """What a turn has to say once it is over: its own reply that came too late before the next turn of this openid is
    woken, so that replies come in the order of what was said; the rest at leisure.
    """

    late: Reply | None = None
    later: list[Callable[[], None]] = field(default_factory=list)


class _Listener:
    """A request that waits for a job on an event loop: a timer instead of a thread."""

    def __init__(self, turns: Turns, job: _Job, loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Answer]):
        self._job = job
        self._loop = loop
        self._outcome = outcome
        self._steps = iter(turns.steps(job))
        self._timer: asyncio.TimerHandle | None = None

    def listen(self) -> None:
        """Have the outcome set: by the job, or by the last step."""
        self._wait()
        self._job.done.call_when_open(partial(self._loop.call_soon_threadsafe, self._done))

    def _wait(self) -> None:
        step = next(self._steps, None)
        if step:
            self._timer = self._loop.call_later(step[0], self._passed, step[1])

    def _passed(self, otherwise: Callable[[], bool]) -> None:
        if self._outcome.done():
            return
        if otherwise():
            self._outcome.set_result(_LATE)
        else:
            self._wait()

    def _done(self) -> None:
        if self._timer:
            self._timer.cancel()
        if not self._outcome.done():
            self._outcome.set_result(self._job.answer)


class Turns:
    """Takes messages of all openids; safe over threads, and over processes by the store."""

    def __init__(
        self,
        store: TurnStore,
        run: Callable[[str, bytes | None, Said, float, bool], TurnResult],
        texts: TurnTexts,
        outlets: Outlets,
        clock: Callable[[], float],
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        """`run` takes openid, session, what was said, the time (unix seconds), and whether to look for news."""
        self._store = store
        self._run = run
        self._texts = texts
        self._outlets = outlets
        self._clock = clock
        self._patience = patience
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._waking = Waking()
        self._tickets = map((secrets.token_hex(8) + ".{}").format, count())
        self._closing = False
        self._threads = TurnThreads(patience.threads)
        self._log = structlog.get_logger("turns")

    def handle(self, openid: str, message: str, said: Said) -> Answer:
        """The answer to one message, within the budget; never raises."""
        if said.kind == "unsubscribe":
            return self._forget(openid)
        begun = self._begin(openid, message, said)
        return begun if isinstance(begun, Answer) else self._outcome(begun)

    async def answer(self, openid: str, message: str, said: Said) -> Answer:
        """The same on an event loop: no thread waits for the turn."""
        if said.kind == "unsubscribe":
            return await asyncio.to_thread(self._forget, openid)
        begun = self._begin(openid, message, said)
        if isinstance(begun, Answer):
            return begun
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Answer] = loop.create_future()
        _Listener(self, begun, loop, outcome).listen()
        return await outcome

    def _begin(self, openid: str, message: str, said: Said) -> _Job | Answer:
        """The job of this message, with one listener more; an answer where there is none."""
        if said.kind == "quiet":
            return Answer("", "quiet")
        with self._lock:
            job = self._jobs.get(message)
            if job:
                job.listeners += 1
            elif len(self._jobs) >= self._patience.jobs:
                return Answer(self._texts.busy, "busy")
            else:
                job = _Job(ticket=next(self._tickets))
                try:
                    job.begin = self._threads.begin(partial(self._work, job, openid, message, said))
                except RuntimeError:  # closed: the process is going down
                    return Answer(self._texts.busy, "busy")
                self._jobs[message] = job
        return job

    def close(self) -> None:
        """Finish the turns there are; take no more, and wait for none of another process."""
        self._closing = True
        self._threads.close()

    def _outcome(self, job: _Job) -> Answer:
        for seconds, otherwise in self.steps(job):
            if job.done.passed(seconds):
                return job.answer
            if otherwise():
                break
        return _LATE

    def steps(self, job: _Job) -> tuple[tuple[float, Callable[[], bool]], ...]:
        """How long a listener waits (seconds), and what it does where the turn is not over then: True ends it."""
        soon = min(SOON, self._patience.budget)
        return (
            (soon, partial(self._hurry, job)),
            (self._patience.budget - soon, partial(self._leave, job)),
            (self._patience.grace, partial(self._leave, job, at_last=True)),
        )

    def _hurry(self, job: _Job) -> bool:
        if job.begin:
            self._threads.hurry(job.begin)
        return False

    def _leave(self, job: _Job, *, at_last: bool = False) -> bool:
        with self._lock:
            if job.closed and not at_last:
                return False
            job.listeners -= 1
        return True

    def _forget(self, openid: str) -> Answer:
        try:
            self._store.forget(openid)
        except StoreUnavailable:
            self._log.warning("session of an unsubscribed account is kept: the store does not answer")
        return Answer("", "quiet")

    def _work(self, job: _Job, openid: str, message: str, said: Said, *, patient: bool = False) -> None:
        """Do it; where it has to wait for another turn, a thread that may wait does it (`patient`)."""
        after = _After()
        answer: Answer | None = _LATE
        try:
            answer = self._turn(job, openid, message, said, after, patient=patient)
        except StoreUnavailable as gone:
            self._log.error("the session store does not answer", why=str(gone)[:200])
            answer = Answer(self._texts.unavailable, "unavailable")
        except Exception as wrong:
            answer = Answer(self._failure(wrong, said), "failed")
        finally:
            if answer is not None:
                self._done(job, openid, message, answer, said, after)
        if answer is None:
            self._threads.wait(partial(self._work, job, openid, message, said, patient=True))
        elif after.later:
            self._threads.wait(partial(self._deliver, after.later, said))

    def _done(self, job: _Job, openid: str, message: str, answer: Answer, said: Said, after: _After) -> None:
        job.answer = answer
        with self._lock:
            del self._jobs[message]
            unheard = not job.listeners
        job.done.open()
        if unheard and answer.text and answer.outcome in _PLAIN:
            after.late = Reply((answer.text,))
        if late := after.late:
            self._deliver([lambda: self._outlets.late(openid, late, message)], said)
        self._waking.wake(openid, job.ticket)

    def _deliver(self, after: list[Callable[[], None]], said: Said) -> None:
        for deliver in after:
            try:
                deliver()
            except Exception as wrong:
                self._failure(wrong, said)

    def _turn(self, job: _Job, openid: str, message: str, said: Said, after: _After, *, patient: bool) -> Answer | None:
        """The answer; None where another turn has to end first, and this thread may not wait for it."""
        claim = self._claim(job, openid, message, TAPPED if said.kind in _TAPS else TYPED, patient=patient)
        if not isinstance(claim, Claimed):
            return claim
        outcome: Outcome = "answered"
        try:
            with lock_deadline(job.lock_seconds_left()):
                result = self._run(openid, claim.session, said, self._clock(), not claim.no_news)
        except StoreUnavailable:
            outcome, result = "unavailable", TurnResult(claim.session, Reply((self._texts.unavailable,)))
        except Exception as wrong:
            outcome = "failed"
            result = TurnResult(claim.session, Reply((self._failure(wrong, said),)))
        texts = reply_texts(result.reply)
        with self._lock:
            job.closed = True
            heard = job.listeners > 0
        # A reply that goes out late is not kept as an answer too: the retry would show it twice.
        kept = msgspec.json.encode(texts if heard else [])
        saved = self._store.save(
            openid, message, claim.fence, result.session, kept, self._clock(), result.no_news_until
        )
        if not saved:
            self._log.warning("a turn took so long that its claim was lost")
            return Answer("", "lost")
        with self._lock:
            heard = heard and job.listeners > 0
        if heard and texts[1:]:
            after.later.append(lambda: self._outlets.more(openid, tuple(texts[1:])))
        if not heard and result.reply:
            after.late = result.reply
        if result.push:
            after.later.append(lambda: self._outlets.push(openid, result.push))
        return Answer(texts[0] if heard and texts else "", outcome)

    def _claim(
        self, job: _Job, openid: str, message: str, opens: PushWindow, *, patient: bool
    ) -> Claimed | Answer | None:
        pause, give_up = _FIRST_PAUSE, time.monotonic() + self._patience.line
        if patient:
            self._waking.wait(openid, 0)  # for a turn that ends here: it says first what it has to say
        while True:
            match self._store.claim(openid, message, self._clock(), ticket=job.ticket, opens=opens):
                case Claimed() as claimed:
                    self._waking.began(openid, job.ticket)
                    return claimed
                case Answered(reply):
                    texts = msgspec.json.decode(reply, type=list[str])
                    return Answer(texts[0] if texts else "", "again")
                case Full():
                    return Answer(self._texts.busy, "busy")
                case Running() | Waiting() if not patient:
                    return None
                case Running() | Waiting() as found:
                    # Who runs it elsewhere finds nobody waiting and pushes; or died, and then its claim runs out.
                    unheard = isinstance(found, Running) and not job.listeners
                    if time.monotonic() > give_up or (unheard and self._closing):
                        return Answer("", "elsewhere") if unheard else Answer(self._texts.busy, "busy")
            self._waking.wait(openid, _UNHEARD_PAUSE if unheard else pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _failure(self, wrong: Exception, said: Said) -> str:
        """Log without what the exception says: it may hold an ID number. The sentence for the citizen holds the id."""
        number = secrets.token_hex(4)
        where = "".join(traceback.format_tb(wrong.__traceback__)[-6:])
        self._log.error("turn failed", id=number, error=type(wrong).__name__, said=said.kind, where=where)
        return self._texts.failed.format(id=number)
