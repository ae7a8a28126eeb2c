"""`run.py import KIND FILE`: one file of an agency, taken whole or not at all, or without its bad rows if asked so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from dialogs.terms.money import decimal_yuan
from storage.agency.desk import AnyKind, Outcome, Setting
from storage.agency.file_form import check_form, form_of
from storage.agency.files import Control, Line, codec_of, read_control, read_lines
from storage.agency.intake import Intake, Tally
from storage.agency.kinds import KINDS
from storage.agency.refusals import FileRefused, Reason
from storage.agency.rejected import RejectedFile
from storage.agency.staging import Staging, only_import
from storage.database import beginning_as_writer, table_of, told_as_unavailable, writing
from storage.sealing import FieldSeal
from storage.tables import ImportedRow

MOST_REASONS = 1_000  # beyond these a bad file is not read further, and a result lists no more
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What came of a file. `rejected` lists the first thousand refused rows, `refused` counts them all."""

    rows: int
    added: int
    changed: int
    deleted: int
    already: int
    refused: int
    rejected: tuple[Reason, ...]
    rejected_file: Path | None
    controlled: bool  # a `.ctl` was there, and agrees
    replaced: int = 0  # rows of `replace` that had been taken with another content
    batches: tuple[str, ...] = ()  # the batch numbers of the file's rows
    elsewhere: int = 0  # of `replace`: rows of these batches that were taken before and are not in this file


class _OnlyTried(Exception):
    """Ends the transaction of a trial without a commit."""


