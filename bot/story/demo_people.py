"""The people of the demo data by what is masked of them: so a recorded demo conversation can be replayed.

A citizen's number is never kept, so nobody else can be put in: staff replace those by hand.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from dialogs.terms.identity import mask_name, mask_number

FILE = Path(__file__).parent.parent / "sandbox" / "demo" / "enrolments.csv"
FICTITIOUS = "3699"  # no division has this code: a number that begins so is nobody's


@cache
def _people() -> frozenset[tuple[str, str]]:
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        return frozenset((row["id_no"], row["name"]) for row in csv.DictReader(file))


def number_of(masked: str) -> str | None:
    """The one demo person's number that looks so when masked."""
    found = {number for number, _ in _people() if mask_number(number) == masked}
    return found.pop() if len(found) == 1 and masked.startswith(FICTITIOUS) else None


def name_of(masked: str, number: str | None) -> str | None:
    """The name that looks so when masked: of the person with this number, else of the one demo person there is."""
    found = {name for one, name in _people() if one == number and mask_name(name) == masked}
    found = found or {name for _, name in _people() if mask_name(name) == masked}
    return found.pop() if len(found) == 1 else None
