"""The window in a terminal: a prompt, a toolbar that says what can be typed, F1 to F3 for the menu."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from bot.console.chat_window import ChatWindow, WindowState, follow_pushes
from bot.console.messages import sections, word
from bot.console.view import has_pay_link

STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse bg:#303030 #d0d0d0",
        "menu": "bg:#005f00 #ffffff bold",
        "now": "#87d787 bold",
        "who": "#87d787 bold",
        "prompt": "#87d787 bold",
        "completion-menu.completion": "bg:#303030 #d0d0d0",
        "completion-menu.completion.current": "bg:#87d787 #000000",
        "completion-menu.meta.completion": "bg:#262626 #9e9e9e",
        "completion-menu.meta.completion.current": "bg:#5faf5f #000000",
    }
)


class Terminal:
    """Reads lines for a `ChatWindow`, with its board in the toolbar."""

    def __init__(self, state: WindowState, zone: tzinfo) -> None:
        self._board = state
        self._zone = zone
        self._open = 0  # the group of the menu that is unfolded, from 1
        self._session: PromptSession[str] = PromptSession(
            style=STYLE, completer=Commands(state), complete_while_typing=True, erase_when_done=True
        )
        self._cashier: PromptSession[str] = PromptSession(style=STYLE)
        self._keys = self._bindings()

    def read(self) -> str | None:
        """A line; None at the end of the input (Ctrl-D, Ctrl-C)."""
        self._open = 0
        try:
            return self._session.prompt(
                lambda: [("class:prompt", f" {self._board.who} › ")],
                bottom_toolbar=self._toolbar,
                key_bindings=self._keys,
                reserve_space_for_menu=8,
            )
        except (EOFError, KeyboardInterrupt):
            return None

    def ask(self, question: str, hidden: bool) -> str | None:
        """An answer to the cashier."""
        try:
            return self._cashier.prompt([("class:prompt", f" {question} › ")], is_password=hidden)
        except (EOFError, KeyboardInterrupt):
            return None

    def leave(self) -> None:
        """End the line that is being read, from another thread."""
        app = self._session.app
        if app.loop is not None and app.is_running:
            app.loop.call_soon_threadsafe(lambda: app.exit(exception=EOFError))

    def _toolbar(self) -> StyleAndTextTuples:
        return [*self._unfolded(), *self._bar(), ("", "\n"), *self._hints()]

    def _unfolded(self) -> StyleAndTextTuples:
        if not self._open:
            return []
        items = self._board.menu[self._open - 1].items
        lines: StyleAndTextTuples = [("class:menu", f"  {place}  {item}  \n") for place, item in enumerate(items, 1)]
        return [*lines, ("class:now", f" {word('toolbar.pick')}\n")]

    def _bar(self) -> StyleAndTextTuples:
        buttons: StyleAndTextTuples = []
        for number, group in enumerate(self._board.menu, 1):
            text = word("toolbar.open", number=number, name=group.name)
            buttons += [("", " "), ("class:menu", f" {text} ")]
        who = word("toolbar.phone", who=self._board.who)
        now = datetime.fromtimestamp(time.time() + self._board.ahead, self._zone)
        return [*buttons, ("", "   "), ("class:who", who), ("", f"　{now:%m-%d %H:%M}")]

    def _hints(self) -> StyleAndTextTuples:
        newest = self._board.newest
        now = [word("toolbar.type")]
        if newest is not None and newest.options:
            now = [word("toolbar.options")]
        if newest is not None and has_pay_link(newest):
            now = [word("toolbar.pay")]
        if self._board.card:
            now = [word("toolbar.scan")]
        return [("class:now", f" {'　'.join(now)}"), ("", f"　{word('toolbar.more')}")]

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        unfolded = Condition(lambda: bool(self._open))

        def fold(number: int) -> Callable[[KeyPressEvent], None]:
            def pressed(event: KeyPressEvent) -> None:
                self._open = 0 if self._open == number or number > len(self._board.menu) else number
                event.app.invalidate()

            return pressed

        def pick(place: int) -> Callable[[KeyPressEvent], None]:
            def pressed(event: KeyPressEvent) -> None:
                if place <= len(self._board.menu[self._open - 1].items):
                    event.app.exit(result=f"/{self._open} {place}")

            return pressed

        for number in (1, 2, 3):
            keys.add(f"f{number}")(fold(number))
        for place in range(1, 6):
            keys.add(str(place), filter=unfolded)(pick(place))
        keys.add("escape", filter=unfolded, eager=True)(lambda event: fold(self._open)(event))
        return keys


class Commands(Completer):
    """After a slash the commands with their meaning; after /点 what can be pressed."""

    def __init__(self, state: WindowState) -> None:
        self._board = state

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What fits the line so far."""
        line = document.text_before_cursor
        if line.startswith("/点 ") and self._board.newest is not None:
            for number, link in enumerate(self._board.newest.links, 1):
                if link.text.startswith(line[3:]):
                    yield Completion(link.text, -len(line[3:]), display_meta=f"/点 {number}")
        elif line.startswith("/"):
            for command, meaning in sections()["help"].items():
                if command.startswith(line):
                    yield Completion(command, -len(line), display_meta=meaning)


def window(talk: ChatWindow, terminal: Terminal) -> None:
    """Lead the talk in a terminal; pushes appear above the prompt, also while something is being typed."""
    over = threading.Event()
    with patch_stdout(raw=True):
        threading.Thread(target=follow_pushes, args=(talk, over, terminal.leave), name="pushes", daemon=True).start()
        try:
            talk.lead(terminal.read)
        finally:
            over.set()
