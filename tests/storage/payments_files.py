"""What the tests of the agencies' side share: people with real seals, a day's file read back, answers to it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine, update

from storage.agency.exporting import Exported, export_payments
from storage.agency.importing import ImportResult, import_file
from storage.database import table_of, writing
from storage.sealing import FieldSeal
from storage.tables import PersonRow
from tests.storage.agency_files import write_control
from tests.storage.counter import NOON, PEOPLE, ZONE, Counter, later, payable

NUMBERS = ("369902198511030032", "369901197005210021", "36990719800101005X", "369906199910090112")
NAMES = ("王样三", "李测二", "冯克十", "䶮样")
DAY = NOON.date()
ACK_COLUMNS = "file_no,row_no,result,reason_code,agency_book_time"


def known_people(engine: Engine, seal: FieldSeal) -> Counter:
    """A counter whose people have numbers and names that can be opened."""
    counter = Counter.opened(engine)
    person = table_of(PersonRow)
    with writing(engine) as connection:
        for key, number, name in zip(PEOPLE, NUMBERS, NAMES, strict=True):
            sealed = {"number": seal.seal(number), "name": seal.seal(name)}
            connection.execute(update(person).where(person.c.key == key).values(sealed))
    return counter


def pay(counter: Counter, *people: str, at: datetime = NOON, payer: str = "oPayer") -> str:
    """A paid order with a line for each; told when it was paid."""
    lines = [payable(one) for one in people or ("wang",)]
    no = counter.open(payer, *lines, at=at)
    counter.place(f"{no}-1", at)
    counter.settle(f"{no}-1", at, amount=50000 * len(lines))
    return no


def export(
    engine: Engine, seal: FieldSeal, out: Path, day: date = DAY, *, encoding: str = "utf-8", now: datetime | None = None
) -> Exported:
    at = now or max(later(days=1), datetime.combine(day, NOON.timetz()).replace(tzinfo=ZONE) + (later(days=1) - NOON))
    return export_payments(engine, seal, day, out, now=at, encoding=encoding)


def rows_in(out: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with out.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def control_of(out: Path) -> dict[str, str]:
    return dict(line.split("=") for line in out.with_name(f"{out.name}.ctl").read_text().split())


def digest(out: Path) -> str:
    return hashlib.sha256(out.read_bytes()).hexdigest()


def take_acks(
    engine: Engine, seal: FieldSeal, folder: Path, *rows: Sequence[object], skip_bad: bool = False
) -> ImportResult:
    """Import answers; each row is file_no, row_no, result and what else is said."""
    path = folder / "acks.csv"
    lines = [",".join(str(cell) for cell in (*row, *[""] * (5 - len(row)))) for row in rows]
    path.write_text("\n".join([ACK_COLUMNS, *lines]) + "\n", "utf-8")
    write_control(path, rows=len(rows))
    return import_file("acks", path, engine, seal, today=DAY, skip_bad=skip_bad)
