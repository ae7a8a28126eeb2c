"""The forecast carried out: each injection at its time, processes watched and started again, everything counted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from bot.sandbox.callbacks import Callback
from bot.torture.forgery import Forger
from bot.torture.ground import Ground, random_of
from bot.torture.weather import Injection, birth, forecast

READY_SECONDS = 120
LOOK = 0.1  # seconds between two looks at the processes


class DidNotStart(RuntimeError):
    """A process does not come up though nothing fails; holds the end of its log."""


class Tempest:
    """Blows from `start` until `calm`; then every fault is over and every process was started anew, unspoiled."""

    def __init__(self, ground: Ground, seed: int, seconds: float) -> None:
        self.injected: Counter[str] = Counter()
        self.forger = Forger(ground.sandbox, f"{ground.url}/pay/notify", random_of(seed, "forger"))
        self._ground = ground
        self._seed = seed
        self._random: Random = random_of(seed, "tempest")
        services = ground.wire is not None
        self._plan = forecast(seed, seconds, services=services, processes=len(ground.bots))
        self._over = threading.Event()
        self._lulls: list[tuple[float, Callable[[], None]]] = []  # what ends, and when
        self._threads = [
            threading.Thread(target=self._blow, name="tempest", daemon=True),
            threading.Thread(target=self._watch, name="watch", daemon=True),
        ]

    def start(self) -> None:
        """Start every process, then the faults."""
        for bot in self._ground.bots:
            bot.start()
        self._all_ready()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No more faults; what died by then is started again by `calm`."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for _, ends in self._lulls:
            ends()
        ground = self._ground
        ground.sandbox.faults.clear()
        ground.disk.unlink(missing_ok=True)
        if ground.wire:
            ground.wire.heal()

    def calm(self) -> None:
        """One last kill of everything, and a clean start. Raises DidNotStart."""
        for bot in self._ground.bots:
            bot.kill()
            bot.start()
        self._all_ready()

    def _all_ready(self) -> None:
        for bot in self._ground.bots:
            ends = time.monotonic() + READY_SECONDS
            while not bot.ready.wait(LOOK):
                if time.monotonic() > ends:
                    there = "is there and not ready" if bot.alive else "ended"
                    raise DidNotStart(f"{bot.what} {there}: {bot.log.read_text()[-2000:]}")
                if bot.buried():
                    bot.start()

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            for slot, bot in enumerate(self._ground.bots):
                if bot.buried():
                    more = birth(random_of(self._seed, slot, bot.starts))
                    self.injected["wrong process clock"] += "TORTURE_SKEW" in more
                    bot.start(**more)

    def _blow(self) -> None:
        began = time.monotonic()
        for injection in self._plan:
            while (left := began + injection.at - time.monotonic()) > 0:
                self._end_what_is_over()
                if self._over.wait(min(left, LOOK)):
                    return
            if self._over.is_set():
                return  # an injection took so long that others are late
            try:
                self._inject(injection)
            except Exception as wrong:
                self.injected[f"not done: {injection.name} ({type(wrong).__name__})"] += 1
            else:
                self.injected[injection.name] += 1

    def _end_what_is_over(self) -> None:
        now = time.monotonic()
        over = [ends for until, ends in self._lulls if until <= now]
        self._lulls = [one for one in self._lulls if one[0] > now]
        for ends in over:
            ends()

    def _inject(self, one: Injection) -> None:
        ground, faults = self._ground, self._ground.sandbox.faults
        if one.fault is not None:
            faults.put(one.what, one.fault, probability=0.6, seconds=one.amount)
            self._until(one.lasts, lambda: faults.clear(one.what))
        elif one.kind == "kill":
            bot = ground.bots[int(one.amount)]
            bot.kill()
        elif one.kind == "clock jump":
            ground.clock.move(one.amount)
        elif one.kind == "forged callbacks":
            self.forger.strike()
        elif one.kind == "callback again":
            self._send_again()
        elif one.kind == "disk full":
            ground.disk.touch()
            self._until(one.lasts, lambda: ground.disk.unlink(missing_ok=True))
        elif one.kind.startswith("redis"):
            self._on_redis(one)
        else:
            self._on_postgresql(one)

    def _on_redis(self, one: Injection) -> None:
        redis = self._ground.redis
        assert redis is not None
        match one.kind:
            case "redis flush":
                redis.flush()
            case "redis restart":
                redis.restart()
            case _:
                with redis.paused():
                    time.sleep(one.lasts)

    def _on_postgresql(self, one: Injection) -> None:
        wire = self._ground.wire
        assert wire is not None
        match one.kind:
            case "postgresql cut":
                wire.cut()
            case "postgresql restart":
                wire.refuse(one.lasts)
            case "postgresql terminate":
                self._ground.terminate_backends()
            case _:
                wire.cut_next_commit(one.kind.rpartition(" ")[2])

    def _send_again(self) -> None:
        done: list[Callback] = [one for one in self._ground.sandbox.pay.deliveries() if one.acknowledged]
        if done:
            self._ground.sandbox.pay.callbacks.repeat(self._random.choice(done).id)

    def _until(self, seconds: float, ends: Callable[[], None]) -> None:
        self._lulls.append((time.monotonic() + seconds, ends))
