"""`run.py bench reconcile`: a bill of so many rows against as many entries of the ledger, each in a process of its own.

Most rows match; one in a thousand does not, in each of the ways there are, so that discrepancies are written too.
"""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bot.bench.rows import postgresql
from bot.pay.till import Till
from bot.reconciling.reconciler import Reconciler
from storage.database import open_database, writing
from storage.migrate import upgrade
from storage.orders.settling import Settler
from storage.reconciliation.bills import take_time
from storage.reconciliation.columns import MATCHED

SIZES = (10_000, 100_000, 1_000_000)
MOST_MEGABYTES = 300
LINEAR = 0.5  # the largest bill's rows a second, at the least, of the one's before it
SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
DAY = date(2026, 11, 23)
ZONE = ZoneInfo("Asia/Shanghai")
NOON = int(datetime(2026, 11, 23, 12, tzinfo=ZONE).timestamp())
MCH_ID = "1900000001"
ONE_IN = 1000  # rows of which one does not fit
AMOUNT = "500.00"
HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def bench_reconcile(storage: str, most: int) -> int:
    """Print the table; 1 where it took too much memory or more than linear time, 2 where there is no PostgreSQL."""
    console = Console(width=120)
    table = Table(title=f"A day reconciled on {storage}: bill rows against as many ledger entries")
    for name in ("rows", "seconds", "rows a second", "peak MB", "discrepancies"):
        table.add_column(name, justify="right")
    rates, peaks = [], []
    for rows in (size for size in SIZES if size <= most):
        with TemporaryDirectory() as folder, _database(storage, Path(folder)) as url:
            if url is None:
                sys.stderr.write("no PostgreSQL answers at 127.0.0.1:5432; there is --storage sqlite\n")
                return 2
            found = _measured(url, Path(folder), rows)
        rates.append(rows / found["seconds"])
        peaks.append(found["megabytes"])
        numbers = (
            f"{rows:,}",
            f"{found['seconds']:.1f}",
            f"{rates[-1]:,.0f}",
            f"{peaks[-1]:.0f}",
            f"{found['open']:,}",
        )
        table.add_row(*numbers)
    console.print(table)
    small, linear = max(peaks) < MOST_MEGABYTES, len(rates) < 2 or rates[-1] >= LINEAR * rates[-2]
    console.print(f"Memory under {MOST_MEGABYTES} MB: {'yes' if small else 'NO'}. Linear: {'yes' if linear else 'NO'}.")
    return 0 if small and linear else 1


@contextmanager
def _database(storage: str, folder: Path) -> Iterator[str | None]:
    if storage == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    with postgresql(SERVER) as url:
        yield url


def _measured(url: str, folder: Path, rows: int) -> dict[str, Any]:
    _fill(url, rows)
    bill = folder / "bill.gz"
    _write_bill(bill, rows)
    command = [sys.executable, "-m", "bot.bench.reconcile", url, str(bill)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _fill(url: str, rows: int) -> None:
    """The ledger as it would be after that day."""
    engine = open_database(url)
    upgrade(engine)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
    number = "substr('00000000' || i, -8)" if engine.dialect.name == "sqlite" else "lpad(i::text, 8, '0')"
    with writing(engine) as connection:
        take_time(connection, DAY)
        statement = f"""
            INSERT INTO ledger (reason, kind, order_no, out_trade_no, transaction_id, amount, at, booked_at)
            {count} SELECT '420000123420261123' || {number}, 'payment', '261123B' || {number},
            '261123B' || {number} || '-1', '420000123420261123' || {number}, 50000, :at, :at FROM n
        """
        connection.execute(text(statement), {"rows": rows, "at": NOON})
        connection.execute(text("ANALYZE ledger"))
    engine.dispose()


def _write_bill(path: Path, rows: int) -> None:
    """One row in a thousand has another amount, another state, is there twice, or is missing."""
    written = cents = 0
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write(HEADER + "\n")
        for place in range(1, rows + 1):
            odd = place // ONE_IN % 4 if place % ONE_IN == 0 else None
            amount = "500.01" if odd == 0 else AMOUNT
            line = _line(place, amount, "REVOKED" if odd == 1 else "SUCCESS")
            times = {2: 2, 3: 0}.get(odd, 1) if odd is not None else 1
            file.write(line * times)
            written += times
            cents += times * (50001 if odd == 0 else 0 if odd == 1 else 50000)
        total = f"{cents // 100}.{cents % 100:02}"
        file.write(f"{SUMMARY}\n`{written},`{total},`0.00,`0.00,`0.00000,`{total},`0.00\n")


def _line(place: int, amount: str, state: str) -> str:
    number = f"{place:08}"
    return (
        f"`2026-11-23 12:00:00,`wx1234567890abcdef,`{MCH_ID},`0,`,`420000123420261123{number},`261123B{number}-1,"
        f"`oBench{number},`JSAPI,`{state},`OTHERS,`CNY,`{amount},`0.00,`0,`0,`0.00,`0.00,`,`,"
        f"`2026年城乡居民养老保险,`,`0.00000,`0.60%,`{amount},`0.00,`\n"
    )


def _reconcile(url: str, bill: Path) -> None:
    """The process that is measured."""
    engine = open_database(url)
    settler = Settler(engine, ZONE, MCH_ID, "wx1234567890abcdef")
    till = Till(engine, cast(Any, None), settler, ZONE, lambda: NOON + 86400)  # nothing here is to be asked after
    begun = time.perf_counter()
    report = Reconciler(till).reconcile(DAY, bill=bill)
    seconds = time.perf_counter() - begun
    matched = sum(one.rows for one in report.figures.by if one.verdict == MATCHED)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"seconds": seconds, "megabytes": megabytes, "open": report.open, "matched": matched}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    _reconcile(sys.argv[1], Path(sys.argv[2]))
