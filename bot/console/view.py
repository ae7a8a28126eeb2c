"""What a chat window shows; plain lines where there is no terminal, colours where there is one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TextIO

from bot.console.bubble_lines import readable, spans
from bot.console.messages import word
from bot.console.phones import Card
from bot.sandbox.bubbles import Bubble
from dialogs.terms.money import yuan
from dialogs.transcript import Action


class View(Protocol):
    """The output of one window."""

    def mine(self, action: Action, who: str, at: datetime) -> None:
        """What the citizen said or did."""
        ...

    def theirs(self, bubble: Bubble, at: datetime) -> None:
        """A bubble of the account."""
        ...

    def card(self, card: Card, at: datetime, expires: datetime) -> None:
        """A payment card of the account."""
        ...

    def note(self, text: str) -> None:
        """A word of the console itself."""
        ...

    def page(self, title: str, lines: Sequence[str]) -> None:
        """A screen that is not the chat: the cashier, WeChat's browser."""
        ...


class PlainView:
    """Lines as in a transcript: `>` the citizen, `<` a reply, `<<` a push, `#` everything else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def mine(self, action: Action, who: str, at: datetime) -> None:
        self._lines(">", str(action).split("\n"))

    def theirs(self, bubble: Bubble, at: datetime) -> None:
        text = word("chat.picture") if bubble.kind == "image" else bubble.shown
        self._lines("<<" if bubble.pushed else "<", text.split("\n"))

    def card(self, card: Card, at: datetime, expires: datetime) -> None:
        self._lines(
            "<<", [card_line(card, expires)] if card.over else [*code_lines(card.code_url), card_line(card, expires)]
        )

    def note(self, text: str) -> None:
        self._lines("#", text.split("\n"))

    def page(self, title: str, lines: Sequence[str]) -> None:
        self._lines("#", [f"〔{title}〕", *lines])

    def _lines(self, mark: str, lines: Sequence[str]) -> None:
        for line in lines:
            self._out.write(f"{mark} {readable(line)}".rstrip() + "\n")
        self._out.flush()


def code_lines(text: str) -> list[str]:
    """A QR code that says `text` as lines of half blocks: dark letters on a light ground."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=2)
    code.add_data(text)
    drawn = io.StringIO()
    code.print_ascii(drawn)
    return drawn.getvalue().replace("\xa0", " ").splitlines()


def card_line(card: Card, expires: datetime) -> str:
    """What stands under the code."""
    if card.over:
        return word("chat.card_over")
    return word("chat.card", amount=yuan(card.amount), description=card.description, time=f"{expires:%H:%M}")


def has_pay_link(bubble: Bubble) -> bool:
    """Whether the cashier can be opened from it."""
    return any(span.kind == "address" for line in spans(bubble) for span in line)
