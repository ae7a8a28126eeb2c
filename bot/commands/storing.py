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
    replace_batch: Annotated[
        bool, typer.Option("--replace-batch", help="整批读错过的文件：用这个文件更正，先说改什么，再问两次")
    ] = False,
    confirm: Annotated[str, typer.Option("--confirm", help="脚本里用：要更正的行数，说对了就不再问")] = "",
) -> None:
    """导入经办机构的文件：整个文件都收下，或者一行也不收。"""
    from functools import partial

    from storage.agency.importing import import_file as run_import
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
        today = datetime.now(settings.zone).date()
        run = partial(run_import, kind, file, engine, seal, today=today, encoding=encoding, skip_bad=skip_bad)
        if replace_batch:
            run = partial(run, replace=True)
            if not _is_replacing_confirmed(_watched(kind, partial(run, trial=True)), confirm):
                raise typer.Exit(0)
        result = _watched(kind, run)
    typer.echo(
        f"{result.rows} 行：新增 {result.added}，更改 {result.changed}，删除 {result.deleted}，"
        f"以前收过 {result.already}，有误 {len(result.rejected)}"
    )
    if result.rejected:
        typer.echo(f"有误的行写在 {result.rejected_file}")
        raise typer.Exit(1)


def _watched(kind: str, run: Any) -> Any:
    """What an import gives, with a bar while it runs; a refused file ends the command with its reasons."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from storage.agency.refusals import FileRefused

    columns = (TextColumn(kind), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(kind, total=None)
        try:
            return run(progress=lambda rows, total: bar.update(task, completed=rows, total=total))
        except FileRefused as refused:
            bar.stop()
            for reason in refused.reasons:
                complain(str(reason))
            complain("整个文件没有收下，数据库没有改动。")
            raise typer.Exit(1) from None


def _is_replacing_confirmed(trial: Any, confirm: str) -> bool:
    """Say what would change, and ask twice: yes, then the number of rows."""
    typer.echo(
        f"批次 {'、'.join(trial.batches)}：文件 {trial.rows} 行。"
        f"以前收过、内容不同的 {trial.replaced} 行要更正，其中登记的内容会变的 {trial.changed} 行；"
        f"没有收过的 {trial.added} 行照常收；以前收过、这个文件里没有的 {trial.elsewhere} 行不动；"
        f"有误 {trial.refused} 行。"
    )
    typer.echo("缴过的钱、开着的缴费单和开过的证明都不会变；后来别的批次改过的行不会动。更正以前的内容留有记录。")
    if not trial.replaced:
        typer.echo("没有要更正的行，什么也没有改。")
        return False
    if not confirm:
        if not typer.confirm("要更正吗？", default=False):
            typer.echo("没有更正，什么也没有改。")
            return False
        confirm = typer.prompt("再确认一次：请输入要更正的行数")
    if confirm.strip() != str(trial.replaced):
        complain(f"行数不对，要更正的是 {trial.replaced} 行；什么也没有改。")
        raise typer.Exit(2)
    return True


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
