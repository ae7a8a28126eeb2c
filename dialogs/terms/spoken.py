"""Figures as they are read aloud: 三六九九 for 3699, as a voice message's recognised words may have them."""

from __future__ import annotations

import re
from typing import Final

_FIGURES: Final = dict(zip("零〇幺一二两三四五六七八九", "0011223456789", strict=True))
_LAST_SIGN: Final = ("艾克斯", "叉")  # how the X at the end of an ID number is spoken
_RUN: Final = re.compile(f"[{''.join(_FIGURES)}]{{3,}}")  # 李测二 beside a number is a name
_LEAST_OF_A_NUMBER: Final = 15  # such figures; fewer are words, such as 一共 or a name


def spoken_number(words: str) -> str:
    """The words with a long number's figures written as digits; every other text as it is."""
    if sum(sign in _FIGURES for sign in words) < _LEAST_OF_A_NUMBER:
        return words
    for sign in _LAST_SIGN:
        words = words.replace(sign, "X")
    return _RUN.sub(lambda run: _written(run[0]), words)


def spoken_code(words: str) -> str:
    """A few figures and nothing else, as digits: 二三四五; every other text as it is (十二 is for whoever counts)."""
    bare = words.strip(" \u3000，,。.、")
    return _written(bare) if len(bare) > 1 and all(sign in _FIGURES for sign in bare) else words


def _written(words: str) -> str:
    return "".join(_FIGURES.get(sign, sign) for sign in words)
