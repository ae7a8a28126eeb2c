"""What the tests of the console share: a window without a terminal over a whole bot, and what it showed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.console.family import Family
from bot.console.started import Started, started
from bot.console.talk import Board, Talk
from bot.console.view import PlainView

ROOT = Path(__file__).parents[2]
PENSION = ("[菜单] 养老保险费缴纳", "369902198511030032", "王样三", "[点] 南昌市东湖区", "500", "[点] 确认缴费")


@contextmanager
def running(folder: Path) -> Iterator[Started]:
    """A whole bot that does nothing but on the test's thread."""
    (folder / "bot.toml").write_text("", "utf-8")
    with started(folder / "bot.toml", folder / "var", background=False) as parts:
        yield parts


class Window:
    """A window; `shown` gives what it printed since the last look."""

    def __init__(self, family: Family, parts: Started, who: str = "我") -> None:
        self._out = io.StringIO()
        self.answers: list[str] = []  # to the cashier's questions
        zone = parts.app.settings.zone
        self.talk = Talk(family, PlainView(self._out), zone, Board(who), self._answer)
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


def process(code: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, without a terminal, with these lines on standard input."""
    return subprocess.run(
        [sys.executable, "-c", code],
        input=lines,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=120,
        check=False,
    )
