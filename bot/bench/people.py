"""Made-up residents for a bench: enough of them that each conversation speaks of somebody else."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from storage.agency.importing import import_file
from storage.agency.kinds import KINDS
from storage.sealing import FieldSeal

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_NAMES = "试测样例演示"
PLACES = (("360102YL01", "360102YB01"), ("361128YL01", "361128YB01"), ("360733YL01", "360733YB01"))


@dataclass(frozen=True, slots=True)
class Resident:
    """One made-up person, enrolled in both insurances at one place."""

    number: str
    name: str


def residents(count: int) -> list[Resident]:
    """The same people each time; the division code 369999 is nobody's."""
    return [Resident(_number(index), _name(index)) for index in range(count)]


def enrol(engine: Engine, seal: FieldSeal, people: list[Resident], folder: Path, today: date) -> None:
    """Import them as the agencies would."""
    path = folder / "enrolments.csv"
    kind = KINDS["enrolments"]
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, kind.columns)
        out.writeheader()
        for index, one in enumerate(people):
            for insurance, place in zip(("pension", "medical"), PLACES[index % len(PLACES)], strict=True):
                row = dict.fromkeys(kind.columns, "") | {
                    "batch_no": "BENCH",
                    "row_no": str(2 * index + (insurance == "medical") + 1),
                    "op": "A",
                    "insurance": insurance,
                    "inst_code": place,
                    "person_no": f"{index:013}",
                    "id_type": "201",
                    "id_no": one.number,
                    "name": one.name,
                    "identity_code": "011",
                    "status": "active",
                    "valid_from": "2012-01-01",
                }
                out.writerow(row)
    import_file("enrolments", path, engine, seal, today=today, require_control=False)


def _number(index: int) -> str:
    day, nth = divmod(index, 900)
    born = date.fromordinal(date(1980, 1, 1).toordinal() + day)
    digits = f"369999{born:%Y%m%d}{nth + 100}"
    left = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return digits + "10X98765432"[left]


def _name(index: int) -> str:
    return "".join(_NAMES[index // len(_NAMES) ** place % len(_NAMES)] for place in range(3))
