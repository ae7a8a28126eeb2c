"""Running the bot: serve, worker, doctor, the account's menu."""

from __future__ import annotations

import json
import signal
from typing import Any

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, complain, operators_errors, settings_of


@app.command()
def serve(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """提供服务：打印 ready http://主机:端口，收到 SIGTERM 后办完手上的事再退出。"""
    from bot.logs import set_up
    from bot.settings import require_complete, require_safe_address
    from bot.web.server import Listen
    from bot.web.server import serve as listen_and_serve

    set_up()
    with operators_errors():
        settings = settings_of(config)
        overrides: dict[str, Any] = {}
        if settings.sandbox.enabled:
            require_safe_address(settings)
            from bot.sandbox.started import start_for_server

            overrides = start_for_server(settings)
            settings = settings_of(config, overrides)
        require_complete(settings)
        listen = Listen(
            settings.server.host, settings.server.port, settings.server.threads, workers=settings.server.workers
        )
        listen_and_serve("bot.app:build_served", [str(config), json.dumps(overrides)], listen=listen)


@app.command()
def worker(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """后台办事：问微信支付、关单、退款、发通知；可以同时运行多个。"""
    from bot.app import build
    from bot.logs import set_up

    set_up()
    # No handler: one that sets an Event can interrupt its very wait, for ever. Threads inherit what is blocked here.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with operators_errors():
        one = build(settings_of(config))
    one.start_worker()
    typer.echo("ready worker")
    signal.sigwait(ends)
    one.stop()


@app.command()
def doctor(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """检查配置、数据库、会话存储和微信接口，一行一项。"""
    from bot.operating.doctor import examine

    with operators_errors():
        findings = examine(settings_of(config))
    for finding in findings:
        typer.echo(f"{'正常' if finding.ok else '有误'}  {finding.name}  {finding.says}".rstrip())
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2 if findings[0].name == "配置" and not findings[0].ok else 1)


menu = typer.Typer(help="公众号菜单。", no_args_is_help=True)
app.add_typer(menu, name="menu")


@menu.command("show")
def menu_show(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """显示将要推送的菜单。"""
    from bot.wechat.account_menu import account_menu

    typer.echo(json.dumps(account_menu(), ensure_ascii=False, indent=2))


@menu.command("push")
def menu_push(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """把菜单推送到公众号，再读回来核对。"""
    from bot.app import account_of
    from bot.settings import require_complete
    from bot.wechat.account_errors import AccountTrouble
    from bot.wechat.account_menu import account_menu

    with operators_errors():
        settings = settings_of(config)
        require_complete(settings)
        account = account_of(settings)
    try:
        account.put_menu(account_menu())
        there = account.menu()
    except AccountTrouble as trouble:
        complain(f"微信没有接受菜单：{trouble}")
        raise typer.Exit(1) from None
    count = sum(len(group.get("sub_button", ())) for group in there.get("button", ()))
    typer.echo(f"菜单已推送，公众号上现在有 {count} 项；关注者最多 5 分钟后看到。")
