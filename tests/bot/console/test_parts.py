"""The parts of the terminal WeChat by themselves: commands, the code in half blocks, the toolbar, the colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.cells import cell_len

from bot.console.ansi_view import AnsiView
from bot.console.bubble_lines import pressable, readable, spans
from bot.console.chat_window import WindowState
from bot.console.commands import Command, meant
from bot.console.messages import FILE, sections, word
from bot.console.phones import Card, MenuGroup
from bot.console.terminal import Commands, Terminal
from bot.console.view import code_lines
from bot.sandbox.bubbles import Bubble, links_in
from bot.sandbox.clock import time_steps
from dialogs.transcript import TYPED, Action

CODE = "weixin://wxpay/bizpayurl?pr=Ab-_9xYz12Q"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OFFER = (
    "缴费单开好了\n"
    '<a href="https://example.com/pay/x">点这里付款</a>\n'
    '<a href="weixin://bizmsgmenu?msgmenucontent=a&msgmenuid=1.1">请家人扫码付</a>\n'
    '<a href="weixin://bizmsgmenu?msgmenucontent=b&msgmenuid=1.2">1 南昌</a>'
)


def bubble(text: str) -> Bubble:
    return Bubble("text", text, links_in(text), "", 0.0, pushed=False)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("  ", None),
        ("2", Action(TYPED, "2")),
        ("[微笑]", Action(TYPED, "[微笑]")),
        ("[打字] /帮助", Action(TYPED, "/帮助")),
        ("[菜单] 我的订单", Action("菜单", "我的订单")),
        ("[等待 31分]", Action("等待", "31分")),
        ("[付款]", Action("付款")),
        ("/点 2", Action("点", "2")),
        ("/点2", Action("点", "2")),
        ("点 500元", Action("点", "500元")),
        ("点这里付款", Action(TYPED, "点这里付款")),
        ("/等31分", Action("等待", "31分")),
        ("／帮助", Command("help")),
        ("、手机 女儿", Command("phone", "女儿")),
        ("、这是一句话", Action(TYPED, "、这是一句话")),
        ("/1 2", Command("menu", "1 2")),
        ("/12", Command("menu", "1 2")),
        ("/退出", Command("quit")),
        ("/等 一会儿", Command("unclear", word("trouble.wait"))),
        ("[重启]", Command("unclear", word("trouble.not_here", words="重启"))),
        ("/nothing", Command("unclear", word("trouble.unclear", words="/nothing"))),
    ],
)
def test_a_line_means(line: str, meaning: Action | Command | None) -> None:
    assert meant(line) == meaning


def test_the_code_drawn_in_half_blocks_is_read_by_a_second_library() -> None:
    assert _read(code_lines(CODE)) == CODE


def test_links_are_pressed_by_their_number_or_else_by_their_place() -> None:
    offer = bubble(OFFER)
    assert [(span.text, span.kind, span.number) for line in spans(offer) for span in line][1:] == [
        ("点这里付款", "address", 1),
        ("请家人扫码付", "option", 2),
        ("1 南昌", "option", 3),
    ]
    assert [getattr(pressable(offer, number), "text", None) for number in "1234"] == [
        "1 南昌",
        "请家人扫码付",
        "1 南昌",
        None,
    ]


def test_nothing_a_terminal_would_obey_is_shown() -> None:
    assert readable("\x1b[31m王\u202e　三\x07") == "[31m王　三"


def test_the_citizen_speaks_on_the_right_and_links_say_how_to_press_them() -> None:
    written: list[str] = []
    view = AnsiView(written.append)
    view.mine(Action("点", "1 确认缴费"), "我", NOON)
    view.theirs(bubble(OFFER + "\n" + "长" * 200), NOON)
    view.card(Card(CODE, 50000, "养老", 0.0, over=False), NOON, NOON + timedelta(minutes=30))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", "".join(written))
    assert re.search(r"^ {10,}确认缴费 +$", shown, re.MULTILINE)
    assert "点这里付款  ‹/付款›" in shown
    assert "请家人扫码付  ‹/点 2›" in shown
    assert max(cell_len(line) for line in shown.split("\n")) <= 80
    assert "12:30 前有效" in shown


def test_f1_unfolds_the_menu_and_a_number_picks_from_it() -> None:
    state = WindowState("我", [MenuGroup("我要缴", ("养老", "医疗")), MenuGroup("税费服务", ("帮助",))])
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        terminal = Terminal(state, UTC)
        keys.send_text("\x1bOP2")
        assert terminal.read() == "/1 2"
        keys.send_text("2号\r")
        assert terminal.read() == "2号"
        keys.send_text("\x1bOQ\x1bOQ1\r")
        assert terminal.read() == "1"
        keys.send_text("\x04")
        assert terminal.read() is None


def test_a_slash_offers_the_commands_and_what_can_be_pressed() -> None:
    completer = Commands(WindowState("我", newest=bubble(OFFER)))
    assert "/付款" in _offered(completer, "/")
    assert _offered(completer, "/点 ") == ["点这里付款", "请家人扫码付", "1 南昌"]
    assert _offered(completer, "付") == []


@pytest.mark.parametrize("seconds", [0.5, 31 * 60, 3 * 86400])
def test_time_passes_in_steps_that_make_up_the_whole(seconds: float) -> None:
    steps = list(time_steps(seconds))
    assert sum(steps) == seconds
    assert min(steps) > 0
    assert max(steps) <= 3600


def test_every_word_of_the_console_is_used() -> None:
    source = "\n".join(file.read_text("utf-8") for file in FILE.parent.glob("*.py"))
    by_place = {"cashier.cashier", "cashier.web", "trouble.menu", "trouble.several", "trouble.nothing"}
    words = {f"{section}.{name}" for section, texts in sections().items() for name in texts if section != "help"}
    assert {name for name in words - by_place if not re.search(f"[\"']{name}[\"']", source)} == set()
    assert set(re.findall(r'word\("([a-z.]+\.[a-z_]+)"', source)) <= words


def test_every_command_of_the_help_is_understood() -> None:
    for line in list(sections()["help"])[1:]:
        said = meant(line)
        assert said is not None
        assert not (isinstance(said, Command) and said.verb == "unclear"), line


def test_no_file_of_the_console_reaches_around_the_family() -> None:
    """A window works the same in this process and in another: it knows no sandbox."""
    for name in ("chat_window", "view", "ansi_view", "terminal", "cashier_screens"):
        source = Path(FILE.parent / f"{name}.py").read_text("utf-8")
        assert "bot.sandbox.both" not in source
        assert "bot.app" not in source


def _offered(completer: Commands, text: str) -> list[str]:
    return [one.text for one in completer.get_completions(Document(text), CompleteEvent())]


def _read(lines: Sequence[str]) -> str:
    """What a camera reads from these lines of blocks."""
    rows = [[sign in upper for sign in line] for line in lines for upper in ("█▀", "█▄")]
    picture = Image.new("L", (len(rows[0]), len(rows)), 255)
    picture.putdata([0 if dark else 255 for row in rows for dark in row])
    codes = zxingcpp.read_barcodes(picture.resize((picture.width * 6, picture.height * 6), Image.Resampling.NEAREST))
    return codes[0].text if codes else ""
