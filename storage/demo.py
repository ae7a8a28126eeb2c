"""`run.py seed`: the demo people, with dates moved so that today is as good a day to pay as the day they were made for.

The files in `bot/sandbox/demo` tell of `MADE_FOR`, the day the transcripts play on. Moved, every year of the pension's
rows goes along to this year, and of the medical rows to the cover year being collected (in January and February that
is this year, later the next one). Then what was open on that day is open today, what was over is over, and what was
paid was paid before today; so each demo person keeps the part he has. Birth dates stay, because they stand in the ID
numbers: who was 60 and over stays so, and the youngest who pays a pension only grows older.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from storage.agency.cells import BEIJING
from storage.agency.desk import Op, Setting
from storage.agency.files import Line, read_lines
from storage.agency.intake import Intake
from storage.agency.kinds import FROM_AGENCIES
from storage.agency.refusals import FileRefused, Reason
from storage.database import writing
from storage.sealing import FieldSeal

MADE_FOR = date(2026, 11, 23)
Cell = Callable[[str], str]


def load_demo(engine: Engine, seal: FieldSeal, folder: Path, today: date, *, shift: bool) -> None:
    """Import the five demo files of `folder`, as they are or moved to `today`. May be repeated, also on another day.

    All of it or nothing; raises FileRefused and DatabaseUnavailable.
    """
    refused: list[Reason] = []
    with writing(engine) as connection:
        for kind in FROM_AGENCIES:
            lines = read_lines(folder / f"{kind.name}.csv", "utf-8", kind.columns, kind.optional)
            intake = Intake(kind, Setting(connection, seal, today), lambda _line, reason: refused.append(reason))
            for _ in intake.take(map(partial(moved, today=today), lines) if shift else lines):
                pass
        if refused:
            raise FileRefused(*refused)


def moved(line: Line, today: date) -> Line:
    """The line as if it had been made for `today`; lines without dates stay as they are."""
    if line.cells is None:
        return line
    years = _years(line.cells.get("insurance", ""), today)
    moves = _moves(line.cells, years, today)
    cells = {name: moves[name](cell) if name in moves else cell for name, cell in line.cells.items()}
    return replace(line, cells=cells)


def _years(insurance: str, today: date) -> int:
    still_last_years = insurance == "medical" and today.month < 3
    return today.year - MADE_FOR.year - still_last_years


def _moves(cells: dict[str, str], years: int, today: date) -> dict[str, Cell]:
    def year(text: str) -> str:
        return re.sub("20[0-9]{2}", lambda found: str(int(found[0]) + years), text, count=1)

    def past(text: str) -> str:
        moment = datetime.fromisoformat(text)
        latest = datetime.combine(today - timedelta(days=1), moment.time(), BEIJING)
        return min(_on(moment, years), latest).isoformat()

    moves: dict[str, Cell] = {
        "batch_no": lambda text: f"{text}-{today:%Y%m%d}",
        "op": lambda _: Op.UPDATE.value,  # a seed of another day is there already
        "cover_year": year,
        "period_from": year,
        "period_to": year,
        "reason": year,
        "paid_at": past,
    }
    if "window_from" in cells:
        first, last = _window(cells["window_from"], cells["window_to"], years, today)
        moves |= {"window_from": lambda _: first, "window_to": lambda _: last}
    if "valid_until" in cells:
        _, until = _window(MADE_FOR.replace(month=1, day=1).isoformat(), cells["valid_until"], years, today)
        moves["valid_until"] = lambda _: until
    return moves


def _window(first: str, last: str, years: int, today: date) -> tuple[str, str]:
    """The window moved by so many years: open today if it was open on the day it was made for, else over."""
    was = date.fromisoformat(first), date.fromisoformat(last)
    start, end = _on(was[0], years), _on(was[1], years)
    if was[0] <= MADE_FOR <= was[1]:
        start, end = min(start, today), max(end, today)
    else:
        end = min(end, today - timedelta(days=1))
        start = min(start, end)
    return start.isoformat(), end.isoformat()


def _on(day: date, years: int) -> date:
    """The same day so many years on; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
