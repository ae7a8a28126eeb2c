"""Giving money back on somebody's word: orders refund. Shown first, asked twice, and kept with who and why."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, complain, operators_errors, settings_of
from bot.commands.storing import orders

STANDS = {
    "paid": "已缴费，可以退",
    "booked": "已入库，要加 --booked 才能退",
    "closed": "微信支付关闭了退款，可以换号再退",
    "under_way": "正在退",
    "abnormal": "退款异常：请到商户平台处理，处理完会自动记账",
    "refunded": "已退款",
}
BOOKED = "注意：其中有经办机构已经入库的钱。退款以后要由经办机构从库里退回，请先和经办机构说好。"


@orders.command("refund")
def orders_refund(
    no: str,
    reason: Annotated[str, typer.Option("--reason", help="退款原因，记在账上")],
    line: Annotated[list[int] | None, typer.Option("--line", help="只退第几条明细，可以写几次；不写就全退")] = None,
    by: Annotated[str, typer.Option("--by", help="经办人，默认是系统登录名")] = "",
    booked: Annotated[bool, typer.Option("--booked", help="经办机构已入库的也退")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="不在终端里时用，必须同时写 --amount")] = False,
    amount: Annotated[str, typer.Option("--amount", help="要退的总金额，如 400.00，和 --yes 一起用")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """把一张缴费单的钱原路退给付款人：先列出来，问两遍，记下谁退的、为什么。"""
    from dialogs.terms.money import decimal_yuan
    from storage.database import open_database
    from storage.migrate import upgrade
    from storage.orders.refund_requests import NotRefundable, Stands, ask_refund, chosen, parts_of

    with operators_errors():
        settings = settings_of(config)
        engine = open_database(settings.database_url)
        upgrade(engine)
        parts = parts_of(engine, no)
    if parts is None:
        complain(f"没有这张缴费单：{no}")
        raise typer.Exit(1)
    for part in parts:
        typer.echo(_told(part))
    try:
        wanted = chosen(parts, line or [], booked=booked)
        if not wanted:
            raise NotRefundable("现在没有可以退的钱")
        total = decimal_yuan(sum(part.amount for part in wanted))
        if any(part.stands is Stands.BOOKED for part in wanted) and booked:
            typer.echo(BOOKED)
        _ask_twice(no, wanted, total, yes=yes, amount=amount)
        with operators_errors():
            who = by or getpass.getuser()
            numbers = ask_refund(engine, no, wanted, by=who, why=reason.strip(), booked=booked, now=int(time.time()))
    except NotRefundable as refused:
        complain(str(refused))
        raise typer.Exit(1) from None
    typer.echo(f"已登记退款 {total} 元（{who}）：{'、'.join(numbers)}")
    typer.echo(f"后台会向微信支付申请，用 run.py orders show {no} 看进度。")


def _told(part: Any) -> str:
    from dialogs.terms.money import decimal_yuan

    what = f"明细 {part.line_no}  {part.name}  {part.insurance}  {part.cover_year}" if part.line_no else "多付的钱"
    number = f"  {part.out_refund_no}" if part.out_refund_no else ""
    return f"{what}  {decimal_yuan(part.amount)} 元  {STANDS[part.stands]}{number}"


def _ask_twice(no: str, wanted: Sequence[Any], total: str, *, yes: bool, amount: str) -> None:
    """Go on only for somebody who means it: a script has to say the amount, a person says yes and then types it."""
    if not sys.stdin.isatty():
        if not yes or amount != total:
            complain(f"不在终端里，没有退款。确实要退，请加 --yes --amount {total}")
            raise typer.Exit(2)
        return
    if amount and amount != total:
        complain(f"--amount 写的是 {amount}，这里要退 {total}，没有退款。")
        raise typer.Exit(2)
    lines = "、".join(str(part.line_no) if part.line_no else "多付的钱" for part in wanted)
    if not typer.confirm(f"要退缴费单 {no} 的明细 {lines}，一共 {total} 元，退给付款人？"):
        complain("没有退款。")
        raise typer.Exit(1)
    if typer.prompt("再确认一次：请输入要退的金额，或者缴费单号").strip() not in (total, no):
        complain("对不上，没有退款。")
        raise typer.Exit(1)
