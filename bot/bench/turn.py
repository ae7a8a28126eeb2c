"""`run.py bench turn`: turns a second over HTTP in safe mode, our whole bot against a bare WeRoBot echo bot.

All get the very same kind of messages, over 16 keep-alive connections, served by two worker processes;
the rounds take turns, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import truediv
from pathlib import Path
from statistics import median
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from bot.bench.load import Load, Measured, drive
from bot.bench.people import residents
from bot.bench.rows import (
    THREADS,
    WORKERS,
    Ground,
    Row,
    echo_row,
    forget_sessions,
    our_row,
    postgresql,
    redis_answers,
    stand_ins,
)
from bot.bench.words import ORDERS_ONE_IN, Account
from bot.sandbox.push_crypto import PushCrypto

REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/14")
POSTGRESQL_URL = os.environ.get("BENCH_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
ROUNDS = 11
CONNECTIONS = 16
PEOPLE = 6000
WARM_UP_SECONDS = 1.0


@dataclass
class _Results:
    row: Row
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # µs of the server for one turn
    failed: int = 0


def bench_turn(seconds: float) -> int:
    """Print the table; 0 where every answer was one, 1 otherwise."""
    console = Console(width=130)
    tag = secrets.token_hex(4)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        keys, overrides = stack.enter_context(stand_ins())
        sessions = REDIS_URL if redis_answers(REDIS_URL) else "embedded"
        if sessions == "embedded":
            console.print(f"NO REDIS answers at {REDIS_URL}: both bots keep their sessions in SQLite files instead.")
        else:
            stack.callback(forget_sessions, REDIS_URL, tag)
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        ground = Ground(folder, keys, overrides, sessions, residents(PEOPLE), today)
        rows = [
            echo_row(stack, ground, tag, "gunicorn"),
            echo_row(stack, ground, tag, "granian"),
            our_row(stack, ground, "SQLite", f"sqlite:///{folder / 'bot.db'}"),
        ]
        database = stack.enter_context(postgresql(POSTGRESQL_URL))
        if database is None:
            console.print("No PostgreSQL answers: its row is left out.")
        else:
            rows.append(our_row(stack, ground, "PostgreSQL", database))
        # a server of its own: the looks at its orders go on between its rounds
        ordering = our_row(stack, ground, f"SQLite, 1 in {ORDERS_ONE_IN} orders", f"sqlite:///{folder / 'orders.db'}")
        rows.append(replace(ordering, orders_one_in=ORDERS_ONE_IN))
        results = [_Results(row) for row in rows]
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(context.Pool(1))
        for number in range(-1, ROUNDS):
            for nth, one in enumerate(results):
                length = seconds if number >= 0 else WARM_UP_SECONDS
                load = Load(
                    "127.0.0.1",
                    one.row.server.port,
                    length,
                    CONNECTIONS,
                    one.row.orders_one_in,
                    ground.account,
                    ground.people,
                    first=(number + 1) * PEOPLE // (ROUNDS + 1),
                    tag=f"{tag}r{number + 1}n{nth}x",
                )
                before = one.row.server.cpu_seconds()
                measured = pool.apply(drive, (load,))
                if number >= 0:
                    _note(one, measured, one.row.server.cpu_seconds() - before)
                if one.row.ours:
                    one.failed += _unlike_a_payment(measured, ground.account)
        _print(console, results, seconds)
        return 1 if any(one.failed for one in results) else 0


def _note(results: _Results, measured: Measured, cpu: float) -> None:
    ordered = sorted(measured.latencies)
    results.rates.append(len(ordered) / measured.seconds)
    results.p50.append(ordered[len(ordered) // 2] * 1e3)
    results.p99.append(ordered[len(ordered) * 99 // 100] * 1e3)
    results.cpu.append(cpu / len(ordered) * 1e6)
    results.failed += measured.failed


def _unlike_a_payment(measured: Measured, account: Account) -> int:
    """How many of the whole conversations looked at did not end where they should: so the load is known to be real."""
    crypto = PushCrypto(account.token, account.encoding_aes_key, account.app_id)
    wrong = 0
    for body in measured.samples.values():
        sealed = ElementTree.fromstring(body).findtext("Encrypt") or ""
        text = ElementTree.fromstring(crypto.decrypt(sealed)).findtext("Content") or ""
        wrong += not any(words in text for words in ("缴费单", "参保人的姓名", "身份证上的姓名", "姓名"))
    return wrong


def _print(console: Console, results: list[_Results], seconds: float) -> None:
    table = Table(
        title=f"A turn over HTTP, safe mode, {CONNECTIONS} connections, {WORKERS} workers ({THREADS} threads under "
        f"Granian); medians of {ROUNDS} rounds of {seconds:g} s, interleaved; "
        "against echo: of each round with the echo's own"
    )
    table.add_column("")
    for name in ("turns/s", "against echo", "p50 ms", "p99 ms", "server CPU µs", "RSS MB of all processes", "failed"):
        table.add_column(name, justify="right")
    for one in results:
        table.add_row(
            one.row.name,
            f"{median(one.rates):,.0f}",
            f"{median(map(truediv, one.rates, results[0].rates)):.2f}",
            f"{median(one.p50):.1f}",
            f"{median(one.p99):.1f}",
            f"{median(one.cpu):.0f}",
            f"{one.row.server.megabytes():.0f}",
            str(one.failed),
        )
    console.print(table)
    console.print(
        "Our bot answers payment conversations over real look-ups. In the last row one conversation in "
        f"{ORDERS_ONE_IN} also opens an order, which its background work places and asks about at WeChat Pay's "
        "stand-in meanwhile, in the same processes. The yardstick is the first row, WeRoBot as it is usually served; "
        "under our own server it is faster (second row)."
    )
