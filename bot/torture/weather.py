"""The faults of a run, drawn from the seed before it begins: the same seed and length give the same plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bot.sandbox.faults import Fault

EVERY = (0.3, 1.0)  # seconds between two injections
KILL_EVERY = {True: (2.0, 5.0), False: (4.0, 9.0)}  # of services; of a single process, whose death stops everything
ENDPOINTS: tuple[str, ...] = (
    "pay.*",
    "pay.jsapi",
    "pay.native",
    "pay.query",
    "pay.close",
    "pay.refund",
    "pay.refund_query",
)
ENDPOINTS += ("wechat.send", "wechat.upload", "wechat.token", "push")
KINDS: tuple[Fault, ...] = (
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.STATUS_500,
    Fault.STATUS_502,
    Fault.STATUS_429,
    Fault.GARBLED,
)
KINDS += (Fault.WRONG_SIGNATURE, Fault.LATENCY)
CALLBACKS: tuple[Fault, ...] = (
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.LOST,
    Fault.TWICE,
    Fault.OVERTAKEN,
    Fault.WRONG_SIGNATURE,
)
CALLBACKS += (Fault.SIGNTEST, Fault.GARBLED, Fault.WRONG_TIME)
POINTS: tuple[str, ...] = (
    "commit settling.*:before",
    "commit settling.*:after",
    "commit till.*:before",
    "commit till.*:after",
)
POINTS += ("commit *:before", "commit *:after", "pay.*:before", "pay.*:after", "sessions.save:*", "sessions.claim:*")
POINTS += (
    "wechat.*:before",
    "wechat.*:after",
    "http POST /pay/notify:*",
    "http POST /wechat:after",
    "pay.refund:after",
)
SKEWS = (0, 0, 0, 0, 0, 2, -2, 40, -40, 200, -200, 400, -400)  # seconds; beyond 300 WeChat Pay is not believed


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault: `at` seconds after the beginning, of a kind, with what it needs."""

    at: float
    kind: str
    what: str = ""
    amount: float = 0.0
    lasts: float = 0.0
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """How it is counted."""
        if self.fault is None:
            return self.kind
        return f"{self.kind} {self.fault.value}"


def forecast(seed: int, seconds: float, *, services: bool, processes: int) -> list[Injection]:
    """Everything that is going to happen, in order."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    plan, at = [], 1.0
    while at < seconds:
        plan.append(_one(random, at, _storage_faults(services=services)))
        at += random.uniform(*EVERY)
    at = 4.0
    while at < seconds:
        plan.append(Injection(at, "kill", amount=random.randrange(processes)))
        at += random.uniform(*KILL_EVERY[services])
    return sorted(plan, key=lambda one: one.at)


def birth(random: Random) -> dict[str, str]:
    """What is laid over a process when it starts: perhaps a wrong clock, perhaps the point where it will die."""
    more = {}
    if skew := random.choice(SKEWS):
        more["TORTURE_SKEW"] = str(skew)
    if random.random() < 0.5:
        more["TORTURE_DIE"] = f"{random.choice(POINTS)} {random.choice((1, 2, 3, 5, 8))}"
    return more


def _storage_faults(*, services: bool) -> Sequence[tuple[str, float]]:
    if services:
        return (
            ("redis flush", 0),
            ("redis restart", 0),
            ("redis pause", 2.5),
            ("postgresql cut", 0),
            ("postgresql restart", 2),
            ("postgresql terminate", 0),
            ("commit cut before", 0),
            ("commit cut after", 0),
            ("commit cut after", 0),
        )
    return (("disk full", 1.5),)


def _one(random: Random, at: float, storage: Sequence[tuple[str, float]]) -> Injection:
    chance, lasts = random.random(), random.uniform(0.5, 3.0)
    if chance < 0.40:
        fault = random.choice(KINDS)
        late = random.choice((0.5, 2.0, 4.0)) if fault is Fault.LATENCY else 0.0
        return Injection(at, "call", random.choice(ENDPOINTS), late, lasts, fault)
    if chance < 0.62:
        fault = random.choice(CALLBACKS)
        return Injection(at, "callback", "callback.*", random.uniform(60, 600), lasts, fault)
    if chance < 0.72:
        return Injection(at, "clock jump", amount=random.choice((20, 60, 120, 300, 600, 1200)))
    if chance < 0.82:
        return Injection(at, "forged callbacks")
    if chance < 0.88:
        return Injection(at, "callback again")
    kind, most = random.choice(list(storage))
    return Injection(at, kind, lasts=most and random.uniform(0.3, most))
