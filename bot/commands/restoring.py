"""After a backup was restored: bring single payments home before WeChat's bill names them: orders restore."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, operators_errors, settings_of
from bot.commands.storing import orders

OUTCOMES = {
    "done": "已记账",
    "again": "原来就有",
    "discrepancy": "对不上，已记入差异：不是本系统的单号，或者名册还没有导入",
    None: "微信支付没有收到这笔钱",
}


@orders.command("restore")
def orders_restore(
    numbers: Annotated[list[str], typer.Argument(help="商户订单号，可以写几个")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """从备份恢复以后，按微信支付的记录补记这些商户订单号；不用等账单，重复做没有害处。"""
    from bot.app import build
    from bot.pay.gateway_errors import GatewayTrouble

    with operators_errors():
        one = build(settings_of(config), wakes=False)
        well = True
        try:
            for number in numbers:
                try:
                    outcome = one.till.settle(one.till.gateway.query(number))
                except GatewayTrouble as trouble:
                    typer.echo(f"{number}  没有问到：{str(trouble)[:200]}")
                    well = False
                    continue
                typer.echo(f"{number}  {OUTCOMES[outcome.value if outcome else None]}")
                well = well and (outcome is None or outcome.value != "discrepancy")
        finally:
            one.stop()
    if not well:
        raise typer.Exit(1)
