"""Amounts of money: integer fen inside, yuan in files and in what citizens read, capitals (大写) on certificates."""

import re
from functools import cache

Fen = int

MOST_FEN = 10**12
"""The largest amount `fen_of` takes: ten thousand million yuan, far above any day's sum in a file."""

MOST_SUM_FEN = 10**15
"""The largest sum `sum_of` takes: a file may hold a million rows, and refused rows count in its sum."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,2}))?")
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("亿", "万", "")


class NotMoney(ValueError):
    """The text is no amount. The text itself is not repeated: a shifted column may hold a name or an ID number."""


def yuan(fen: Fen) -> str:
    """The amount as citizens read it: 50000 is "500元", 8050 is "80.50元"; no thousands separators."""
    text = decimal_yuan(fen)
    return f"{text.removesuffix('.00')}元"


def decimal_yuan(fen: Fen) -> str:
    """The amount in yuan with two decimals, as files carry it: 50000 is "500.00"."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), 100)
    return f"{sign}{whole}.{rest:02d}"


def fen_of(text: str) -> Fen:
    """Read an amount in yuan from a file ("500", "500.00", "0.5") into fen.

    Digits with at most two decimals and nothing else: no sign, blank, exponent, thousands separator, leading zero or
    full-width digit. Raises NotMoney for anything else, and above MOST_FEN.
    """
    return _read(text, MOST_FEN)


def sum_of(text: str) -> Fen:
    """Read the sum of a file's amounts, as `fen_of` reads one amount. Raises NotMoney, also above MOST_SUM_FEN."""
    return _read(text, MOST_SUM_FEN)


def _read(text: str, most: Fen) -> Fen:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise NotMoney(f"not an amount in yuan with at most two decimals ({len(text)} characters)")
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if fen > most:
        raise NotMoney(f"an amount above {decimal_yuan(most)} yuan")
    return fen


def capital(fen: Fen, *, prefix: bool = False) -> str:
    """The amount in capitals (大写), for certificates; with `prefix`, after 人民币 and without a blank.

    Rules of facts/domain.md 2C. Where they leave a choice: an amount that ends at 角 takes 整, so that nothing can be
    added behind it; the 零 of rule 4 (107000.53, 1680.32) is left out, except for a whole group of four zeros
    (壹亿零伍仟元), where readers expect it. From 0 to below 10**14 fen; raises ValueError outside.
    """
    if not 0 <= fen < 10**14:
        raise ValueError("capitals are written for 0 to below 10**14 fen")
    whole, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    text = "人民币" if prefix else ""
    if whole or not rest:
        text += f"{_whole(whole)}元"
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif cent and whole:
        text += "零"  # rule 5: 325.04
    return text + (f"{_DIGITS[cent]}分" if cent else "整")


def _whole(number: int) -> str:
    """A whole number below 10**12 in capitals, group of four by group of four."""
    text = ""
    for group, digits in zip(_GROUPS, re.findall("....", f"{number:012d}"), strict=True):
        if digits == "0000":
            text += "零" if text and not text.endswith("零") else ""
            continue
        for place, digit in zip(_PLACES, digits, strict=True):
            if digit != "0":
                text += _DIGITS[int(digit)] + place
            elif text and not text.endswith("零"):
                text += "零"
        text = text.rstrip("零") + group
    return text.rstrip("零") or "零"


@cache
def spoken_yuan(fen: int) -> tuple[str, ...]:
    """How a round amount below 10,000 yuan is said aloud: 150000 is 一千五百 or 一千五; nothing for other amounts."""
    if fen % 10_000 or not 0 < fen < 1_000_000:
        return ()
    digits = "零一二三四五六七八九"
    thousands, hundreds = divmod(fen // 10_000, 10)
    whole = (f"{digits[thousands]}千" if thousands else "") + (f"{digits[hundreds]}百" if hundreds else "")
    short = (f"{digits[thousands]}千{digits[hundreds]}",) if thousands and hundreds else ()
    said = (whole, whole.replace("二", "两"), *short)
    return (*said, *(f"{one}{unit}" for one in said for unit in ("元", "块")))
