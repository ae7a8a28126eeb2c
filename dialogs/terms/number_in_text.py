"""Finds a well-formed 18-character ID number in a message, however it was typed or spoken.

The message is read as runs of digits: ASCII, full-width, keycap and Chinese figures, the X in all its spellings. Runs
that follow each other may be parts of one number (`369902，1985，1103，0032`), whatever stands between them. A number
counts only when all its checks pass, so a phone number, a year or an amount beside it does no harm.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

LENGTH: Final = 18
LONGEST_TEXT: Final = 300
"""Characters that are searched; no message with an ID number in it is longer."""

FIGURES: Final = dict(
    zip("零〇○幺么一二两三四五六七八九洞拐勾壹贰叁肆伍陆柒捌玖貳參陸", "000111223456789079123456789236", strict=True)
)
"""Chinese figures, also as they are read aloud (幺, 洞, 拐, 勾) and as cheques have them."""

X_CHARACTERS: Final = "×ХхΧχⅩⅹ✕✖╳❌"
"""Times, Cyrillic, Greek, Roman ten, crosses."""

_HAN: Final = "".join(FIGURES)
_SPOKEN_X: Final = re.compile(
    rf"(?<=[0-9{_HAN}])[\s，,。、.(（]*(?:大写|小写|字母|打)?(?:的)?(?:[艾爱埃哎]克斯|叉叉?|X(?![A-Z])|[差插](?![0-9{_HAN}])|[{X_CHARACTERS}])",
    re.I,
)
_TENS: Final = dict(zip("一二三四五六七八九", "123456789", strict=True))
_DATE: Final = re.compile(r"([0-9]{4})\s*年\s*([0-9]{1,2})\s*月(?:份)?\s*([0-9]{1,2})\s*[日号號]?")
_SPOKEN_YEAR: Final = re.compile(rf"([{_HAN}]{{4}})\s*年")
_SPOKEN_PART: Final = re.compile(
    r"(?<![一二三四五六七八九十])([二三]?十[一二三四五六七八九]?|[一二三四五六七八九])\s*(?=[月日号號])"
)
_RUN: Final = re.compile(rf"(?:[0-9]+|[{_HAN}]+)(?:[\s\-—.,，。、(（]*X(?![A-Z]))?")
_PHONE: Final = re.compile("1[3-9][0-9]{9}")


def numbers_in(text: str, is_valid: Callable[[str], bool]) -> frozenset[str]:
    """Every 18-character number in `text` for which `is_valid` is true; digits and an upper-case X at the end."""
    runs = _runs_of(_prepare(text))
    found: set[str] = set()
    for first in range(len(runs)):
        joined = ""
        for run in runs[first:]:
            joined += _digits(run)
            if len(joined) >= LENGTH or joined.endswith("X"):
                break
        if len(joined) == LENGTH and is_valid(joined):
            found.add(joined)
        found |= {one for one in _parts_of(runs[first]) if is_valid(one)}
    return frozenset(found)


def _prepare(text: str) -> str:
    """ASCII digits and letters, the X as X, and dates as eight digits."""
    narrow = "".join(
        unicodedata.normalize("NFKC", one) if "\uff01" <= one <= "\uff5e" or "\u2460" <= one <= "\u2473" else one
        for one in text[:LONGEST_TEXT]
        if unicodedata.category(one) not in ("Cf", "Mn", "Me")
    ).upper()
    narrow = _SPOKEN_X.sub("X", narrow)
    narrow = _SPOKEN_PART.sub(lambda part: _below_hundred(part[1]), narrow) if "月" in narrow else narrow
    narrow = _SPOKEN_YEAR.sub(lambda year: f"{_digits(year[1])}年", narrow)
    return _DATE.sub(lambda date: f"{date[1]}{int(date[2]):02}{int(date[3]):02} ", narrow)


def _below_hundred(figures: str) -> str:
    tens, ten, ones = figures.rpartition("十")
    return f"{_TENS.get(tens, '1') if ten else ''}{_TENS.get(ones, '0' if ten else '')}"


def _runs_of(text: str) -> list[str]:
    return [re.sub(r"[^0-9X]", "", run) if run[0].isascii() else run for run in _RUN.findall(text)]


def _digits(run: str) -> str:
    return "".join(FIGURES.get(one, one) for one in run if one in FIGURES or one in "0123456789X")


def _parts_of(run: str) -> list[str]:
    """What of an unbroken run may be the number: beside a phone number, or after a name that ends in a figure."""
    digits = _digits(run)
    if run[0] in FIGURES:
        return [digits[place : place + LENGTH] for place in range(len(digits) - LENGTH + 1)]
    ends = ((digits[:LENGTH], digits[LENGTH:]), (digits[-LENGTH:], digits[:-LENGTH]))
    return [part for part, rest in ends if _PHONE.fullmatch(rest)]
