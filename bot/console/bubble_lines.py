"""A bubble as lines of words and links, whatever they are then drawn with."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.bubbles import Bubble, Link

_LINK = re.compile(r"<a\s+(?:[^>]*?\s)?href=\"[^\"]*\"[^>]*>(.*?)</a>", re.DOTALL)
_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}

Kind = Literal["words", "option", "address"]


@dataclass(frozen=True, slots=True)
class Span:
    """Some words of a line; `number` counts what can be pressed in the bubble, from 1."""

    text: str
    kind: Kind = "words"
    number: int = 0


def spans(bubble: Bubble) -> list[list[Span]]:
    """The lines of the bubble's text."""
    lines: list[list[Span]] = [[]]
    links = list(bubble.links)
    pressed = 0
    for index, piece in enumerate(_LINK.split(bubble.text)):
        link = links.pop(0) if index % 2 and links else None
        pressed += link is not None
        first, *others = piece.split("\n")
        lines[-1] += [_span(first, link, pressed)] if first else []
        lines += [[_span(other, link, pressed)] if other else [] for other in others]
    return lines


def pressable(bubble: Bubble, number: str) -> Link | None:
    """What `/点 2` means: the link whose words begin with that number, else the second link of the bubble."""
    for link in bubble.links:
        if re.match(rf"\s*{number}(?![0-9])", link.text):
            return link
    place = int(number) - 1
    return bubble.links[place] if 0 <= place < len(bubble.links) else None


def readable(text: str) -> str:
    """Without what a terminal would obey instead of showing it."""
    return "".join(character for character in text if unicodedata.category(character) not in _OBEYED)


def _span(text: str, link: Link | None, number: int) -> Span:
    if link is None:
        return Span(text)
    return Span(text, "address" if link.is_address else "option", number)
