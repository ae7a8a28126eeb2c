"""Switches that make the stand-ins misbehave, by endpoint, for so many times or with so much probability."""

import fnmatch
import random
import threading
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """One way in which an answer (or a callback) goes wrong on its way."""

    LATENCY = "latency"  # comes late
    DROP_BEFORE = "drop_before"  # connection closed, nothing was done
    DROP_AFTER = "drop_after"  # done, but the answer is lost
    STATUS_500 = "500"
    STATUS_502 = "502"
    STATUS_429 = "429"
    WRONG_SIGNATURE = "wrong_signature"  # signed with somebody else's key
    SIGNTEST = "signtest"  # WeChat Pay's own probe: the signature begins WECHATPAY/SIGNTEST/
    GARBLED = "garbled"  # the body arrives cut off
    NOT_DONE = "not_done"  # answered as if it had been done; of pay.close alone
    WRONG_TIME = "wrong_time"  # signed by a clock that is twenty minutes slow
    # of callbacks alone
    LOST = "lost"  # never sent, and never again
    TWICE = "twice"  # sent, acknowledged, and sent once more
    OVERTAKEN = "overtaken"  # put off by `seconds`: later ones come first

    @property
    def status(self) -> int | None:
        """The HTTP status this fault answers with, if it is one of those."""
        return int(self.value) if self.value.isdigit() else None


@dataclass
class _Switch:
    pattern: str
    fault: Fault
    left: int | None
    probability: float
    seconds: float


@dataclass(frozen=True)
class Fired:
    """The faults that hit one call."""

    faults: frozenset[Fault] = frozenset()
    seconds: float = 0.0

    def __contains__(self, fault: Fault) -> bool:
        return fault in self.faults

    @property
    def status(self) -> int | None:
        """The HTTP status to answer instead of doing anything, or None."""
        return next((fault.status for fault in self.faults if fault.status is not None), None)


NOTHING = Fired()


@dataclass
class Faults:
    """A script of faults; the same seed and the same calls in the same order give the same faults.

    Endpoints: `wechat.token|send|template|upload|menu_create|menu_get|menu_delete|qrcode`,
    `pay.jsapi|native|query|query_by_id|close|refund|refund_query|tradebill|download|certificates`,
    and outwards `push` (a citizen's message to the bot), `callback.payment`, `callback.refund`. `*` stands for any.
    """

    seed: int = 0
    _switches: list[_Switch] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def put(
        self,
        endpoint: str,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float = 1.0,
        seconds: float = 0.0,
    ) -> None:
        """Switch a fault on: for the next `times` calls (None: until cleared), each with `probability`.

        `seconds` is how late `Fault.LATENCY` makes the answer.
        """
        with self._lock:
            self._switches.append(_Switch(endpoint, fault, times, probability, seconds))

    def clear(self, endpoint: str | None = None) -> None:
        """Switch off all faults put under this name, or all there are."""
        with self._lock:
            self._switches = [switch for switch in self._switches if endpoint not in (None, switch.pattern)]

    def take(self, endpoint: str) -> Fired:
        """The faults for the call that is happening now, used up by it."""
        with self._lock:
            if not self._switches:
                return NOTHING
            hit: set[Fault] = set()
            seconds = 0.0
            for switch in self._switches:
                if switch.left == 0 or switch.fault in hit or not fnmatch.fnmatchcase(endpoint, switch.pattern):
                    continue
                if switch.probability < 1.0 and self._random.random() >= switch.probability:
                    continue
                if switch.left is not None:
                    switch.left -= 1
                hit.add(switch.fault)
                seconds = max(seconds, switch.seconds)
            self._switches = [switch for switch in self._switches if switch.left != 0]
            return Fired(frozenset(hit), seconds)
