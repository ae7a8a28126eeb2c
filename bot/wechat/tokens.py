"""The access token: kept in the shared store, renewed early, by one process at a time.

The background work renews it as soon as WeChat gives a new one, in the last minutes of the old; whoever needs a token
renews it only where that did not happen, so that no citizen waits for it.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.wechat.account_errors import AccountTrouble, AccountUnreachable
from storage.sessions.contract import SharedStore, StoreUnavailable

LEASE_SECONDS = 10
WAIT_SECONDS = 0.1
WAITS = 30
LONGEST_MARGIN = 300


@dataclass(frozen=True)
class FreshToken:
    """A token as WeChat gives it; lives `seconds` from now (any value of 300 or more, facts/wechat.md A0)."""

    token: str = field(repr=False)
    seconds: int


@dataclass(frozen=True)
class KeptToken:
    token: str = field(repr=False)
    renew_at: float  # from then on the background work renews it
    ends_at: float

    @property
    def pressing_at(self) -> float:
        """From then on whoever needs a token renews it."""
        return (self.renew_at + self.ends_at) / 2


class TokenStore:
    """Hands out one account's access token.

    `fetch` passed to the methods asks WeChat (stable_token, never forced) and raises AccountTrouble. `clock` gives
    seconds since 1970, `pause` waits that many seconds. No method logs a token, and no representation shows one.
    """

    def __init__(
        self,
        store: SharedStore,
        app_id: str,
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._store = store
        self._name = f"wechat_token:{app_id}"
        self._lease = f"wechat_token_renewal:{app_id}"
        self._clock = clock
        self._pause = pause

    def current(self, fetch: Callable[[], FreshToken]) -> str:
        """A token that lives. Raises AccountTrouble where there is none and none can be fetched."""
        return self._token(fetch, failed=None)

    def instead_of(self, failed: str, fetch: Callable[[], FreshToken]) -> str:
        """Another token after WeChat refused `failed`: what a colleague renewed meanwhile, or a newly fetched one."""
        return self._token(fetch, failed=failed)

    def renewed(self, fetch: Callable[[], FreshToken]) -> float:
        """For the background work: a token that lives on for a while; gives the moment to come again (unix seconds).

        Raises AccountTrouble also where the old token lives on; StoreUnavailable.
        """
        now = self._clock()
        kept = self._usable(None)
        if kept and now < kept.renew_at:
            return kept.renew_at
        owner = secrets.token_hex(8)
        if not self._store.lease(self._lease, owner, LEASE_SECONDS, now):
            return now + LEASE_SECONDS  # somebody who needed one is at it
        try:
            return self._keep(fetch(), now).renew_at
        finally:
            self._store.free(self._lease, owner)

    def _token(self, fetch: Callable[[], FreshToken], failed: str | None) -> str:
        try:
            return self._kept_or_fetched(fetch, failed)
        except StoreUnavailable:
            raise AccountUnreachable("no access token: the store of shared values does not answer") from None

    def _kept_or_fetched(self, fetch: Callable[[], FreshToken], failed: str | None) -> str:
        for _ in range(WAITS):
            kept = self._usable(failed)
            if kept and self._clock() < kept.pressing_at:
                return kept.token
            owner = secrets.token_hex(8)
            if self._store.lease(self._lease, owner, LEASE_SECONDS, self._clock()):
                return self._renew(fetch, owner, failed)
            if kept:
                return kept.token  # somebody else renews it; the old one lives on beside the new one
            self._pause(WAIT_SECONDS)
        raise AccountUnreachable("no access token: another process has been renewing it for too long")

    def _renew(self, fetch: Callable[[], FreshToken], owner: str, failed: str | None) -> str:
        kept = self._usable(failed)
        if kept and self._clock() < kept.pressing_at:
            self._store.free(self._lease, owner)
            return kept.token
        asked_at = self._clock()
        try:
            fresh = fetch()
        except AccountTrouble:
            if kept:
                return kept.token  # the lease is left to run out: for ten seconds nobody knocks at a closed door
            self._store.free(self._lease, owner)
            raise
        self._keep(fresh, asked_at)
        self._store.free(self._lease, owner)
        return fresh.token

    def _keep(self, fresh: FreshToken, asked_at: float) -> KeptToken:
        margin = min(LONGEST_MARGIN, fresh.seconds / 5)
        kept = KeptToken(fresh.token, asked_at + fresh.seconds - margin, asked_at + fresh.seconds)
        value = json.dumps([kept.token, kept.renew_at, kept.ends_at])
        self._store.put(self._name, value, fresh.seconds, self._clock())
        return kept

    def _usable(self, failed: str | None) -> KeptToken | None:
        now = self._clock()
        text = self._store.get(self._name, now)
        try:
            token, renew_at, ends_at = json.loads(text) if text else (None, 0, 0)
            if not isinstance(token, str) or token == failed or now >= ends_at:
                return None
            return KeptToken(token, float(renew_at), float(ends_at))
        except (ValueError, TypeError):
            return None  # written by another release
