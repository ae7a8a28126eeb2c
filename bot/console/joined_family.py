"""The family's phones on the sandbox of another terminal, through its door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import urllib3

from bot.console.family import Card, Counter, FamilyGone, MenuGroup
from bot.console.family_door import FILE_NAME
from bot.sandbox.bubbles import Bubble, Link
from dialogs.transcript import Action

_DEED_SECONDS = 60.0


def running_in(folder: Path) -> JoinedFamily | None:
    """The family of the chat that runs on this folder; None where none does."""
    try:
        told = json.loads((folder / FILE_NAME).read_text("utf-8"))
        family = JoinedFamily(str(told["url"]), str(told["key"]))
        family.now()
    except (OSError, ValueError, KeyError, TypeError, FamilyGone):
        return None
    return family


class JoinedFamily:
    """`Family`."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._wire = urllib3.PoolManager(maxsize=4, retries=False)

    def arrive(self, who: str) -> None:
        """See `Family`."""
        self._call("arrive", who)

    def names(self) -> tuple[str, ...]:
        """See `Family`."""
        return tuple(self._call("names"))

    def menu(self) -> tuple[MenuGroup, ...]:
        """See `Family`."""
        return tuple(MenuGroup(one["name"], tuple(one["items"])) for one in self._call("menu"))

    def do(self, who: str, action: Action) -> str:
        """See `Family`."""
        return str(self._call("do", who, action.verb, action.words))

    def bubbles(self, who: str, seen: int, seconds: float) -> tuple[Bubble, ...]:
        """See `Family`."""
        told = self._call("bubbles", who, seen, seconds)
        return tuple(Bubble(**{**one, "links": tuple(Link(**link) for link in one["links"])}) for one in told)

    def card(self, media_id: str) -> Card | None:
        """See `Family`."""
        told = self._call("card", media_id)
        return None if told is None else Card(**{**told, "modules": tuple(told["modules"])})

    def open_link(self, who: str) -> Counter:
        """See `Family`."""
        return Counter(**self._call("open_link", who))

    def open_card(self, who: str) -> Counter:
        """See `Family`."""
        return Counter(**self._call("open_card", who))

    def pay(self, sheet: int, method: str, password: str) -> str:
        """See `Family`."""
        return str(self._call("pay", sheet, method, password))

    def give_up(self, sheet: int) -> None:
        """See `Family`."""
        self._call("give_up", sheet)

    def now(self) -> float:
        """See `Family`."""
        return float(self._call("now"))

    def _call(self, call: str, *words: object) -> Any:
        try:
            answer = self._wire.request(
                "POST",
                f"{self._url}/family/{call}",
                body=json.dumps(words).encode(),
                headers={"Authorization": self._key, "Content-Type": "application/json"},
                timeout=urllib3.Timeout(_DEED_SECONDS),
            )
        except urllib3.exceptions.HTTPError as gone:
            raise FamilyGone from gone
        if answer.status != 200:
            raise FamilyGone
        return json.loads(answer.data)
