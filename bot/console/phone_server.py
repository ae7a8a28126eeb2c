"""Lets another terminal of the same user join the chat: the phones are served on a loopback address.

The address and the key stand in a file that only its owner can read. `multiprocessing.managers` does the rest: it
answers only calls that know the key, and only to the methods listed here.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any, TypeVar, cast

from bot.console.phones import Card, CashierScreen, MenuGroup, Phones, PhonesGone
from bot.sandbox.bubbles import Bubble
from dialogs.transcript import Action

FILE_NAME = "chat.json"
LOOPBACK = "127.0.0.1"
CALLS = ("arrive", "names", "menu", "do", "bubbles", "card", "open_link", "open_card", "pay", "give_up", "now")

Result = TypeVar("Result")


class PhoneServer:
    """Serves `Phones` to other processes of the same user until this process ends."""

    def __init__(self, phones: Phones, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._key = secrets.token_bytes(32)
        manager = _manager((LOOPBACK, 0), self._key, lambda: phones)
        self._server = manager.get_server()

    def open(self) -> None:
        """Answer from now on, and write down where."""
        threading.Thread(target=self._server.serve_forever, name="phone server", daemon=True).start()
        fresh = self._file.with_suffix(f".{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump({"port": cast("tuple[str, int]", self._server.address)[1], "key": self._key.hex()}, stream)
        fresh.replace(self._file)

    def close(self) -> None:
        """Let nobody join any more; the end of this process closes the connections that are open."""
        self._file.unlink(missing_ok=True)


def find_phones(folder: Path) -> RemotePhones | None:
    """Return the phones of the chat that runs on this folder; None where none does."""
    try:
        where = json.loads((folder / FILE_NAME).read_text("utf-8"))
        phones = RemotePhones(int(where["port"]), bytes.fromhex(where["key"]))
        phones.now()
    except (OSError, ValueError, KeyError, TypeError, PhonesGone):
        return None
    return phones


class RemotePhones:
    """`Phones` in another process. Every call raises PhonesGone when that process has ended."""

    def __init__(self, port: int, key: bytes) -> None:
        """Raises PhonesGone where nothing answers, or not to this key."""
        manager = _manager((LOOPBACK, port), key)
        self._phones = cast(Phones, self._reached(lambda: self._connected(manager)))

    def arrive(self, who: str) -> None:
        self._reached(lambda: self._phones.arrive(who))

    def names(self) -> tuple[str, ...]:
        return self._reached(self._phones.names)

    def menu(self) -> tuple[MenuGroup, ...]:
        return self._reached(self._phones.menu)

    def do(self, who: str, action: Action) -> str:
        return self._reached(lambda: self._phones.do(who, action))

    def bubbles(self, who: str, seen: int, seconds: float) -> tuple[Bubble, ...]:
        return self._reached(lambda: self._phones.bubbles(who, seen, seconds))

    def card(self, media_id: str) -> Card | None:
        return self._reached(lambda: self._phones.card(media_id))

    def open_link(self, who: str) -> CashierScreen:
        return self._reached(lambda: self._phones.open_link(who))

    def open_card(self, who: str) -> CashierScreen:
        return self._reached(lambda: self._phones.open_card(who))

    def pay(self, sheet: int, method: str, password: str) -> str:
        return self._reached(lambda: self._phones.pay(sheet, method, password))

    def give_up(self, sheet: int) -> None:
        self._reached(lambda: self._phones.give_up(sheet))

    def now(self) -> float:
        return self._reached(self._phones.now)

    @staticmethod
    def _connected(manager: Any) -> Any:
        manager.connect()
        return manager.phones()

    @staticmethod
    def _reached(call: Callable[[], Result]) -> Result:
        from multiprocessing import AuthenticationError

        try:
            return call()
        except (OSError, EOFError, AuthenticationError) as gone:
            raise PhonesGone from gone


def _manager(address: tuple[str, int], key: bytes, phones: Callable[[], Phones] | None = None) -> BaseManager:
    class PhoneManager(BaseManager):
        """Its one shared object is the phones."""

    PhoneManager.register("phones", callable=phones, exposed=CALLS)
    return PhoneManager(address, authkey=key)
