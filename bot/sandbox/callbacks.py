"""Callbacks to the merchant: sealed, signed, and sent again until they are acknowledged (facts/wechat.md B3)."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import NOTHING, Fault, Faults, Fired
from bot.sandbox.pay_orders import rfc3339
from bot.sandbox.pay_sign import Platform, as_json

# Seconds between one try and the next: 15 s, 15 s, 30 s, 3 m, 10 m, 20 m, 30 m x 3, 60 m, 3 h x 3, 6 h x 2.
GAPS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
_WAIT_SECONDS = 5.0
_SPOILED = {Fault.WRONG_SIGNATURE, Fault.SIGNTEST, Fault.GARBLED, Fault.WRONG_TIME}


@dataclass
class Callback:
    """One callback; `due_at` is the stand-in clock's time of the next try."""

    id: str
    name: str  # callback.payment or callback.refund: the endpoint for faults
    url: str
    event_type: str
    body: bytes
    due_at: float
    results: list[str] = field(default_factory=list)  # what became of each try
    acknowledged: bool = False
    given_up: bool = False
    sending: bool = False


class Callbacks:
    """Everything that was, is and will be called back."""

    def __init__(self, clock: MovableClock, faults: Faults, platform: Platform) -> None:
        self.wrongly_accepted: list[str] = []  # ids of callbacks acknowledged though signed or sent wrongly
        self._clock = clock
        self._faults = faults
        self._platform = platform
        self._wire = urllib3.PoolManager(maxsize=8, retries=False)
        self._callbacks: list[Callback] = []
        self._waiting: dict[str, Callback] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def all(self) -> list[Callback]:
        """Every callback there ever was."""
        with self._changed:
            return list(self._callbacks)

    def pending(self) -> list[Callback]:
        """Those neither acknowledged nor given up."""
        with self._changed:
            return list(self._waiting.values())

    def put(self, name: str, url: str, event_type: str, summary: str, kind: str, told: Mapping[str, Any]) -> None:
        """Queue a callback that is due at once."""
        now, callback_id = self._clock.now(), str(uuid.uuid4())
        body = as_json(
            {
                "id": callback_id,
                "create_time": rfc3339(now),
                "event_type": event_type,
                "resource_type": "encrypt-resource",
                "summary": summary,
                "resource": self._platform.seal(kind, told),
            }
        )
        with self._changed:
            callback = Callback(callback_id, name, url, event_type, body, now)
            self._callbacks.append(callback)
            self._waiting[callback_id] = callback
            self._changed.notify_all()

    def repeat(self, callback_id: str) -> None:
        """Send a callback once more though it was acknowledged, as happens in life."""
        with self._changed:
            callback = next(each for each in self._callbacks if each.id == callback_id)
            callback.acknowledged, callback.given_up, callback.due_at = False, False, self._clock.now()
            self._waiting[callback_id] = callback
            self._changed.notify_all()

    def deliver_due(self) -> int:
        """Send what is due by the clock, each once; gives back how many tries that were."""
        sent = 0
        tried: set[str] = set()
        while (callback := self._next(tried)) is not None:
            tried.add(callback.id)
            self._try(callback)
            sent += 1
        return sent

    def start(self, threads: int = 2, before: Callable[[], None] = lambda: None) -> None:
        """Deliver in the background from now on; `before` is called ahead of each look at what is due."""
        self._stopping = False
        for number in range(threads):
            thread = threading.Thread(target=self._run, args=(before,), name=f"sandbox-callbacks-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop delivering in the background."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_WAIT_SECONDS + 1)
        self._threads.clear()
        self._wire.clear()

    def _run(self, before: Callable[[], None]) -> None:
        while not self._stopping:
            before()
            if self.deliver_due() == 0:
                with self._changed:
                    if not self._stopping:
                        self._changed.wait(0.1)  # the clock may be moved by anybody, so look again soon

    def _next(self, tried: set[str]) -> Callback | None:
        now = self._clock.now()
        with self._changed:
            for each in self._waiting.values():
                if not each.sending and each.due_at <= now and each.id not in tried:
                    each.sending = True
                    return each
        return None

    def _try(self, callback: Callback) -> None:
        fired = self._faults.take(callback.name)
        if self._goes_astray(callback, fired):
            return
        result = self._send(callback, fired)
        if Fault.TWICE in fired:
            self._send(callback, NOTHING)
        spoiled = bool(fired.faults & _SPOILED)
        accepted = result in ("200", "204")
        with self._changed:
            callback.results.append(result)
            callback.sending = False
            if accepted and spoiled:
                self.wrongly_accepted.append(callback.id)
            tries = len(callback.results)
            if accepted and not spoiled:
                callback.acknowledged = True
            elif tries > len(GAPS):
                callback.given_up = True
            else:
                callback.due_at = self._clock.now() + GAPS[tries - 1]
            if callback.acknowledged or callback.given_up:
                self._waiting.pop(callback.id, None)

    def _goes_astray(self, callback: Callback, fired: Fired) -> bool:
        """Whether this try is not made: the callback is lost for ever, or others overtake it."""
        with self._changed:
            if Fault.LOST in fired:
                callback.results.append("lost for ever")
                callback.given_up, callback.sending = True, False
                self._waiting.pop(callback.id, None)
                return True
            if Fault.OVERTAKEN in fired:
                callback.due_at, callback.sending = self._clock.now() + fired.seconds, False
                return True
        return False

    def _send(self, callback: Callback, fired: Fired) -> str:
        if Fault.LATENCY in fired:
            time.sleep(fired.seconds)
        if Fault.DROP_BEFORE in fired:
            return "lost before"
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Mozilla/4.0",
            **self._platform.headers(callback.body, fired),
        }
        body = callback.body[: len(callback.body) // 2] if Fault.GARBLED in fired else callback.body
        try:
            answer = self._wire.request(
                "POST",
                callback.url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=_WAIT_SECONDS),
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as wrong:
            return type(wrong).__name__
        lost = Fault.DROP_AFTER in fired or fired.status is not None
        return "answer lost" if lost else str(answer.status)
