"""Showing what there is: the flows, and what a turn costs."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app


@app.command()
def flows(
    mermaid: Annotated[bool, typer.Option("--mermaid", help="画成 Mermaid 图")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """每项服务的步骤，从真实的流程画出来。"""
    from dialogs.diagram import listing
    from dialogs.diagram import mermaid as draw
    from dialogs.flows import SERVICES

    typer.echo(draw(SERVICES) if mermaid else listing(SERVICES))


@app.command()
def bench(
    what: Annotated[str, typer.Argument(help="turn | certificate | reconcile | strangers")] = "turn",
    seconds: Annotated[float, typer.Option(help="每一轮多少秒")] = 2.0,
    storage: Annotated[str, typer.Option(help="reconcile：postgresql 或 sqlite")] = "postgresql",
    rows: Annotated[int, typer.Option(help="reconcile：账单最多多少行")] = 1_000_000,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """量一量：turn 一次问答，对不带业务的 WeRoBot 回声；certificate 一张证明，对平常的 fpdf2；reconcile 对一天的账；

    strangers 查无此人和名字不对，说的、用的时间是否一样。
    """
    from bot.bench import run

    raise typer.Exit(run(what, seconds, storage, rows))
