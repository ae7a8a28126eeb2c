"""对账 for an operator: reconcile, and the discrepancies it leaves."""

from __future__ import annotations

import getpass
import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of

WIDTH = 120
discrepancies = typer.Typer(help="对账的差异：列出、说明、了结。", no_args_is_help=True)
app.add_typer(discrepancies, name="discrepancies")
Reason = Annotated[str, typer.Option("--reason", help="是怎么回事、怎么处理的，记在账上")]
By = Annotated[str, typer.Option("--by", help="谁；默认是登录这台机器的用户")]


@app.command()
def reconcile(
    day: Annotated[str, typer.Argument(metavar="D", help="哪一天，如 2026-11-23")],
    bill: Annotated[Path | None, typer.Option(help="交易账单（ALL）文件，可以是 gzip；不给就向微信支付取")] = None,
    fund_flow: Annotated[Path | None, typer.Option("--fund-flow", help="资金账单（基本账户）文件")] = None,
    out: Annotated[Path | None, typer.Option(help="报告另存为 CSV：文件，或已有的文件夹")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """把微信支付某一天的账单和我们的账对一遍；全部相符退出码 0，有待核对的差异或账单还没有是 1。"""
    from rich.console import Console

    from bot.app import build
    from bot.logs import set_up
    from bot.reconciling.printed import print_report
    from bot.reconciling.reconciler import Reconciler
    from bot.reconciling.refusal import BillRefused, NoBillYet
    from bot.reconciling.written import report_path, write_report
    from storage.database import writing

    set_up()
    which = _day(day)
    for file in (bill, fund_flow):
        if file is not None and not file.is_file():
            complain(f"没有这个文件：{file}")
            raise typer.Exit(2)
    if out is not None and not (out.is_dir() or out.parent.is_dir()):
        complain(f"没有这个文件夹：{out.parent}")
        raise typer.Exit(2)
    with operators_errors():
        one = build(settings_of(config), wakes=False)
        try:
            report = Reconciler(one.till).reconcile(which, bill=bill, fund_flow=fund_flow)
        except (NoBillYet, BillRefused) as none:
            complain(str(none))
            raise typer.Exit(1) from None
        print_report(report, Console(width=WIDTH))
        if out is not None:
            path = report_path(out, report)
            with writing(one.engine) as connection:
                write_report(path, report, connection, one.settings.zone)
            typer.echo(f"报告写在 {path}")
        one.stop()
    if not report.ties:
        raise typer.Exit(1)


@discrepancies.command("list")
def list_them(
    day: Annotated[str | None, typer.Option(help="只看某一天账单的")] = None,
    everything: Annotated[bool, typer.Option("--all", help="连已说明、已了结的")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """列出待核对的差异，一行一项。"""
    from bot.reconciling.words import DISCREPANCIES, STATES, word
    from storage.database import open_database, writing
    from storage.migrate import upgrade
    from storage.reconciliation.discrepancies import STATES as ALL
    from storage.reconciliation.discrepancies import listed

    which = _day(day) if day else None
    with operators_errors():
        settings = settings_of(config)
        engine = open_database(settings.database_url)
        upgrade(engine)
        with writing(engine) as connection:
            for one in listed(connection, day=which, states=ALL if everything else ALL[:1]):
                found = datetime.fromtimestamp(one.found_at, settings.zone)
                words = [one.id, word(STATES, one.state), word(DISCREPANCIES, one.kind), one.day or found.date()]
                typer.echo("  ".join(map(str, [*words, one.out_trade_no, one.key, one.facts])))
                for who, why in ((one.explained_by, one.explained_why), (one.closed_by, one.closed_why)):
                    if why:
                        typer.echo(f"    {who}：{why}")


@discrepancies.command("explain")
def explain_one(number: int, reason: Reason, by: By = "", config: ConfigPath = DEFAULT_CONFIG) -> None:
    """说明一项差异是怎么回事；还没有了结。"""
    _move(config, number, reason, by, "explain")
    typer.echo(f"差异 {number} 已说明。")


@discrepancies.command("close")
def close_one(number: int, reason: Reason, by: By = "", config: ConfigPath = DEFAULT_CONFIG) -> None:
    """了结一项差异；等着它的缴费单接着办。"""
    _move(config, number, reason, by, "close")
    typer.echo(f"差异 {number} 已了结。")


def _move(config: Path, number: int, reason: str, by: str, what: str) -> None:
    from bot.reconciling.words import STATES, word
    from storage.database import open_database, writing
    from storage.migrate import upgrade
    from storage.reconciliation.discrepancies import NoSuchDiscrepancy, WrongState, close, explain

    if not reason.strip():
        complain("--reason 不能是空的：以后的人要看。")
        raise typer.Exit(2)
    with operators_errors():
        engine = open_database(settings_of(config).database_url)
        upgrade(engine)
        try:
            with writing(engine) as connection:
                move = explain if what == "explain" else close
                move(connection, number, (by or _user())[:64], reason.strip(), int(time.time()))
        except NoSuchDiscrepancy:
            complain(f"没有差异 {number}。")
            raise typer.Exit(1) from None
        except WrongState as wrong:
            complain(f"差异 {number} {word(STATES, wrong.state)}，不能再改。")
            raise typer.Exit(1) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "未知"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        complain(f"{text} 不是日期；写成 2026-11-23 这样。")
        raise typer.Exit(2) from None
