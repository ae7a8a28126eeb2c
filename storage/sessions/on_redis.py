"""The store of turns on Redis: one key per openid, one script for a claim, one for a save."""

import redis

from storage.sessions.contract import (
    DEFAULT_LIMITS,
    Answered,
    Claim,
    Claimed,
    Full,
    Limits,
    PushWindow,
    Running,
    Waiting,
)
from storage.sessions.fast_call import FastCall, Word, read_script


class RedisTurnStore:
    """A `TurnStore` on the Redis of `client` (decode_responses=False, time-outs set). Keys begin with `prefix`."""

    def __init__(self, client: redis.Redis, limits: Limits = DEFAULT_LIMITS, prefix: str = "turn:") -> None:
        self._call = FastCall(client)
        self._prefix = prefix
        keep = f"KEEP = {limits.session!r}"
        self._claim = read_script(
            "claim",
            repeatable=True,
            constants=f"{keep}; LEASE, ROOM, PATIENCE = {limits.lease!r}, {limits.waiting}, {limits.patience!r}",
        )
        self._save = read_script(
            "save", repeatable=True, constants=f"{keep}; MOST, KEPT_FOR = {limits.answers}, {limits.answered_for!r}"
        )
        self._release = read_script("release", repeatable=True)
        self._take_push = read_script("take_push", repeatable=False)

    def claim(self, openid: str, message: str, now: float, *, ticket: str, opens: PushWindow | None = None) -> Claim:
        words: tuple[Word, ...] = (message, now, ticket)
        if opens is not None:
            words = (message, now, ticket, opens.seconds, opens.messages)
        answer = self._call.run(self._claim, self._key(openid), *words)
        match answer[0]:
            case b"claimed":
                return Claimed(session=answer[3], fence=answer[1], no_news=bool(answer[2]))
            case b"answered":
                return Answered(answer[1])
            case b"waiting":
                return Waiting()
            case b"running":
                return Running()
        return Full()

    def save(
        self,
        openid: str,
        message: str,
        fence: int,
        session: bytes | None,
        reply: bytes,
        now: float,
        no_news_until: float | None = None,
    ) -> bool:
        words: tuple[Word, ...] = (message, fence, reply, now, "" if no_news_until is None else no_news_until)
        if session is not None:
            words = (*words, session)
        return bool(self._call.run(self._save, self._key(openid), *words))

    def release(self, openid: str, message: str, fence: int, now: float) -> None:
        self._call.run(self._release, self._key(openid), message, fence)

    def peek(self, openid: str, now: float | None = None) -> bytes | None:
        session, until = self._call.command("HMGET", self._key(openid), "s", "se")
        expired = now is not None and until is not None and float(until) <= now
        return None if expired or session is None else bytes(session)

    def forget(self, openid: str) -> None:
        self._call.command("HDEL", self._key(openid), "s", "se", "w")

    def take_push(self, openid: str, now: float) -> bool:
        return bool(self._call.run(self._take_push, self._key(openid), now))

    def give_push_up(self, openid: str, now: float) -> None:
        self._call.command("HDEL", self._key(openid), "w", "n")

    def news(self, openid: str) -> None:
        self._call.command("HDEL", self._key(openid), "n")

    def _key(self, openid: str) -> str:
        return f"{self._prefix}{{{openid}}}"
