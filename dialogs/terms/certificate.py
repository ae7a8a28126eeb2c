"""The number and the verification code (查验码) of a certificate: how they look, and how they are read when typed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

SIGNS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O 1 I L, which are misread
NUMBER_SIGNS: Final = 8  # behind ZM and the day of issue
CODE_SIGNS: Final = 12  # 31 ** 12: cannot be guessed

SCENE: Final = "zm."  # how the scene of a certificate's own WeChat code begins

_NUMBER: Final = re.compile(rf"ZM[0-9]{{8}}[{SIGNS}]{{{NUMBER_SIGNS}}}")
_CODE: Final = re.compile(rf"[{SIGNS}]{{{CODE_SIGNS}}}")


def number_of(day: date, signs: str) -> str:
    """The number of a certificate issued on this day, from signs drawn at random."""
    return f"ZM{day:%Y%m%d}{signs}"


def read_number(typed: str) -> str | None:
    """The certificate's number in what was typed, however it was spaced; None where there is none."""
    found = _NUMBER.search(_closed(typed))
    return found[0] if found else None


def read_code(typed: str) -> str | None:
    """The verification code in what was typed, beside the number or alone; None where there is none."""
    found = _CODE.fullmatch(re.sub("[^A-Z0-9]", "", _NUMBER.sub("", _closed(typed))))
    return found[0] if found else None


def is_certificate(typed: str) -> bool:
    """Whether number and code both stand in what was typed: nothing else looks like that."""
    return bool(read_number(typed) and read_code(typed))


def shown_code(code: str) -> str:
    """The code in groups of four, to be copied without slips."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def scene_of(number: str, code: str) -> str:
    """The scene of WeChat's parametric code for a certificate; whoever scans it is told as if both were typed."""
    return f"{SCENE}{number}.{code}"


def _closed(typed: str) -> str:
    return re.sub(r"[\s\-_.,·]", "", unicodedata.normalize("NFKC", typed)).upper()
