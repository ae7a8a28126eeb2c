"""The chat in a terminal: the account's bubbles on the left, the citizen's on the right, in colour."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bot.console.bubble_lines import Span, columns, readable, spans
from bot.console.family import Card
from bot.console.qr_blocks import half_blocks
from bot.console.view import card_line
from bot.console.words import word
from bot.sandbox.bubbles import Bubble
from dialogs.transcript import TYPED, Action

WIDEST = 56  # columns of a bubble; long lines tire the eye
EDGE = 1  # columns left free at both sides
RESET = "\x1b[0m"
DIM, BOLD = "\x1b[2m", "\x1b[1m"
THEIRS = "\x1b[38;5;255;48;5;237m"
MINE = "\x1b[38;5;16;48;5;114m"
PAPER = "\x1b[38;5;16;48;5;231m"
LINK = {"words": "", "option": "\x1b[4;38;5;117m", "address": "\x1b[1;4;38;5;120m"}
HINT = "\x1b[38;5;245m"
GREEN = "\x1b[1;38;5;77m"

BUBBLES = (TYPED, "点", "点旧")
NUMBERED = re.compile(r"^[0-9]+ ")

Painted = tuple[str, str]  # words and their colour


class PaintedView:
    """Writes whole bubbles at once, so that two threads cannot mix theirs; `write` takes ANSI text."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def mine(self, action: Action, who: str, at: datetime) -> None:
        """A bubble for what was typed or tapped; one line in the middle for what makes none in WeChat."""
        if action.verb == "等待":
            return  # the note on the new time says it
        if action.verb not in BUBBLES:
            line = f"· {readable(str(action))} ·"
            self._put([" " * max(0, (_columns() - columns(line)) // 2) + f"{DIM}{line}{RESET}"])
            return
        text = action.words if action.verb == TYPED else NUMBERED.sub("", action.words)
        lines = _wrapped([(text_line, "")] for text_line in text.split("\n"))
        width = max(map(_width, lines))
        left = " " * max(0, _columns() - width - 2 - EDGE)
        name = f"{at:%H:%M}  {who}"
        head = " " * max(0, _columns() - columns(name) - EDGE) + f"{DIM}{name}{RESET}"
        self._put([head, *(f"{left}{MINE} {_row(line, width, MINE)} {RESET}" for line in lines)])

    def theirs(self, bubble: Bubble, at: datetime) -> None:
        """See `View`."""
        if bubble.kind == "image":
            self._bubble([[(word("chat.picture"), "")]], at)
        else:
            self._bubble([[piece for span in line for piece in _painted(span)] for line in spans(bubble)], at)

    def card(self, card: Card, at: datetime, expires: datetime) -> None:
        """See `View`."""
        if card.over:
            self._bubble([[(card_line(card, expires), "")]], at)
            return
        code = [f"{' ' * EDGE}{PAPER}{line}{RESET}" for line in half_blocks(card.modules)]
        caption = [f"{BOLD}{card_line(card, expires)}{RESET}", f"{HINT}{word('chat.card_scan')}{RESET}"]
        self._put([_head(at), *code, *(" " * EDGE + line for line in caption)])

    def note(self, text: str) -> None:
        """See `View`."""
        self._put([f"{' ' * EDGE}{HINT}{line}{RESET}" for line in text.split("\n")])

    def page(self, title: str, lines: Sequence[str]) -> None:
        """See `View`."""
        room = min(40, _columns() - 4)
        painted = ([(line, BOLD if line.startswith("¥") else "")] for line in lines)
        shown = [_row(line, room, "") for line in _wrapped(painted)]
        bar = "─" * max(2, room - columns(title) - 1)
        self._put(["", f" ┌ {GREEN}{title}{RESET} {bar}", *(f" │ {line}" for line in shown), f" └{'─' * (room + 2)}"])

    def _bubble(self, lines: Iterable[list[Painted]], at: datetime) -> None:
        wrapped = _wrapped(lines)
        width = max(map(_width, wrapped))
        body = [f"{' ' * EDGE}{THEIRS} {_row(line, width, THEIRS)} {RESET}" for line in wrapped]
        self._put([_head(at), *body])

    def _put(self, lines: Iterable[str]) -> None:
        self._write("\n".join(lines) + "\n\n")


def _head(at: datetime) -> str:
    return f"{' ' * EDGE}{GREEN}{word('chat.account')}{RESET}  {DIM}{at:%H:%M}{RESET}"


def _painted(span: Span) -> list[Painted]:
    """A link shows what to type to press it, where its words do not begin with its number."""
    words = (span.text, LINK[span.kind])
    if span.kind == "address":
        return [words, ("  ‹/付款›", HINT)]
    if span.kind == "option" and not span.text[:1].isdigit():
        return [words, (f"  ‹/点 {span.number}›", HINT)]
    return [words]


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _width(line: Sequence[Painted]) -> int:
    return sum(columns(text) for text, _ in line)


def _row(line: Sequence[Painted], width: int, ground: str) -> str:
    """The line in its colours, filled up to `width` columns."""
    words = "".join(f"{colour}{text}{RESET}{ground}" if colour else text for text, colour in line)
    return words + " " * (width - _width(line))


def _wrapped(lines: Iterable[list[Painted]]) -> list[list[Painted]]:
    """The lines in pieces that fit; a control character is not drawn."""
    room = max(20, min(WIDEST, _columns() - 2 - 2 * EDGE))
    found: list[list[Painted]] = []
    for line in lines:
        piece: list[Painted] = []
        used = 0
        for text, colour in line:
            word_part = ""
            for sign in readable(text):
                size = columns(sign)
                if used + size > room:
                    found.append([*piece, (word_part, colour)])
                    piece, word_part, used = [], "", 0
                word_part += sign
                used += size
            piece.append((word_part, colour))
        found.append(piece)
    return found
