"""A file of an agency comes in, in a scene: rows of the demo data, with other cells.

`[来文件] enrolments 钱演五 medical status=paused` takes the demo rows of which every word is a cell, puts the other
cells in, and imports them. `op=D` takes a row back, another `id_no`, `name` and `person_no` make another person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from dialogs.transcript import CannotPerform
from storage.agency.desk import NUMBERED, AnyKind, Op, Setting
from storage.agency.files import Line, read_lines
from storage.agency.intake import Intake
from storage.agency.kinds import FROM_AGENCIES
from storage.agency.refusals import Reason
from storage.database import writing
from storage.sealing import FieldSeal


def file_comes(engine: Engine, seal: FieldSeal, demo: Path, words: str, at: datetime) -> None:
    """Import the rows that these words mean. Raises CannotPerform."""
    name, *rest = words.split()
    kind = next((one for one in FROM_AGENCIES if one.name == name), None)
    if kind is None:
        raise CannotPerform(f"没有叫“{name}”的文件，有的是 {'、'.join(one.name for one in FROM_AGENCIES)}")
    wanted = [word for word in rest if "=" not in word]
    changes = dict(word.split("=", 1) for word in rest if "=" in word)
    columns = (*kind.columns, *kind.optional)
    if unknown := sorted(changes.keys() - set(columns)):
        raise CannotPerform(f"{name} 里没有 {'、'.join(unknown)}，有的是 {'、'.join(columns)}")
    rows = [cells for cells in demo_rows(demo, kind) if set(wanted) <= set(cells.values())]
    if not rows:
        raise CannotPerform(f"演示数据的 {name} 里没有一行写着 {' '.join(wanted)}")
    take_rows(engine, seal, kind, [{**cells, "op": Op.UPDATE.value, **changes} for cells in rows], at)


def demo_rows(demo: Path, kind: AnyKind) -> Iterable[Mapping[str, str]]:
    """The rows of the demo data of this kind, by column."""
    for line in read_lines(demo / f"{kind.name}.csv", "utf-8", kind.columns, kind.optional):
        if line.cells:
            yield line.cells


def take_rows(engine: Engine, seal: FieldSeal, kind: AnyKind, rows: Iterable[Mapping[str, str]], at: datetime) -> None:
    """Import these rows as a batch of their own. Raises CannotPerform where one is refused."""
    lines = []
    for place, row in enumerate(rows, 1):
        numbered = dict(zip(NUMBERED, (f"SCENE-{at:%Y%m%d%H%M%S}", str(place), row.get("op", "")), strict=True))
        cells = {column: {**row, **numbered}.get(column, "") for column in (*kind.columns, *kind.optional)}
        lines.append(Line(place, tuple(cells.values()), cells))
    refused: list[Reason] = []
    with writing(engine) as connection:
        setting = Setting(connection, seal, at.date())
        for _ in Intake(kind, setting, lambda _line, reason: refused.append(reason)).take(lines):
            pass
    if refused:
        raise CannotPerform(f"导入不了：{refused[0]}")
