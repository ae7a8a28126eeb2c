"""Access tokens as /cgi-bin/stable_token gives them, and what becomes of old ones (facts/wechat.md A0)."""

import secrets
import threading
from dataclasses import dataclass

from bot.sandbox.clock import MovableClock
from bot.sandbox.http import Request
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.refusals import Refused, json_body

LIFE_SECONDS = 7200
RENEWED_BEFORE_SECONDS = 300
FORCED_PER_DAY = 20
FORCED_SPACING_SECONDS = 30
_DAY_SECONDS = 86400
_FIELDS = {"grant_type", "appid", "secret", "force_refresh"}


@dataclass
class _Token:
    value: str
    expires_at: float
    killed: bool = False


class Tokens:
    """All tokens this account was ever given."""

    def __init__(self, keys: SandboxKeys, clock: MovableClock) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._given: dict[str, _Token] = {}
        self._newest: _Token | None = None
        self._forced: list[float] = []
        self.requests = 0

    def stable_token(self, request: Request) -> dict[str, object]:
        """Normal mode repeats the token until 5 minutes before its end; force_refresh kills the one before."""
        asked = json_body(request)
        if asked.get("grant_type") != "client_credential" or set(asked) - _FIELDS:
            raise Refused(40002, "invalid grant_type")
        if asked.get("appid") != self._keys.app_id:
            raise Refused(40013, "invalid appid")
        if asked.get("secret") != self._keys.secret:
            raise Refused(40125, "invalid appsecret")
        force = asked.get("force_refresh", False)
        if not isinstance(force, bool):
            raise Refused(47001, "data format error: force_refresh")
        with self._lock:
            self.requests += 1
            now = self._clock.now()
            if force:
                self._force(now)
            token = self._newest
            if token is None or token.killed or token.expires_at - now <= RENEWED_BEFORE_SECONDS:
                token = self._newest = _Token(secrets.token_urlsafe(96), now + LIFE_SECONDS)
                self._given[token.value] = token
            return {"access_token": token.value, "expires_in": int(token.expires_at - now)}

    def check(self, request: Request) -> None:
        """Refuse a call without a token that is good now."""
        value = request.query.get("access_token", "")
        if not value:
            raise Refused(41001, "access_token missing")
        with self._lock:
            token = self._given.get(value)
            if token is None:
                raise Refused(40014, "invalid access_token")
            if token.killed:
                raise Refused(40001, "invalid credential, access_token is invalid or not latest")
            if self._clock.now() >= token.expires_at:
                raise Refused(42001, "access_token expired")

    def kill_all(self) -> None:
        """Make every token given so far invalid (40001), as somebody else's force_refresh would."""
        with self._lock:
            for token in self._given.values():
                token.killed = True

    def _force(self, now: float) -> None:
        self._forced = [at for at in self._forced if at > now - _DAY_SECONDS]
        if len(self._forced) >= FORCED_PER_DAY:
            raise Refused(45009, "reach max api daily quota limit")
        if self._forced and now - self._forced[-1] < FORCED_SPACING_SECONDS:
            raise Refused(45011, "api minute-quota reach limit, must slower, retry next minute")
        self._forced.append(now)
        for token in self._given.values():
            token.killed = True
