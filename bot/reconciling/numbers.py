"""The numbers of WeChat's bills, exactly: yuan with up to five decimals, counts that may be written as "45.0"."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.reconciling.refusal import BillRefused

_YUAN = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,5})0*)?", re.ASCII)
_COUNT = re.compile(r"(\d{1,12})(?:\.0+)?", re.ASCII)


@lru_cache(maxsize=4096)
def thousandths(text: str) -> int:
    """An amount in yuan as thousandths of a fen: what fees are carried in. Raises BillRefused."""
    found = _YUAN.fullmatch(text)
    if found is None:
        raise BillRefused("有一格应为金额而不是")
    sign, whole, rest = found.groups()
    number = int(whole) * 100_000 + int((rest or "").ljust(5, "0"))
    return -number if sign else number


def fen(text: str) -> int:
    """An amount in yuan as fen; raises BillRefused, also for a part of a fen."""
    number, rest = divmod(thousandths(text), 1000)
    if rest:
        raise BillRefused("有一格金额不到一分")
    return number


def count(text: str) -> int:
    """A number of rows; raises BillRefused."""
    found = _COUNT.fullmatch(text)
    if found is None:
        raise BillRefused("有一格应为笔数而不是")
    return int(found[1])
