"""How many strangers one openid may ask about: kept in the shared store, so over restarts and all processes.

A program answers every code, so limits are what protects people from being found by trying numbers and names. A lost
store begins all counts again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from dialogs.world import PersonLimit, Unavailable
from storage.sessions.contract import SharedStore, StoreUnavailable

DAY_SECONDS = 86400
MONTH_DAYS = 30


@dataclass(frozen=True)
class LimitSettings:
    """`[limits]` of the configuration, as far as people are concerned."""

    misses_a_day: int = 8
    names_for_one: int = 3
    pause_minutes: int = 10
    new_people_a_day: int = 10
    new_people_a_month: int = 30
    misses_before_code: int = 10


@dataclass(frozen=True)
class _Account:
    """What one openid did lately: misses and new people, each a look-up key and unix seconds."""

    misses: list[tuple[str, float]] = field(default_factory=list)
    people: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class StoredPeopleLimits:
    """`dialogs.world.PeopleLimits` over the shared store. Times are unix seconds; every call may raise Unavailable."""

    shared: SharedStore
    limits: LimitSettings
    clock: Callable[[], float]

    def has_met(self, payer: str, insured: str) -> bool:
        """Whether this openid confirmed number and name of this insured within thirty days."""
        return any(key == insured for key, _ in self._read(payer).people)

    def reached(self, payer: str, insured: str) -> PersonLimit | None:
        """The limit that keeps this openid from asking about this insured now; None where there is none."""
        now, account, limits = self.clock(), self._read(payer), self.limits
        day = now - DAY_SECONDS
        wrong = sorted(at for key, at in account.misses if key == insured and at > day)
        pause = limits.pause_minutes * 60
        rounds = len(wrong) // limits.names_for_one
        if rounds and len(wrong) % limits.names_for_one == 0 and wrong[-1] + pause > now:
            return PersonLimit(int(wrong[-1] + pause), of_one=True)
        if rounds >= limits.names_for_one:  # three rounds of three wrong names: not before tomorrow
            return PersonLimit(int(wrong[0] + DAY_SECONDS), of_one=True)
        last_miss = {key: at for key, at in sorted(account.misses, key=_time) if at > day}
        missed = sorted(last_miss.values())
        if len(missed) >= limits.misses_a_day:
            return PersonLimit(int(missed[-limits.misses_a_day] + DAY_SECONDS))
        if insured in (key for key, _ in account.people):
            return None
        new = sorted(at for _, at in account.people)
        spans = ((limits.new_people_a_day, DAY_SECONDS), (limits.new_people_a_month, MONTH_DAYS * DAY_SECONDS))
        for most, seconds in spans:
            recent = [at for at in new if at > now - seconds]
            if len(recent) >= most:
                return PersonLimit(int(recent[-most] + seconds))
        return None

    def missed(self, payer: str, insured: str) -> None:
        """A number or a name did not fit: counted for this openid, and for this number over all openids."""
        now, account = self.clock(), self._read(payer)
        account.misses.append((insured, now))
        self._write(payer, account)
        try:
            hits = self.shared.count(f"missed:person:{insured}", DAY_SECONDS, now)
            if hits >= self.limits.misses_before_code:
                self.shared.put(f"code-first:{insured}", "1", DAY_SECONDS, now)
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be counted just now") from gone

    def met(self, payer: str, insured: str) -> None:
        """Number and name fit: slips before it are forgiven. The first time in thirty days this is a new person."""
        account = self._read(payer)
        slips = [one for one in account.misses if one[0] == insured]
        for slip in slips:
            account.misses.remove(slip)
        is_new = not any(key == insured for key, _ in account.people)
        if is_new:
            account.people.append((insured, self.clock()))
        if is_new or slips:
            self._write(payer, account)

    def wants_code(self, insured: str) -> bool:
        """Whether so many names were tried for this number today that a code comes before the name."""
        try:
            return self.shared.get(f"code-first:{insured}", self.clock()) is not None
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be looked up just now") from gone

    def _read(self, payer: str) -> _Account:
        now = self.clock()
        try:
            kept = json.loads(self.shared.get(f"people:{payer}", now) or "{}")
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be looked up just now") from gone
        return _Account(
            misses=_since(now - DAY_SECONDS, kept.get("misses", [])),
            people=_since(now - MONTH_DAYS * DAY_SECONDS, kept.get("people", [])),
        )

    def _write(self, payer: str, account: _Account) -> None:
        content = json.dumps({"misses": account.misses[-100:], "people": account.people[-200:]})
        try:
            self.shared.put(f"people:{payer}", content, MONTH_DAYS * DAY_SECONDS, self.clock())
        except StoreUnavailable as gone:
            raise Unavailable("tries cannot be counted just now") from gone


def _since(oldest: float, entries: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(key, at) for key, at in entries if at > oldest]


def _time(one: tuple[str, float]) -> float:
    return one[1]
