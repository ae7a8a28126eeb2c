"""What a citizen does with a certificate: opens its link, and copies its number and code by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from bot.sandbox.bubbles import Bubble
from bot.sandbox.phone import Page

FILE = "〔文件〕"


def file_in(page: Page) -> str:
    """The name of the file that the page is; "" where it is a page to read."""
    headers = {name.lower(): value for name, value in page.headers.items()}
    if headers.get("content-type") != "application/pdf":
        return ""
    name = re.search(r"filename\*=UTF-8''(\S+)", headers.get("content-disposition", ""))
    return f"{FILE}{unquote(name[1]) if name else ''}"


def copied(bubbles: Iterable[Bubble], words: str) -> str:
    """What the newest lines say behind these words, each of which begins a line; LookupError where none does."""
    lines = [line for bubble in sorted(bubbles, key=lambda one: one.at) for line in bubble.shown.split("\n")]
    found = []
    for word in words.split():
        line = next((line for line in reversed(lines) if line.startswith(f"{word}：")), None)
        if line is None:
            raise LookupError(f"没有哪一行以“{word}：”开头")
        found.append(line.removeprefix(f"{word}："))
    return " ".join(found)
