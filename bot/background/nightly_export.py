"""The nightly payments file: yesterday's, written into the configured folder, where a transfer picks it up."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path

import structlog
from sqlalchemy import Engine

from bot.background.routines import Routine
from bot.background.upkeep import next_time
from storage.agency.exporting import export_payments
from storage.sealing import FieldSeal

EXPORT_AT = time(1, 30)  # the bureau's clock: by then yesterday's callbacks have come; what is late is in the next file

LOG = structlog.get_logger("export")


def nightly_export(engine: Engine, seal: FieldSeal, folder: Path, zone: tzinfo) -> Routine:
    """Writes `payments_<day>.csv` of yesterday and its `.ctl`; a day that is there already is left alone.

    Safe to repeat: which rows a day holds is decided once, and the bytes are the same each time.
    """

    def export(now: int) -> int:
        moment = datetime.fromtimestamp(now, zone)
        day = moment.date() - timedelta(days=1)
        out = folder / f"payments_{day}.csv"
        if moment.time() >= EXPORT_AT and not out.with_name(f"{out.name}.ctl").exists():
            folder.mkdir(parents=True, exist_ok=True)
            written = export_payments(engine, seal, day, out, now=moment)
            LOG.info("payments exported", file=written.file.file_no, rows=written.file.rows)
        return next_time(now, EXPORT_AT, zone)

    return Routine("nightly export", export)
