"""The refused rows of an import, written beside its file with the reason in a last column."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from storage.agency.files import REASON_COLUMN, Line, codec_of, spreadsheet_safe
from storage.agency.refusals import Reason


class RejectedFile:
    """`<name>.rejected.csv`, in the encoding of the file, made when the first row is refused.

    Corrected, it can be imported itself. It takes its name only when the import is committed.
    """

    def __init__(self, path: Path, encoding: str, header: Sequence[str]) -> None:
        self._source = path
        self._final = path.with_name(f"{path.stem}.rejected.csv")
        self._partial = path.with_name(f"{path.stem}.rejected.csv.partial")
        self._codec = codec_of(encoding)
        self._header = header
        self._file: TextIO | None = None
        self._writer: Any = None

    def write(self, line: Line, reason: Reason) -> None:
        if self._file is None:
            self._file = self._partial.open("w", encoding=self._codec, newline="")
            shutil.copymode(self._source, self._partial)  # it holds names and numbers as its source does
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow([*self._header, REASON_COLUMN])
        cells = [line.cells[name] for name in self._header] if line.cells else line.raw[: len(self._header)]
        cells = [*cells, *[""] * (len(self._header) - len(cells)), reason.text]
        self._writer.writerow([spreadsheet_safe(cell) for cell in cells])

    def keep(self) -> Path | None:
        """Give it its name; None if no row was refused."""
        if self._file is None:
            return None
        self._file.close()
        return self._partial.replace(self._final)

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._partial.unlink(missing_ok=True)
