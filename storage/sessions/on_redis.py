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
        self._limits = limits
        self._prefix = prefix
        self._claim = read_script("claim", repeatable=True)
        self._save = read_script("save", repeatable=True)
        self._release = read_script("release", repeatable=True)
        self._take_push = read_script("take_push", repeatable=False)

    def claim(self, openid: str, message: str, now: float, *, ticket: str, opens: PushWindow | None = None) -> Claim:
        limits = self._limits
        words: tuple[Word, ...] = (message, now, ticket, limits.lease, limits.waiting, limits.patience, limits.session)
        if opens is not None:
            words = (*words, opens.seconds, opens.messages)
        answer = self._call.run(self._claim, self._key(openid), *words)
        match answer[0]:
            case b"claimed":
                return Claimed(session=answer[2], fence=answer[1])
            case b"answered":
                return Answered(answer[1])
            case b"waiting":
                return Waiting()
            case b"running":
                return Running()
        return Full()

    def save(self, openid: str, message: str, fence: int, session: bytes | None, reply: bytes, now: float) -> bool:
        limits = self._limits
        words: tuple[Word, ...] = (message, fence, reply, now, limits.session, limits.answers, limits.answered_for)
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
        self._call.command("HDEL", self._key(openid), "w")

    def _key(self, openid: str) -> str:
        return f"{self._prefix}{{{openid}}}"
