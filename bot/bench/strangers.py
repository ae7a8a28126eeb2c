"""`run.py bench strangers`: does the time of an answer tell who is enrolled?

Two kinds of questions come mixed: numbers that nobody has, and numbers of enrolled people with another's name. Both get
the same words. For every message of the way the bench tells how often the enrolled one took longer: one half is what a
stranger learns nothing from. It is measured inside the process, where no network hides a difference.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import sqrt
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from bot.app import App, build
from bot.bench.people import Resident, residents
from bot.bench.rows import Ground, postgresql, stand_ins, stocked
from bot.bench.turn import POSTGRESQL_URL
from bot.settings import read
from dialogs.said import Said

ASKED = 300  # questions of each kind
WARM_UP = 30  # questions that do not count
TELLS = 0.06  # so far from one half, and three standard errors more, is a difference
WRONG_NAME = "张试十一"
WAYS = {"pay.medical": ("number", "name"), "query.enrolments": ("同意", "number", "name", "换一种", "code")}
_SUM = re.compile(r"(\d+) \+ (\d+)")
_FIGURES = re.compile(r"[\d*.X零一二三四五六七八九十]+")  # masked numbers, sums, ids: each conversation's own


@dataclass
class _Message:
    """What answers to one message of one way said, and the seconds they took."""

    enrolled: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    words: set[str] = field(default_factory=set)


def bench_strangers() -> int:
    """Print the table; 0 where words are the same and no time tells, else 1."""
    console = Console(width=120)
    table = Table(title=f"An enrolled number with another's name, and a number nobody has: {ASKED} of each, mixed")
    for name in ("database", "service", "message"):
        table.add_column(name)
    for name in ("enrolled, ms", "unknown, ms", "enrolled took longer", "standard error", "wordings"):
        table.add_column(name, justify="right")
    told = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        keys, overrides = stack.enter_context(stand_ins())
        people = residents(2 * len(WAYS) * (ASKED + WARM_UP))
        half = len(people) // 2
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        ground = Ground(folder, keys, overrides, "embedded", people[:half], today)
        databases = {"SQLite": f"sqlite:///{folder / 'bot.db'}"}
        other = stack.enter_context(postgresql(POSTGRESQL_URL))
        if other:
            databases["PostgreSQL"] = other
        else:
            console.print("No PostgreSQL answers: its rows are left out.")
        for database, url in databases.items():
            app = build(read(stocked(ground, database, url)), wakes=False)
            stack.callback(app.stop)
            nobody = [replace(one, name="") for one in people[half:]]
            for (service, message), found in _asked(app, people[:half], nobody).items():
                longer, error = _took_longer(found.enrolled, found.unknown)
                told |= abs(longer - 0.5) > TELLS + 3 * error or len(found.words) > 1
                times = (f"{median(one) * 1e3:.3f}" for one in (found.enrolled, found.unknown))
                table.add_row(
                    database, service, message, *times, f"{longer:.3f}", f"{error:.3f}", f"{len(found.words)}"
                )
    console.print(table)
    console.print(
        "An answer tells who is enrolled." if told else "Nothing tells them apart: 0.500 would be pure chance."
    )
    return 1 if told else 0


def _asked(app: App, enrolled: list[Resident], nobody: list[Resident]) -> dict[tuple[str, str], _Message]:
    """Everybody is asked about once, by an openid of its own."""
    found: dict[tuple[str, str], _Message] = {}
    for nth, service in enumerate(WAYS):
        part = slice(nth * (ASKED + WARM_UP), (nth + 1) * (ASKED + WARM_UP))
        mixed = [(one, True) for one in enrolled[part]] + [(one, False) for one in nobody[part]]
        random.Random(nth).shuffle(mixed)
        for count, (one, is_enrolled) in enumerate(mixed):
            for message, seconds, said in _conversation(app, f"o{service}{count}", service, one):
                kept = found.setdefault((service, message), _Message())
                kept.words.add(_FIGURES.sub("", said))
                if count >= 2 * WARM_UP:
                    (kept.enrolled if is_enrolled else kept.unknown).append(seconds)
    return found


def _conversation(app: App, openid: str, service: str, one: Resident) -> Iterator[tuple[str, float, str]]:
    """Every message after the menu: its name, the seconds of its answer, the answer."""
    answer = app.turns.handle(openid, f"{openid} menu", Said("menu", key=service)).text
    for message in WAYS[service]:
        drawn = _SUM.search(answer) if message == "code" else None
        code = str(int(drawn[1]) + int(drawn[2])) if drawn else ""
        text = {"number": one.number, "name": WRONG_NAME, "code": code}.get(message, message)
        begun = time.perf_counter()
        answer = app.turns.handle(openid, f"{openid} {message}", Said("text", text)).text
        yield message, time.perf_counter() - begun, answer


def _took_longer(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """How often one of the first took longer than one of the others (Mann-Whitney), and the standard error of that."""
    ranked = sorted(others)
    above = sum(bisect_left(ranked, one) + bisect_right(ranked, one) for one in ones) / 2
    pairs = len(ones) * len(others)
    return above / pairs, sqrt((len(ones) + len(others) + 1) / (12 * pairs))
