"""Talking with the bot: chat, demo, replay."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.root import DEFAULT_CONFIG, ConfigPath, app, operators_errors


@app.command()
def chat(
    config: ConfigPath = DEFAULT_CONFIG,
    name: Annotated[str | None, typer.Option("--as", help="用家里另一个人的手机")] = None,
) -> None:
    """在终端里和机器人聊天，用自带的微信和微信支付替身。"""
    from bot.console.chat import chat as talk

    with operators_errors():
        raise typer.Exit(talk(config, name))


@app.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="不停顿")] = False, config: ConfigPath = DEFAULT_CONFIG
) -> None:
    """自己演一遍完整的养老保险缴费。"""
    from bot.console.demo import demo as play

    with operators_errors():
        raise typer.Exit(play(fast))


@app.command()
def replay(
    paths: Annotated[list[Path] | None, typer.Argument(help="对话文件或文件夹，默认 tests/transcripts")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="把现在的回答写进文件，供审阅")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="列出没有对话走到的步骤和文字")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """重放对话文件，显示和现在的回答有什么不同。"""
    from bot.replay.console import replay as play

    with operators_errors():
        files = paths or [Path("tests/transcripts")]
        raise typer.Exit(play(files, accept=accept, coverage=coverage, stream=sys.stdout))
