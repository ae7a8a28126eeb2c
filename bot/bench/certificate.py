"""`run.py bench certificate`: certificates a second, against plain fpdf2 that loads the same font each time.

Both draw the very same page; the rounds take turns, so that a noisy machine is noisy for both.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.plain import PlainFonts
from dialogs.terms.identity import with_check_digit
from dialogs.terms.insurance import Insurance, PayKind
from storage.certified import Certificate, CertifiedLine, CertifiedPerson

ROUNDS = 5
ROWS = 10
MANY = 10_000  # documents after which the memory is looked at again
WARM_UP = 20
LEAST = 40  # times as many, or the bench fails
MOST_GROWTH = 8 * 1024  # kilobytes; one font kept a document would be a hundred times that


def bench_certificate(seconds: float) -> int:
    """Print the table; 0 where ours are `LEAST` times as many and memory does not grow, else 1.

    `seconds` is the length of each round.
    """
    console = Console(width=120)
    files = FontFiles()
    ours, plain = (CertificatePainter(fonts, files).paint for fonts in (SharedFonts(files), PlainFonts(files)))
    sample = certificate(ROWS)
    size = {paint: len(paint(sample)) for paint in (ours, plain)}
    rates: dict[Callable[[Certificate], bytes], list[float]] = {ours: [], plain: []}
    for _ in range(ROUNDS):
        for paint, found in rates.items():
            found.append(_rate(paint, sample, seconds))
    before = _settled(ours, sample, WARM_UP)
    growth = _settled(ours, sample, MANY) - before
    times = median(rates[ours]) / median(rates[plain])
    table = Table(title=f"A certificate of {ROWS} payments; medians of {ROUNDS} rounds of {seconds:g} s, interleaved")
    table.add_column("")
    for name in ("a second", "times", "ms", "bytes"):
        table.add_column(name, justify="right")
    for label, paint in (("fpdf2, font loaded each time", plain), ("this bot", ours)):
        rate = median(rates[paint])
        ratio = f"{rate / median(rates[plain]):.1f}"
        table.add_row(label, f"{rate:,.1f}", ratio, f"{1000 / rate:.1f}", f"{size[paint]:,}")
    console.print(table)
    console.print(f"{MANY:,} documents more: {growth / 1024:+.1f} MB of memory.")
    return 0 if times >= LEAST and growth <= MOST_GROWTH else 1


def certificate(rows: int) -> Certificate:
    """An invented certificate."""
    lines = tuple(
        CertifiedLine(
            payment=number,
            insurance=Insurance.PENSION if number % 2 else Insurance.MEDICAL,
            institution="南昌市东湖区城乡居民社会养老保险事业管理局" if number % 2 else "南昌市东湖区医疗保障服务中心",
            person_no=f"36010200000{number % 2:02}",
            pay_kind=PayKind.NORMAL,
            cover_year=2026 - number // 2,
            period_from=f"{2026 - number // 2}01",
            period_to=f"{2026 - number // 2}12",
            tier="500元档" if number % 2 else "居民医保",
            paid_on=date(2026, 11, 23),
            receipt_no=f"42000012342026112312345{number:05}",
            amount=50_000 if number % 2 else 40_000,
        )
        for number in range(1, rows + 1)
    )
    moment = datetime(2026, 11, 23, 1, tzinfo=UTC)
    number = with_check_digit("36990219851103003")
    wang = CertifiedPerson("王样三", "201", number)
    return Certificate("ZM20261123ABCDEFGH", "ABCDEFGHJKMN", moment, "样例市税务局（演示）", (wang,), lines)


def _rate(paint: Callable[[Certificate], bytes], sample: Certificate, seconds: float) -> float:
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds or not count:
        paint(sample)
        count += 1
    return count / (time.perf_counter() - begun)


def _settled(paint: Callable[[Certificate], bytes], sample: Certificate, count: int) -> int:
    """Kilobytes this process holds after so many documents."""
    for _ in range(count):
        paint(sample)
    gc.collect()
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
