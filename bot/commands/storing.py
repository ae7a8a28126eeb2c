"""The database and the agencies' files: db upgrade, import, seed, orders show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of

KINDS = ("institutions", "enrolments", "tariffs", "assessments", "payments", "acks")

db = typer.Typer(help="数据库。", no_args_is_help=True)
app.add_typer(db, name="db")
orders = typer.Typer(help="缴费单。", no_args_is_help=True)
app.add_typer(orders, name="orders")


@db.command("upgrade")
def db_upgrade(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """把数据库升级到这个版本的表结构。"""
    from storage.migrate import upgrade

    with operators_errors():
        upgrade(_engine(settings_of(config)))
    typer.echo("数据库已是最新。")


@app.command("import")
def import_file(
    kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))],
    file: Annotated[Path, typer.Argument(help="CSV 文件，旁边要有同名的 .ctl")],
    config: ConfigPath = DEFAULT_CONFIG,
    encoding: Annotated[str, typer.Option(help="utf-8 或 gb18030")] = "utf-8",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="跳过有误的行，写到旁边的 .rejected.csv")] = False,
) -> None:
    """导入经办机构的文件：整个文件都收下，或者一行也不收。"""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from storage.agency.importing import import_file as run_import
    from storage.agency.refusals import FileRefused
    from storage.migrate import upgrade
    from storage.sealing import FieldSeal

    if kind not in KINDS:
        complain(f"不认识的文件种类 {kind}；可以是：{'、'.join(KINDS)}")
        raise typer.Exit(2)
    if not file.is_file():
        complain(f"没有这个文件：{file}")
        raise typer.Exit(2)
    with operators_errors():
        settings = settings_of(config)
        engine = _engine(settings)
        upgrade(engine)
        seal = FieldSeal.read(settings.path(settings.storage.field_key))
        columns = (TextColumn(kind), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(kind, total=None)
            try:
                result = run_import(
                    kind,
                    file,
                    engine,
                    seal,
                    today=datetime.now(settings.zone).date(),
                    encoding=encoding,
                    skip_bad=skip_bad,
                    progress=lambda rows, total: bar.update(task, completed=rows, total=total),
                )
            except FileRefused as refused:
                bar.stop()
                for reason in refused.reasons:
                    complain(str(reason))
                complain("整个文件没有收下，数据库没有改动。")
                raise typer.Exit(1) from None
    typer.echo(
        f"{result.rows} 行：新增 {result.added}，更改 {result.changed}，删除 {result.deleted}，"
        f"以前收过 {result.already}，有误 {len(result.rejected)}"
    )
    if result.rejected:
        typer.echo(f"有误的行写在 {result.rejected_file}")
        raise typer.Exit(1)


@app.command()
def seed(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """装入演示数据，日期挪到今天前后。"""
    from bot.sandbox import DEMO
    from storage.demo import load_demo
    from storage.migrate import upgrade
    from storage.sealing import FieldSeal

    with operators_errors():
        settings = settings_of(config)
        engine = _engine(settings)
        upgrade(engine)
        key = settings.path(settings.storage.field_key)
        if settings.sandbox.enabled and not key.exists():
            FieldSeal.create(key)
        today = datetime.now(settings.zone).date()
        load_demo(engine, FieldSeal.read(key), DEMO, today, shift=True)
    typer.echo(f"演示数据已装入，适合 {today} 使用。")


@orders.command("show")
def orders_show(no: str, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """一张缴费单和它的每一次付款尝试。"""
    from bot.operating.order_sheet import order_sheet

    with operators_errors():
        settings = settings_of(config)
        sheet = order_sheet(_engine(settings), no, settings.zone)
    if sheet is None:
        complain(f"没有这张缴费单：{no}")
        raise typer.Exit(1)
    typer.echo(sheet)


def _engine(settings: Any) -> Any:
    from storage.database import open_database

    return open_database(settings.database_url)
