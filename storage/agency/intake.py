"""Takes the lines of one file into the tables, a thousand at a time, each line at most once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlmodel import SQLModel

from dialogs.terms.money import Fen, NotMoney, fen_of
from storage.agency.cells import Cells
from storage.agency.desk import AnyKind, CorrectingDesk, FinishingDesk, Op, Outcome, Setting
from storage.agency.files import Line
from storage.agency.refusals import Reason, RowRefused
from storage.agency.stored import Stored, batched
from storage.database import table_of
from storage.tables import ImportedRow

CHUNK = 1_000
Refuse = Callable[[Line, Reason], None]


@dataclass
class Tally:
    """What has come of the lines so far. `total` sums the amount column, refused lines too, as the `.ctl` does; None
    once a cell was no amount."""

    rows: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    refused: int = 0
    replaced: int = 0  # rows taken before with another content, put right by `--replace-batch`
    batches: Counter[str] = field(default_factory=Counter)  # rows of each batch number
    total: Fen | None = 0


@dataclass(frozen=True, slots=True)
class _Read:
    """A line that could be read. `key` and `content` are what `imported` knows a numbered line by."""

    line: Line
    row: Any
    op: Op
    key: tuple[str, str, int] | None
    content: str


class Intake:
    """One run over the lines of a file of one kind. `refuse` is told each refused line and why."""

    def __init__(self, kind: AnyKind, setting: Setting, refuse: Refuse, *, replace: bool = False) -> None:
        """`replace`: rows that were taken before with another content are put right instead of refused."""
        self.tally = Tally()
        self._kind = kind
        self._setting = setting
        self._refuse = refuse
        self._desk = kind.desk(setting)
        self._imported = Stored(setting.connection, table_of(ImportedRow), setting.staging)
        self._replace = replace
        self._refusals: list[tuple[Line, Reason]] = []

    def take(self, lines: Iterable[Line]) -> Iterator[Tally]:
        """Work through the lines; yields the tally after each chunk. The caller owns the transaction."""
        next_look = 2 * CHUNK
        for chunk in batched(lines, CHUNK):
            self._take_chunk(chunk)
            if self.tally.rows >= next_look:
                self._have_sizes_known()
                next_look *= 2
            yield self.tally
        if self._setting.staging is None:
            self.finish()

    def finish(self) -> None:
        """What is left to do once every row is written; `take` does it itself where nothing is staged."""
        if isinstance(self._desk, FinishingDesk):
            self._desk.finish()

    def _take_chunk(self, chunk: list[Line]) -> None:
        self._refusals = []
        readable: list[_Read] = []
        for line in chunk:
            self.tally.rows += 1
            self._add_up(line)
            with self._refusing(line):
                readable.append(self._read(line))
        self._imported.load(read.key for read in readable if read.key)
        self._desk.prepare([read.row for read in readable])
        for read in readable:
            with self._refusing(read.line):
                self.tally.outcomes[self._take_one(read)] += 1
        self._desk.flush()
        self._imported.flush()
        for line, reason in sorted(self._refusals, key=lambda refusal: refusal[0].place):
            self._refuse(line, reason)

    def _have_sizes_known(self) -> None:
        """PostgreSQL plans by what it last knew: without this, tables that were small are read whole for each chunk."""
        if self._setting.connection.dialect.name == "postgresql":
            rows: tuple[type[SQLModel], ...] = (*self._kind.tables, ImportedRow)
            for row in rows:
                self._setting.connection.execute(text(f"ANALYZE {table_of(row).name}"))

    def _read(self, line: Line) -> _Read:
        if line.cells is None:
            raise RowRefused(f"这一行有 {len(line.raw)} 格，与表头不符")
        cells = Cells(line.cells, self._setting.today)
        if not self._kind.numbered:
            return _Read(line, self._kind.read_row(cells), Op.UPDATE, None, "")
        key = (self._kind.name, cells.matching("batch_no", "[0-9A-Za-z_-]{1,40}", "字母和数字"), cells.count("row_no"))
        op = cells.code("op", Op)
        row = self._kind.read_row(cells)
        content = self._setting.seal.look_up_key("\x1f".join(line.cells[name] for name in self._kind.columns))
        return _Read(line, row, op, key, content)

    def _take_one(self, read: _Read) -> Outcome:
        if read.key is None:
            return self._desk.take(read.op, read.row)
        kind, batch_no, row_no = read.key
        self.tally.batches[batch_no] += 1
        row = {"kind": kind, "batch_no": batch_no, "row_no": row_no, "content": read.content, "earlier": ""}
        if before := self._imported.get(*read.key):
            if before["content"] == read.content:
                return Outcome.ALREADY
            row["earlier"] = self._earlier(before, read.content)
            outcome = self._put_right(read)
            self.tally.replaced += 1
        else:
            outcome = self._desk.take(read.op, read.row)
        self._imported.put(row)
        return outcome

    def _earlier(self, before: Mapping[str, Any], content: str) -> str:
        """The contents this row has had, oldest first; raises RowRefused where it may not get another one."""
        if content in before["earlier"].split():
            raise RowRefused("这是这一行更正以前的内容，已经用 --replace-batch 更正过")
        if not self._replace:
            raise RowRefused("这个批次的这个行号已导入过，内容不同；整批读错了的，用 --replace-batch 更正")
        return f"{before['earlier']} {before['content']}".strip()

    def _put_right(self, read: _Read) -> Outcome:
        if not isinstance(self._desk, CorrectingDesk):
            raise RowRefused("这种文件的行不能更正")
        return self._desk.replace(read.op, read.row)

    def _add_up(self, line: Line) -> None:
        if self._kind.amount is None or self.tally.total is None:
            return
        try:
            self.tally.total += fen_of(line.cells[self._kind.amount].strip()) if line.cells else 0
        except NotMoney:
            self.tally.total = None

    @contextmanager
    def _refusing(self, line: Line) -> Iterator[None]:
        try:
            yield
        except RowRefused as refused:
            self.tally.refused += 1
            self._refusals.append((line, Reason(_row_no(line), refused.text)))


def _row_no(line: Line) -> int:
    """The file's own number of the row where it has one, else its place."""
    cell = (line.cells or {}).get("row_no", "").strip()
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 10 else line.place
