"""A code as it is read aloud: 二三四五 for 2345, as a voice message's recognised words may have it."""

from __future__ import annotations

from dialogs.terms.number_in_text import FIGURES


def spoken_code(words: str) -> str:
    """A few figures and nothing else, as digits: 二三四五; every other text as it is (十二 is for whoever counts)."""
    bare = words.strip(" \u3000，,。.、")
    return _written(bare) if len(bare) > 1 and all(sign in FIGURES for sign in bare) else words


def _written(words: str) -> str:
    return "".join(FIGURES.get(sign, sign) for sign in words)
