"""The phones of one family and what they can do: the one thing a chat window needs, here or in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.sandbox.bubbles import Bubble
from dialogs.transcript import Action


class PhonesGone(Exception):
    """The window in which the sandbox runs was closed."""


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """One of the (at most three) groups of the account's menu."""

    name: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a payment card in the chat shows: what its code says, fen, unix seconds; `over`: it cannot be paid."""

    code_url: str
    amount: int = 0
    description: str = ""
    expires_at: float = 0.0
    over: bool = True


@dataclass(frozen=True, slots=True)
class CashierScreen:
    """WeChat's cashier as it opened: a sheet with an amount in fen; without one, what is said instead, and where."""

    sheet: int = 0
    amount: int = 0
    description: str = ""
    sentence: str = ""
    place: Literal["chat", "web", "cashier"] = "chat"


class Phones(Protocol):
    """Phones by the name of who holds them. Troubles come back as sentences; "" is none. Raises FamilyGone."""

    def arrive(self, who: str) -> None:
        """Take up a phone; one that does not know the account yet follows it."""
        ...

    def names(self) -> tuple[str, ...]:
        """Who has a phone."""
        ...

    def menu(self) -> tuple[MenuGroup, ...]:
        """The menu the bot has pushed."""
        ...

    def do(self, who: str, action: Action) -> str:
        """Do something on a phone; what comes of it is among the bubbles."""
        ...

    def bubbles(self, who: str, seen: int, seconds: float) -> tuple[Bubble, ...]:
        """The bubbles after the first `seen`, waiting so long for one."""
        ...

    def card(self, media_id: str) -> Card | None:
        """The payment card in a picture; None where it holds no code."""
        ...

    def open_link(self, who: str) -> CashierScreen:
        """Open the newest pay link of this phone."""
        ...

    def open_card(self, who: str) -> CashierScreen:
        """Scan the newest payment card of the family with this phone."""
        ...

    def pay(self, sheet: int, method: str, password: str) -> str:
        """Pay by 零钱 or 银行卡."""
        ...

    def give_up(self, sheet: int) -> None:
        """Close the cashier."""
        ...

    def now(self) -> float:
        """The sandbox's time, in unix seconds."""
        ...
