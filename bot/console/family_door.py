"""The door by which another terminal joins the family: a loopback address, and a key only its owner can read."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from bot.console.family import Family
from bot.sandbox.faults import Faults
from bot.sandbox.http import Answer, LoopbackServer, Request, Route
from dialogs.transcript import Action

FILE_NAME = "chat.json"
LONGEST_WAIT = 20.0  # seconds a request for bubbles may wait


class FamilyDoor:
    """Serves a `Family` to other processes of the same user until it is closed."""

    def __init__(self, family: Family, folder: Path) -> None:
        self._family = family
        self._file = folder / FILE_NAME
        self._key = secrets.token_urlsafe(32)
        self._server = LoopbackServer((Route("family", "POST", "/family/{call}", self._answer),), Faults())

    def open(self) -> None:
        """Answer from now on, and write down where."""
        self._server.start()
        fresh = self._file.with_suffix(f".{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump({"url": self._server.url, "key": self._key}, stream)
        fresh.replace(self._file)

    def close(self) -> None:
        """Answer no more."""
        self._server.stop()
        self._file.unlink(missing_ok=True)

    def _answer(self, request: Request) -> Answer:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._key.encode()):
            return Answer(403)
        call = self._calls().get(request.params["call"])
        if call is None:
            return Answer(404)
        told = call(*json.loads(request.body))
        return Answer(200, json.dumps(_plain(told)).encode(), {"Content-Type": "application/json"})

    def _calls(self) -> dict[str, Callable[..., object]]:
        family = self._family
        return {
            "arrive": family.arrive,
            "names": family.names,
            "menu": family.menu,
            "do": lambda who, verb, words: family.do(who, Action(verb, words)),
            "bubbles": lambda who, seen, seconds: family.bubbles(who, seen, min(seconds, LONGEST_WAIT)),
            "card": family.card,
            "open_link": family.open_link,
            "open_card": family.open_card,
            "pay": family.pay,
            "give_up": family.give_up,
            "now": family.now,
        }


def _plain(told: object) -> Any:
    if isinstance(told, tuple):
        return [_plain(one) for one in told]
    return asdict(told) if is_dataclass(told) and not isinstance(told, type) else told
