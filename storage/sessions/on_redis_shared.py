"""The store of shared values on Redis: one key per value, lease or counter."""

from math import ceil

import redis

from storage.sessions.fast_call import FastCall, read_script


class RedisSharedStore:
    """A `SharedStore` on the Redis of `client` (decode_responses=False, time-outs set). Keys begin with `prefix`."""

    def __init__(self, client: redis.Redis, prefix: str = "shared:") -> None:
        self._call = FastCall(client)
        self._prefix = prefix
        self._lease = read_script("lease", repeatable=True)
        self._free = read_script("free", repeatable=True)
        self._count = read_script("count", repeatable=False)

    def get(self, name: str, now: float) -> str | None:
        kept = self._call.command("GET", f"{self._prefix}value:{name}")
        if kept is None:
            return None
        until, _, value = kept.partition(b" ")
        return str(value, "utf-8") if float(until) > now else None

    def put(self, name: str, value: str, seconds: float, now: float) -> None:
        # The end stands with the value, because `now` decides; Redis's own expiry only sweeps up.
        self._call.command(
            "SET", f"{self._prefix}value:{name}", f"{now + seconds!r} {value}", "EX", max(0, ceil(seconds)) + 60
        )

    def lease(self, name: str, owner: str, seconds: float, now: float) -> bool:
        return bool(self._call.run(self._lease, f"{self._prefix}lease:{name}", owner, seconds, now))

    def free(self, name: str, owner: str) -> None:
        self._call.run(self._free, f"{self._prefix}lease:{name}", owner)

    def count(self, name: str, seconds: float, now: float) -> int:
        return int(self._call.run(self._count, f"{self._prefix}count:{name}", seconds, now))

    def wait_left(self, name: str, now: float) -> float:
        until = self._call.command("HGET", f"{self._prefix}count:{name}", "until")
        return 0.0 if until is None else max(0.0, float(until) - now)
