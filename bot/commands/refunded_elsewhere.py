"""Refunds that this bot did not make, recorded on an operator's word: orders adopt-refund, orders transferred.

As with every command that moves money in the books: shown first, asked twice, and kept with who and why.
"""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, complain, operators_errors, settings_of
from bot.commands.storing import orders

Reason = Annotated[str, typer.Option("--reason", help="是怎么回事，记在账上")]
By = Annotated[str, typer.Option("--by", help="经办人，默认是系统登录名")]
Yes = Annotated[bool, typer.Option("--yes", help="不在终端里时用，必须同时写 --amount")]
Amount = Annotated[str, typer.Option("--amount", help="退款的总金额，如 400.00，和 --yes 一起用")]
STATES = {"PROCESSING": "还在退，退完再来", "ABNORMAL": "退款异常，钱还没有退到", "CLOSED": "退款已经关闭，钱没有退"}


@orders.command("adopt-refund")
def adopt_refund(
    number: Annotated[str, typer.Argument(help="商户退款单号")],
    reason: Reason,
    line: Annotated[list[int] | None, typer.Option("--line", help="退的是第几条明细，可以写几次；多付的钱是 0")] = None,
    by: By = "",
    yes: Yes = False,
    amount: Amount = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """把不是这里发起的退款（商户平台、投诉）记进来：按退款单号问微信支付，问两遍，记下谁记的、为什么。"""
    from bot.app import build
    from bot.pay.gateway_errors import GatewayTrouble
    from dialogs.terms.money import decimal_yuan
    from storage.orders.foreign_refunds import Booked, NotThese

    _check_reason(reason)
    with operators_errors():
        app = build(settings_of(config), wakes=False)
        try:
            refund = app.till.gateway.query_refund(number)
            if refund is None:
                complain(f"微信支付没有这个退款单号：{number}")
                raise typer.Exit(1)
            total = decimal_yuan(refund.amount)
            typer.echo(f"退款 {number}  {total} 元  商户订单号 {refund.out_trade_no}  微信单号 {refund.transaction_id}")
            if refund.state != "SUCCESS":
                complain(f"没有登记：{STATES.get(refund.state, refund.state)}")
                raise typer.Exit(1)
            _ask_twice(f"要把退款 {number}，一共 {total} 元，记到账上？", number, total, yes=yes, amount=amount)
            who = by or getpass.getuser()
            outcome = app.till.book_refund(refund, by=who, why=reason.strip(), lines=line or [])
        except (NotThese, ValueError) as refused:
            complain(str(refused))
            raise typer.Exit(1) from None
        except GatewayTrouble as trouble:
            complain(f"微信支付没有答清楚，没有登记，请再试一次：{trouble}")
            raise typer.Exit(1) from None
        finally:
            app.stop()
    said = {
        Booked.DONE: f"已记账：退款 {total} 元（{who}），明细已改为已退款。",
        Booked.AGAIN: "这笔退款已经记过账了。",
        Booked.PARTLY: f"已记账：退款 {total} 元（{who}）。退的是哪些明细还不能确定：请加 --line 再来一次。",
    }
    if outcome not in said:
        complain(f"没有登记：这笔退款和我们的账对不上，用 run.py orders show {refund.out_trade_no} 看。")
        raise typer.Exit(1)
    typer.echo(said[outcome])
    typer.echo(f"用 run.py orders show {refund.out_trade_no} 看。")


@orders.command("transferred")
def transferred(
    no: Annotated[str, typer.Argument(help="缴费单号")],
    reason: Reason,
    line: Annotated[int | None, typer.Option("--line", help="第几条明细的退款；多付的钱是 0")] = None,
    by: By = "",
    yes: Yes = False,
    amount: Amount = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """登记一笔微信支付退不成、已经用转账等别的办法退给市民的钱：先问微信支付，再问两遍，记下谁登记的、为什么。"""
    import time

    from bot.app import build
    from bot.pay.gateway_errors import GatewayTrouble
    from dialogs.terms.money import decimal_yuan
    from storage.orders.transfers import NotTransferable, record_transfer, stuck_refunds

    _check_reason(reason)
    with operators_errors():
        app = build(settings_of(config), wakes=False)
        try:
            stuck = stuck_refunds(app.engine, no)
            for one in stuck:
                typer.echo(_described(one))
            mine = [one for one in stuck if line is None or (one.line_no or 0) == line]
            if len(mine) != 1:
                raise NotTransferable("请用 --line 指明是哪一笔" if mine else "这张缴费单没有退不成的退款")
            [refund] = mine
            at_wechat = app.till.gateway.query_refund(refund.out_refund_no)
            if at_wechat is not None:
                app.till.refunded(at_wechat)
            total = decimal_yuan(refund.amount)
            state = at_wechat.state if at_wechat is not None else ""
            if state in ("SUCCESS", "PROCESSING"):
                raise NotTransferable("微信支付那边这笔退款已经退了或者还在退，不能再用别的办法退")
            _ask_twice(
                f"退款 {refund.out_refund_no}，{total} 元，已经用别的办法退了？", no, total, yes=yes, amount=amount
            )
            who = by or getpass.getuser()
            now, zone = int(time.time()), app.settings.zone
            record_transfer(app.engine, refund, state, by=who, why=reason.strip(), zone=zone, now=now)
        except NotTransferable as refused:
            complain(str(refused))
            raise typer.Exit(1) from None
        except GatewayTrouble as trouble:
            complain(f"微信支付没有答清楚，没有登记，请再试一次：{trouble}")
            raise typer.Exit(1) from None
        finally:
            app.stop()
    typer.echo(f"已登记：{total} 元用别的办法退了（{who}）。用 run.py orders show {no} 看。")


def _described(refund: Any) -> str:
    from dialogs.terms.money import decimal_yuan

    what = f"明细 {refund.line_no}  {refund.masked_name}" if refund.line_no else "多付的钱"
    return f"{what}  {decimal_yuan(refund.amount)} 元  {refund.out_refund_no}  {refund.state}"


def _check_reason(reason: str) -> None:
    from storage.orders.refund_requests import LONGEST_WHY

    if not reason.strip() or len(reason) > LONGEST_WHY or not reason.isprintable():
        complain(f"--reason 要写明原因，最多 {LONGEST_WHY} 个字")
        raise typer.Exit(2)


def _ask_twice(question: str, number: str, total: str, *, yes: bool, amount: str) -> None:
    """Go on only where that is meant: a script has to give the amount, a person says yes and then types it."""
    if not sys.stdin.isatty():
        if not yes or amount != total:
            complain(f"不在终端里，没有登记。确实要登记，请加 --yes --amount {total}")
            raise typer.Exit(2)
        return
    if amount and amount != total:
        complain(f"--amount 写的是 {amount}，这里是 {total}，没有登记。")
        raise typer.Exit(2)
    if not typer.confirm(question):
        complain("没有登记。")
        raise typer.Exit(1)
    if typer.prompt("再确认一次：请输入金额，或者单号").strip() not in (total, number):
        complain("对不上，没有登记。")
        raise typer.Exit(1)
