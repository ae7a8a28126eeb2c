"""Agency files for tests: the demo's, and new ones written a few rows at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from storage.agency.importing import ImportResult, import_file
from storage.agency.kinds import FROM_AGENCIES
from storage.sealing import FieldSeal

DEMO = Path(__file__).parents[2] / "bot" / "sandbox" / "demo"
TODAY = date(2026, 11, 23)

ENROLMENT = {
    "batch_no": "B1",
    "row_no": "1",
    "op": "A",
    "insurance": "pension",
    "inst_code": "360102YL01",
    "person_no": "7",
    "id_type": "201",
    "id_no": "369901197005210021",
    "name": "李测二",
    "identity_code": "011",
    "status": "active",
    "valid_from": "2012-01-01",
    "valid_to": "",
}
PAYMENT = {
    **{name: ENROLMENT[name] for name in ("batch_no", "row_no", "op", "insurance", "inst_code", "person_no")},
    **{name: ENROLMENT[name] for name in ("id_type", "id_no", "name")},
    "cover_year": "2026",
    "period_from": "202601",
    "period_to": "202612",
    "tier_code": "500",
    "tier_name": "500元档",
    "pay_kind": "10",
    "amount_paid": "500.00",
    "paid_at": "2026-03-08T10:01:00+08:00",
    "channel": "银行代收",
    "receipt_no": "R1",
    "status": "booked",
}


def write_file(path: Path, *rows: Mapping[str, str], encoding: str = "utf-8", total: str = "0.00") -> Path:
    """The rows as a CSV file with its `.ctl`, which claims this `total`."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    write_control(path, rows=len(rows), total=total)
    return path


def write_control(path: Path, *, rows: int, total: str = "0.00", sha256: str | None = None) -> None:
    digest = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.ctl").write_text(f"rows={rows}\nsum={total}\nsha256={digest}\n")


def take(engine: Engine, seal: FieldSeal, kind: str, path: Path, **how: Any) -> ImportResult:
    return import_file(kind, path, engine, seal, today=TODAY, **how)


def take_demo(engine: Engine, seal: FieldSeal, *kinds: str) -> None:
    """Import these kinds of the demo's files, all if none is named."""
    for kind in kinds or [one.name for one in FROM_AGENCIES]:
        take(engine, seal, kind, DEMO / f"{kind}.csv")


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def rows_of(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]
