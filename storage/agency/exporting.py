"""`run.py export payments`: a day's payments and refunds for the agencies, with its `.ctl`; the same bytes each time.

The file holds full names and ID numbers: only its owner may read it. It takes its name when it is whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row

from dialogs.terms.money import decimal_yuan
from dialogs.terms.standard_han import standard_han
from storage.agency.export_rows import FixedFile, fixed_file, rows_of_file
from storage.agency.files import codec_of, spreadsheet_safe
from storage.sealing import FieldSeal

COLUMNS = (
    "file_no",
    "row_no",
    "order_no",
    "out_trade_no",
    "transaction_id",
    "insurance",
    "inst_code",
    "person_no",
    "id_type",
    "id_no",
    "name",
    "pay_kind",
    "assess_no",
    "cover_year",
    "period_from",
    "period_to",
    "tier_code",
    "amount_paid",
    "paid_at",
    "settle_date",
    "status",
    "payer_relation",
)
OWNER_ONLY = 0o600
LINES_AT_ONCE = 1_000


class DayNotOver(ValueError):
    """Only days that are over are exported: of today's payments some are still to come."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    file: FixedFile
    sha256: str


def export_payments(
    engine: Engine, seal: FieldSeal, day: date, out: Path, *, now: datetime, encoding: str = "utf-8"
) -> Exported:
    """Write the day's file and its `.ctl`; repeated for the same day the same bytes, whatever happened since.

    `now` is the bureau's time. Raises DayNotOver, FileRefused (encoding), OSError, DatabaseUnavailable.
    """
    codec = codec_of(encoding).removesuffix("-sig")
    if day >= now.date():
        raise DayNotOver(f"{day} 还没有过完，过了零点才能导出")
    file = fixed_file(engine, day, int(now.timestamp()))
    digest = _write(out, _lines(engine, seal, file, now.tzinfo), codec)
    control = f"rows={file.rows}\nsum={decimal_yuan(file.total)}\nsha256={digest}\n"
    _write(out.with_name(f"{out.name}.ctl"), iter([control]), "utf-8")
    return Exported(file, digest)


def _lines(engine: Engine, seal: FieldSeal, file: FixedFile, zone: tzinfo | None) -> Iterator[str]:
    """The text of the file, some lines at a time."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows_of_file(engine, file.file_no):
        writer.writerow([spreadsheet_safe(str(cell)) for cell in _cells(row, file.file_no, seal, zone)])
        if row.row_no % LINES_AT_ONCE == 0:
            yield page.getvalue()
            page.seek(0)
            page.truncate()
    yield page.getvalue()


def _cells(row: Row[Any], file_no: str, seal: FieldSeal, zone: tzinfo | None) -> tuple[Any, ...]:
    """One row, in the order of COLUMNS; a refund repeats its payment, with the day on which it went back."""
    return (
        file_no,
        row.row_no,
        row.order_no,
        row.out_trade_no,
        row.receipt_no,
        row.insurance,
        row.institution,
        row.person_no,
        row.id_type,
        seal.open(row.number),
        standard_han(seal.open(row.name)),
        row.pay_kind,
        row.assess_no,
        row.cover_year,
        row.period_from,
        row.period_to,
        row.tier_code,
        decimal_yuan(row.amount),
        datetime.fromtimestamp(row.paid_at, zone).isoformat(),
        row.settle_date.isoformat(),
        row.export_status,
        row.payer_relation,
    )


def _write(out: Path, texts: Iterator[str], codec: str) -> str:
    """Write it under another name, then give it its own: half a file never has it. Returns the SHA-256 of its bytes."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    digest = hashlib.sha256()
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            for text in texts:
                digest.update(content := text.encode(codec))
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return digest.hexdigest()
