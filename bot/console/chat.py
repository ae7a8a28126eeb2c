"""`run.py chat`: the terminal WeChat; where there is no terminal it takes lines from standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TextIO

from bot.console.chat_window import ChatWindow, WindowState
from bot.console.messages import word
from bot.console.phone_server import find_phones
from bot.console.phones import Phones, PhonesGone
from bot.console.view import PlainView, View

FOLDER = Path("var") / "chat"
SLOW_CLOCK = 60.0  # seconds ahead of the machine's from which on it is said


def chat(config_path: Path, name: str | None) -> int:
    """Open a window on the phone of `name`; joins the chat that runs on this configuration already, if one does.

    What is kept lies in var/chat beside the configuration and where `storage_of` says. Returns 0; raises what
    `start_runtime` raises.
    """
    folder = config_path.resolve().parent / FOLDER
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        with ExitStack() as stack:
            phones: Phones | None = find_phones(folder)
            joined = phones is not None
            zone = _zone(config_path)
            if phones is None:
                phones = _start(stack, config_path, folder, on_terminal)
            talk, lead = _window(phones, zone, on_terminal)
            talk.arrive(name or word("chat.me"))
            talk.view.note(word("chat.joined") if joined else word("chat.welcome"))
            _tell_clock(talk)
            lead()
    except PhonesGone:
        sys.stdout.write(word("chat.gone") + "\n")
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    return 0


def _start(stack: ExitStack, config: Path, folder: Path, on_terminal: bool) -> Phones:
    from bot.console.phone_server import PhoneServer
    from bot.console.runtime import LOG, log_into, start_runtime

    log_into(folder / LOG)
    running = stack.enter_context(start_runtime(config, folder, background=on_terminal))
    door = PhoneServer(running.phones, folder)
    door.open()
    stack.callback(door.close)
    return running.phones


def _window(phones: Phones, zone: tzinfo, on_terminal: bool) -> tuple[ChatWindow, Callable[[], None]]:
    state = WindowState(word("chat.me"))
    if not on_terminal:
        lines = _lines(sys.stdin)
        plain = ChatWindow(
            phones, PlainView(sys.stdout), zone, state, lambda question, hidden: _asked(lines, view, question)
        )
        view: View = plain.view
        return plain, lambda: plain.lead(lines)
    from bot.console.ansi_view import AnsiView

    talk = ChatWindow(phones, AnsiView(_write), zone, state, lambda question, hidden: None)
    return talk, lambda: _lead_in_terminal(talk)


def _lead_in_terminal(talk: ChatWindow) -> None:
    """The greeting is on the screen already: what reads the keys is loaded after it."""
    from bot.console.terminal import Terminal, window

    terminal = Terminal(talk.state, talk.zone)
    talk.ask = terminal.ask
    window(talk, terminal)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _lines(stream: TextIO) -> Callable[[], str | None]:
    """Lines as they are, or of a transcript: there what the bot said, remarks and settings are passed over."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8", errors="replace")

    def read() -> str | None:
        for line in stream:
            text = line.rstrip("\r\n")
            if not text.startswith(("<", "#", "@")):
                return text.removeprefix("> ") if text.startswith("> ") else text
        return None

    return read


def _asked(lines: Callable[[], str | None], view: View, question: str) -> str | None:
    view.note(question)
    return lines()


def _zone(config: Path) -> tzinfo:
    from bot.settings import read

    return read(config).zone


def _tell_clock(talk: ChatWindow) -> None:
    ahead = talk.phones.now() - datetime.now(talk.zone).timestamp()
    if ahead > SLOW_CLOCK:
        talk.view.note(word("chat.ahead", time=f"{talk.now():%Y-%m-%d %H:%M}"))