def import_file(
    kind: str,
    path: Path,
    engine: Engine,
    seal: FieldSeal,
    *,
    today: date,
    encoding: str = "utf-8",
    skip_bad: bool = False,
    require_control: bool | None = None,
    replace: bool = False,
    trial: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a file; `kind` is one of KINDS. `progress` gets rows done and, where a `.ctl` tells, rows in all.

    A `.ctl` that is there must agree in any case. Without one a file is refused if `require_control`, and unless told
    otherwise it is required of a file that is to be taken whole. `replace`: rows taken before with another content are
    put right (`CorrectingDesk`). `trial`: everything is done and taken back, to say what would change. Raises
    FileRefused (nothing was taken) and DatabaseUnavailable.

    One transaction writes everything. On SQLite it locks every other writer out: a kind that is `staged` is read and
    checked before it, so that it is short; the others, and `replace`, take as long as the file is.
    """
    if replace and not KINDS[kind].numbered:
        raise FileRefused(Reason(None, f"{kind} 没有批次：改好的文件直接再导入一次就行"))
    run = _Run(KINDS[kind], path, encoding, skip_bad, replace=replace)
    control = run.check_control(required=not skip_bad if require_control is None else require_control)
    try:
        with only_import(engine) if engine.dialect.name == "sqlite" else nullcontext():
            if KINDS[kind].staged and engine.dialect.name == "sqlite" and not replace:
                tally = _take_staged(run, engine, Work(seal, today, control, progress, trial))
            else:
                tally = _take_at_once(run, engine, Work(seal, today, control, progress, trial))
    except BaseException:
        run.rejected_file.discard()
        raise
    if trial:
        run.rejected_file.discard()
    return ImportResult(
        rows=tally.rows,
        added=tally.outcomes[Outcome.ADDED],
        changed=tally.outcomes[Outcome.CHANGED],
        deleted=tally.outcomes[Outcome.DELETED],
        already=tally.outcomes[Outcome.ALREADY],
        refused=tally.refused,
        rejected=tuple(run.rejected),
        rejected_file=None if trial else run.rejected_file.keep(),
        controlled=control is not None,
        replaced=tally.replaced,
        batches=tuple(sorted(tally.batches)),
        elsewhere=run.elsewhere,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What an import needs besides its file and a connection."""

    seal: FieldSeal
    today: date
    control: Control | None
    progress: Progress | None
    trial: bool


def _take_at_once(run: _Run, engine: Engine, work: Work) -> Tally:
    """Read, check and write in one transaction."""
    tally = Tally()
    with suppress(_OnlyTried), writing(engine) as connection:
        tally = run.take(Setting(connection, work.seal, work.today), work).tally
        if work.trial:
            raise _OnlyTried
    return tally


def _take_staged(run: _Run, engine: Engine, work: Work) -> Tally:
    """Read and check while others write, then write in one short transaction."""
    with told_as_unavailable(), engine.connect() as connection:
        staging = Staging(connection)
        try:
            with connection.begin():  # writes temporary tables alone, so it locks nothing
                intake = run.take(Setting(connection, work.seal, work.today, staging), work)
            if not work.trial:
                with beginning_as_writer(connection):
                    staging.write()
                    intake.finish()
            return intake.tally
        finally:
            with suppress(SQLAlchemyError), connection.begin():
                staging.drop()


def _rows_elsewhere(connection: Connection, kind: str, tally: Tally) -> int:
    """How many rows of the file's batches were taken before, or just now, and are not in the file."""
    imported = table_of(ImportedRow)
    of_batch = (imported.c.kind == kind) & imported.c.batch_no.in_(list(tally.batches))
    return max(0, int(connection.execute(select(func.count()).where(of_batch)).scalar_one()) - tally.batches.total())


class _Run:
    """One import under way: the reasons so far, against the whole file and against single rows."""

    def __init__(self, kind: AnyKind, path: Path, encoding: str, skip_bad: bool, *, replace: bool) -> None:
        self.rejected_file = RejectedFile(path, encoding, (*kind.columns, *kind.optional))
        self.rejected: list[Reason] = []
        self._against_file: list[Reason] = []
        self._kind = kind
        self._path = path
        self._encoding = encoding
        self._skip_bad = skip_bad
        self._replace = replace
        self.elsewhere = 0

    def check_control(self, *, required: bool) -> Control | None:
        """The `.ctl`, its digest compared before a row is read; a missing one is told with whatever else is wrong."""
        codec = codec_of(self._encoding)
        form = form_of(self._path)
        check_form(self._path, form, "gb18030" if codec == "gb18030" else "utf-8")
        control = read_control(self._path)
        if control is None and required:
            self._against_file.append(Reason(None, f"缺少 {self._path.name}.ctl，不能确认文件完整"))
        if control is not None and control.sha256 != form.sha256:
            raise FileRefused(Reason(None, f"sha256 与 {self._path.name}.ctl 不符，文件可能不完整或被改过"))
        return control

    def take(self, setting: Setting, work: Work) -> Intake:
        """Take the lines; raises FileRefused."""
        control, progress = work.control, work.progress
        intake = Intake(self._kind, setting, self._refuse, replace=self._replace)
        for tally in intake.take(read_lines(self._path, self._encoding, self._kind.columns, self._kind.optional)):
            if progress is not None:
                progress(tally.rows, control.rows if control else None)
            if not self._skip_bad and tally.refused >= MOST_REASONS:
                break
        else:
            self._against_file += _differences(intake.tally, control)
        reasons = [*self._against_file, *([] if self._skip_bad else self.rejected)]
        if reasons:
            raise FileRefused(*reasons)
        if self._replace:
            self.elsewhere = _rows_elsewhere(setting.connection, self._kind.name, intake.tally)
        return intake

    def _refuse(self, line: Line, reason: Reason) -> None:
        if len(self.rejected) < MOST_REASONS:
            self.rejected.append(reason)
        if self._skip_bad:
            self.rejected_file.write(line, reason)


def _differences(tally: Tally, control: Control | None) -> list[Reason]:
    reasons = []
    if control is not None and control.rows != tally.rows:
        reasons.append(Reason(None, f"文件有 {tally.rows} 行，.ctl 写的是 {control.rows} 行"))
    if control is not None and tally.total is not None and control.total != tally.total:
        ours, theirs = decimal_yuan(tally.total), decimal_yuan(control.total)
        reasons.append(Reason(None, f"金额合计 {ours}，.ctl 写的是 {theirs}"))
    return reasons
