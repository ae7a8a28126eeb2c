"""What the terminal WeChat itself says, read from `messages.toml`: `word("cashier.paid")`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("messages.toml")


@cache
def sections() -> dict[str, dict[str, str]]:
    """All words by section and name."""
    with FILE.open("rb") as file:
        return tomllib.load(file)


def word(key: str, /, **values: object) -> str:
    """The sentence of `section.name` with its slots filled; KeyError for an unknown one."""
    section, _, name = key.partition(".")
    return sections()[section][name].format_map(values)
