"""What comes in and what goes out of one turn: `Said` by the citizen, `Reply` by the bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",  # typed, or a tapped option where the account is sent no id
    "tap",  # an option tapped: `option` holds its id, `text` its label
    "menu",  # the account's menu: `key` holds the service
    "subscribe",  # `key` holds the scene of the account's code that was scanned, if one was
    "unsubscribe",
    "withdraw",  # the WeChat account was closed, or its authorization taken back: as 撤回同意, and nothing is said
    "scan",  # the account's code: `key` holds its scene
    "voice",  # `text` holds what WeChat recognised, if anything
    "image",
    "video",
    "location",
    "link",
    "unknown",  # a kind of message nobody knows yet
    "quiet",  # an event that wants no answer (a link was opened, a push was delivered)
]


@dataclass(frozen=True, slots=True)
class Said:
    """One message or event of one citizen."""

    kind: Kind
    text: str = ""
    option: str = ""
    key: str = ""

    @property
    def typed(self) -> bool:
        """Whether it came from the keyboard or the microphone rather than from a finger on an option."""
        return self.kind in ("text", "voice") and bool(self.text)


@dataclass(frozen=True, slots=True)
class Shown:
    """One option as it is shown: a line to tap, or a link to open."""

    id: str  # REVISION.N, or go:SERVICE; comes back with the tap
    label: str  # what the citizen's own bubble shows after the tap, and enough to recognise it by
    number: int | None = None
    url: str = ""

    @property
    def line(self) -> str:
        """The line as a person reads it."""
        return self.label if self.number is None else f"{self.number} {self.label}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Text, then options, then text. Empty means: nothing is said."""

    text: tuple[str, ...] = ()
    options: tuple[Shown, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The reply as a person reads it, line by line."""
        return tuple(
            line
            for block in (*self.text, *(option.line for option in self.options), *self.after)
            for line in block.split("\n")
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.options or self.after)
