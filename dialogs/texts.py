"""Every sentence the bot says, read from `texts.toml`: `say("tier.ask", year=2026)`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from string import Formatter

FILE = Path(__file__).with_name("texts.toml")
_LISTENERS: list[set[str]] = []  # filled only while `overheard` is open


@cache
def sentences() -> dict[str, str]:
    """All texts by `section.outcome`."""
    with FILE.open("rb") as file:
        sections = tomllib.load(file)
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


@cache
def _spoken() -> dict[str, tuple[str, bool]]:
    """Each text without the line ends around it, and whether it has anything to fill in."""
    return {key: (text.strip("\n"), "{" in text or "}" in text) for key, text in sentences().items()}


def slots(text: str) -> frozenset[str]:
    """The names of the slots of a text."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def say(key: str, /, **values: object) -> str:
    """The text with its slots filled; several lines are separated by newlines. KeyError for an unknown text."""
    for heard in _LISTENERS:
        heard.add(key)
    text, has_slots = _spoken()[key]
    return text.format_map(values) if has_slots else text


@contextmanager
def overheard() -> Iterator[set[str]]:
    """The keys of every text said meanwhile, by any thread: what transcripts visit (`replay --coverage`)."""
    heard: set[str] = set()
    _LISTENERS.append(heard)
    try:
        yield heard
    finally:
        _LISTENERS[:] = [one for one in _LISTENERS if one is not heard]
