"""A file as an agency sends it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path


def write_file(path: Path, columns: str, rows: list[list[str]], total: str) -> None:
    """An agency's file and its control file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns.split(","))
        out.writerows(rows)
    told = f"rows={len(rows)}\nsum={total}\nsha256={hashlib.sha256(path.read_bytes()).hexdigest()}\n"
    Path(f"{path}.ctl").write_text(told, "utf-8")
