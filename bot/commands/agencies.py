"""The agencies' side: export payments, and the report over bill, ledger and answers."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of

export = typer.Typer(help="给经办机构的文件。", no_args_is_help=True)
app.add_typer(export, name="export")


@export.callback()
def _group() -> None:
    """给经办机构的文件。"""


@export.command("payments")
def export_payments(
    day: Annotated[str, typer.Option("--date", help="哪一天的，如 2026-11-23；要已经过完")],
    out: Annotated[Path, typer.Option("--out", help="写到哪个文件，旁边再写一个 .ctl")],
    encoding: Annotated[str, typer.Option(help="utf-8 或 gb18030")] = "utf-8",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """导出一天的缴费和退款；同一天再导出一次，文件一字不差。"""
    from storage.agency.exporting import DayNotOver
    from storage.agency.exporting import export_payments as write
    from storage.agency.refusals import FileRefused
    from storage.database import open_database
    from storage.migrate import upgrade
    from storage.sealing import FieldSeal

    with operators_errors():
        settings = settings_of(config)
        seal = FieldSeal.read(settings.path(settings.storage.field_key))
        engine = open_database(settings.database_url)
        upgrade(engine)
        try:
            written = write(engine, seal, day_of(day), out, now=datetime.now(settings.zone), encoding=encoding)
        except (DayNotOver, FileRefused) as refused:
            complain(str(refused))
            raise typer.Exit(2) from None
        except OSError as error:
            complain(f"写不了 {out}：{error.strerror}")
            raise typer.Exit(1) from None
    from dialogs.terms.money import decimal_yuan

    file = written.file
    typer.echo(f"{file.file_no}：{file.rows} 行，合计 {decimal_yuan(file.total)} 元，sha256 {written.sha256}")
    typer.echo(f"{out} 里有完整的姓名和证件号码，只有本账号能读；传给经办机构以后请删掉。")


@app.command()
def report(
    first: Annotated[str, typer.Option("--from", help="从哪一天，如 2026-11-01")],
    last: Annotated[str, typer.Option("--to", help="到哪一天，默认同一天")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="同时写成 CSV 文件")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """微信账单、本系统的账、经办机构的回执，一天一行对着看；有对不平的，退出码 1。"""
    from bot.operating.three_way_report import csv_of, table_of_days
    from storage.agency.three_ways import in_three, total_of
    from storage.database import open_database
    from storage.migrate import upgrade

    begin, end = day_of(first), day_of(last or first)
    if end < begin:
        complain("--to 比 --from 还早")
        raise typer.Exit(2)
    with operators_errors():
        settings = settings_of(config)
        engine = open_database(settings.database_url)
        upgrade(engine)
        days = list(in_three(engine, begin, end, settings.zone))
    whole = total_of(days)
    typer.echo(table_of_days(days, whole))
    if out is not None:
        try:
            out.write_text(csv_of(days, whole), "utf-8-sig")
        except OSError as error:
            complain(f"写不了 {out}：{error.strerror}")
            raise typer.Exit(1) from None
    if untied := [str(day.day) for day in days if not day.ties]:
        complain(f"对不平：{'、'.join(untied)}")
        raise typer.Exit(1)


def day_of(text: str) -> date:
    """A day as it is written on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        complain(f"日期要写成 2026-11-23 这样：{text}")
        raise typer.Exit(2) from None
