"""The chat in a terminal: the account's bubbles on the left, the citizen's on the right, in colour, drawn by Rich."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import accumulate

from rich.align import Align
from rich.box import SQUARE
from rich.cells import chop_cells
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from bot.console.bubble_lines import Span, readable, spans
from bot.console.messages import word
from bot.console.phones import Card
from bot.console.view import card_line, code_lines
from bot.sandbox.bubbles import Bubble
from dialogs.transcript import TYPED, Action

WIDEST = 56  # columns of a bubble; long lines tire the eye
PAGE = 40  # columns of a screen that is not the chat
EDGE = 1  # columns left free at both sides
THEIRS = "grey93 on grey23"
MINE = "grey0 on color(114)"
PAPER = "grey0 on grey100"
LINK = {"words": "", "option": "underline color(117)", "address": "bold underline color(120)"}
HINT = "grey54"
NAME = "bold color(77)"

BUBBLES = (TYPED, "点", "点旧")
NUMBERED = re.compile(r"^[0-9]+ ")


class AnsiView:
    """Writes whole bubbles at once, so that two threads cannot mix theirs; `write` takes ANSI text."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def mine(self, action: Action, who: str, at: datetime) -> None:
        """A bubble for what was typed or tapped; one line in the middle for what makes none in WeChat."""
        if action.verb == "等待":
            return  # the note on the new time says it
        if action.verb not in BUBBLES:
            self._put(Align.center(Text(f"· {readable(str(action))} ·", "dim")))
            return
        said = action.words if action.verb == TYPED else NUMBERED.sub("", action.words)
        bubble = Padding(
            _wrapped(Text("\n".join(map(readable, said.split("\n")))), WIDEST), (0, 1), style=MINE, expand=False
        )
        self._put(*(Align.right(Padding(one, (0, EDGE))) for one in (Text(f"{at:%H:%M}  {who}", "dim"), bubble)))

    def theirs(self, bubble: Bubble, at: datetime) -> None:
        if bubble.kind == "image":
            self._bubble(Text(word("chat.picture")), at)
        else:
            lines = (Text.assemble(*(piece for span in line for piece in _styled(span))) for line in spans(bubble))
            self._bubble(Text("\n").join(lines), at)

    def card(self, card: Card, at: datetime, expires: datetime) -> None:
        if card.over:
            self._bubble(Text(card_line(card, expires)), at)
            return
        code = Padding(Text("\n".join(code_lines(card.code_url)), PAPER), (0, EDGE), expand=False)
        caption = Text.assemble((card_line(card, expires), "bold"), "\n", (word("chat.card_scan"), HINT))
        self._put(_head(at), code, Padding(caption, (0, EDGE)))

    def note(self, text: str) -> None:
        self._put(Padding(_wrapped(Text(text, HINT), _columns()), (0, EDGE)))

    def page(self, title: str, lines: Sequence[str]) -> None:
        shown = Text("\n").join(Text(line, "bold" if line.startswith("¥") else "") for line in lines)
        screen = Panel(_wrapped(shown, PAGE - 4), title=Text(title, NAME), title_align="left", box=SQUARE, width=PAGE)
        self._put(Text(), Padding(screen, (0, EDGE)))

    def _bubble(self, text: Text, at: datetime) -> None:
        bubble = Padding(_wrapped(text, WIDEST), (0, 1), style=THEIRS, expand=False)
        self._put(_head(at), Padding(bubble, (0, EDGE), expand=False))

    def _put(self, *blocks: RenderableType) -> None:
        drawn = io.StringIO()
        console = Console(file=drawn, force_terminal=True, color_system="256", width=_columns(), highlight=False)
        for block in blocks:
            console.print(block)
        self._write(drawn.getvalue() + "\n")


def _head(at: datetime) -> Text:
    return Text.assemble(" " * EDGE, (word("chat.account"), NAME), "  ", (f"{at:%H:%M}", "dim"))


def _styled(span: Span) -> Iterable[tuple[str, str]]:
    """A link shows what to type to press it, where its words do not begin with its number."""
    yield readable(span.text), LINK[span.kind]
    if span.kind == "address":
        yield "  ‹/付款›", HINT
    elif span.kind == "option" and not span.text[:1].isdigit():
        yield f"  ‹/点 {span.number}›", HINT


def _wrapped(text: Text, widest: int) -> Text:
    """The text in lines that fit, broken between any two characters as Chinese is."""
    room = max(20, min(widest, _columns() - 2 - 2 * EDGE))
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        pieces = chop_cells(line.plain, room)
        lines += line.divide(list(accumulate(map(len, pieces[:-1])))) if len(pieces) > 1 else [line]
    return Text("\n", no_wrap=True).join(lines)


def _columns() -> int:
    return shutil.get_terminal_size().columns
