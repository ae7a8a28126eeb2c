"""What the tests of the console share: a window without a terminal over a whole bot, and what it showed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.console.chat_window import ChatWindow, WindowState
from bot.console.phones import Phones
from bot.console.runtime import Runtime, start_runtime
from bot.console.view import PlainView
from tests.processes.quick import Quick

ROOT = Path(__file__).parents[2]
PENSION = ("[菜单] 养老保险费缴纳", "369902198511030032", "王样三", "[点] 南昌市东湖区", "500", "[点] 确认缴费")


@contextmanager
def running(folder: Path) -> Iterator[Runtime]:
    """A whole bot that does nothing but on the test's thread; new in this folder, it goes on from a copy of `begun`."""
    if not (var := folder / "var").exists():
        var.mkdir()
        for name, content in begun().items():
            (var / name).write_bytes(content)
    with _running(folder) as parts:
        yield parts


@cache
def begun() -> dict[str, bytes]:
    """What a first start leaves, which takes half a second longer than others: keys, a database with demo people."""
    with TemporaryDirectory() as folder:
        with _running(Path(folder)):
            pass
        return {file.name: file.read_bytes() for file in Path(folder, "var").iterdir()}


@contextmanager
def _running(folder: Path) -> Iterator[Runtime]:
    (folder / "bot.toml").write_text("", "utf-8")
    with start_runtime(folder / "bot.toml", folder / "var", background=False) as parts:
        yield parts


class Window:
    """A window; `shown` gives what it printed since the last look."""

    def __init__(self, phones: Phones, parts: Runtime, who: str = "我") -> None:
        self._out = io.StringIO()
        self.answers: list[str] = []  # to the cashier's questions
        zone = parts.app.settings.zone
        self.talk = ChatWindow(phones, PlainView(self._out), zone, WindowState(who), self._answer)
        self.talk.arrive(who)

    def take(self, *lines: str) -> str:
        """Type these lines; what was shown."""
        for line in lines:
            self.talk.take(line)
        return self.shown()

    def shown(self) -> str:
        """What was printed since the last look, news included."""
        self.talk.show_new()
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text

    def _answer(self, question: str, hidden: bool) -> str | None:
        return self.answers.pop(0) if self.answers else None


def process(code: str, lines: str = "", *, cold: bool = False) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, without a terminal, with these lines on standard input; `cold`: started anew."""
    begin = subprocess.Popen[str] if cold else Quick
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    environment = dict(os.environ)
    with begin(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8", text=True
    ) as running:
        try:
            out, err = running.communicate(lines, timeout=120)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
    return subprocess.CompletedProcess(command, running.returncode, out, err)
