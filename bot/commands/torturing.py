"""Faults on purpose: torture."""

from __future__ import annotations

import random
import signal
import sys
from typing import Annotated

import typer

from bot.commands.root import app, complain


@app.command()
def torture(
    minutes: Annotated[float, typer.Option(help="出错多久，分钟")] = 5.0,
    storage: Annotated[str, typer.Option(help="embedded 或 services（Redis 和 PostgreSQL，各两个进程）")] = "embedded",
    seed: Annotated[int | None, typer.Option(help="同一个数重来同一套故障；不给就随机")] = None,
    citizens: Annotated[int, typer.Option(help="多少位市民")] = 300,
) -> None:
    """折磨：一城的人缴费，网络、进程、存储和微信随时出错；最后和微信的账分文不差，退出码 0，否则 1。"""
    import logging

    import structlog

    from bot.torture.ground import EMBEDDED, SERVICES_STORAGE, NoServices
    from bot.torture.printed import lines_of
    from bot.torture.redis_server import NoRedis
    from bot.torture.torture import torture as run

    if storage not in (EMBEDDED, SERVICES_STORAGE) or minutes <= 0 or citizens < 1:
        complain("--storage 是 embedded 或 services，--minutes 和 --citizens 要大于 0")
        raise typer.Exit(2)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chosen = random.SystemRandom().randrange(2**31) if seed is None else seed
    typer.echo(f"seed {chosen}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # processes, database and Redis of its own end with it
    try:
        verdict = run(chosen, minutes * 60, storage, citizens)
    except (NoServices, NoRedis) as missing:
        complain(str(missing))
        raise typer.Exit(2) from None
    for line in lines_of(verdict):
        typer.echo(line)
    if verdict.found:
        raise typer.Exit(1)
