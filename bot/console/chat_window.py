"""One chat window: reads what is typed, does it on the phone that is held, shows what comes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from rich.cells import cell_len

from bot.console.bubble_lines import pressable
from bot.console.cashier_screens import Asks, use_cashier
from bot.console.commands import Command, meant
from bot.console.messages import sections, word
from bot.console.phones import CashierScreen, MenuGroup, Phones, PhonesGone
from bot.console.view import View, has_pay_link
from bot.sandbox.bubbles import Bubble
from dialogs.transcript import Action


@dataclass
class WindowState:
    """What a toolbar may show: who holds the phone, the menu, what the newest bubble offers."""

    who: str
    menu: Sequence[MenuGroup] = ()
    newest: Bubble | None = None
    card: bool = False
    ahead: float = 0.0  # seconds of the sandbox's clock before the machine's, as last looked at


@dataclass
class ChatWindow:
    """A window over a family; `ask` puts a question of the cashier and gives back what is typed."""

    phones: Phones
    view: View
    zone: tzinfo
    state: WindowState
    ask: Asks
    _seen: dict[str, int] = field(default_factory=dict)
    _showing: threading.RLock = field(default_factory=threading.RLock)

    def arrive(self, who: str) -> None:
        """Take up this phone and show what it has not shown yet."""
        self.phones.arrive(who)
        self.state.who, self.state.newest, self.state.card = who, None, False
        self.state.menu = self.phones.menu()
        self.show_new()

    def show_new(self, seconds: float = 0.0) -> None:
        """Show the bubbles that came since the last look, waiting so long for one."""
        who = self.state.who
        seen = self._seen.get(who, 0)
        self.state.ahead = self.phones.now() - time.time()
        if seconds and not self.phones.bubbles(who, seen, seconds):
            return
        with self._showing:
            who = self.state.who
            for bubble in self.phones.bubbles(who, self._seen.get(who, 0), 0.0):
                self._seen[who] = self._seen.get(who, 0) + 1
                self._show(bubble)

    def take(self, line: str) -> bool:
        """Do what a line means; False when it means to leave."""
        said = meant(line.encode("utf-8", "replace").decode())  # a terminal may send what is no text
        if isinstance(said, Command):
            return self._own(said)
        if said is not None:
            self._do(said)
        return True

    def lead(self, read: Callable[[], str | None]) -> None:
        """Take lines until there are no more."""
        while (line := read()) is not None:
            if not self.take(line):
                return

    def now(self) -> datetime:
        """The sandbox's time, where the bureau is."""
        return self._at(self.phones.now())

    def _own(self, command: Command) -> bool:
        match command.verb:
            case "quit":
                return False
            case "help":
                self.view.note("\n".join(_help()))
            case "menu":
                self._menu(command.words)
            case "pay":
                self._cashier(self.phones.open_link(self.state.who))
            case "scan":
                self._cashier(self.phones.open_card(self.state.who))
            case "phone" if command.words:
                self.view.note(word("chat.phone", who=command.words))
                self.arrive(command.words)
            case "phone":
                self.view.note(word("chat.phones", names="、".join(self.phones.names())))
            case "unclear":
                self.view.note(command.words)
        return True

    def _do(self, action: Action) -> None:
        pressed = self._found(action)
        if isinstance(pressed, Command):
            self._own(pressed)
            return
        self.view.mine(pressed, self.state.who, self.now())
        trouble = self.phones.do(self.state.who, pressed)
        self.show_new()
        if trouble:
            self.view.note(trouble)
        if pressed.verb == "等待":
            self.view.note(word("chat.moved", words=pressed.words, time=f"{self.now():%Y-%m-%d %H:%M}"))

    def _found(self, action: Action) -> Action | Command:
        """The action with the number of an option turned into its words; a pay link opens the cashier."""
        newest = self.state.newest
        if action.verb != "点" or newest is None:
            return action
        if action.words.isdecimal() and len(action.words) <= 2:
            link = pressable(newest, action.words)
            if link is None:
                return Command("unclear", word("trouble.no_option", words=action.words))
            return Command("pay") if link.is_address else Action("点", link.text)
        if any(link.is_address and action.words in link.text for link in newest.links):
            return Command("pay")
        return action

    def _menu(self, words: str) -> None:
        groups = self.state.menu = self.phones.menu()
        if not groups:
            self.view.note(word("trouble.no_menu"))
            return
        which, _, place = words.partition(" ")
        if which.isdecimal() and int(which) <= len(groups):
            group = groups[int(which) - 1]
            if place.isdecimal() and 1 <= int(place) <= len(group.items):
                self._do(Action("菜单", group.items[int(place) - 1]))
            elif place:
                self.view.note(word("trouble.menu", words=place))
            else:
                self.view.note("\n".join(_listed(int(which), group)))
        elif words:
            self._do(Action("菜单", words))
        else:
            listed = [line for number, group in enumerate(groups, 1) for line in _listed(number, group)]
            self.view.note("\n".join(listed))

    def _cashier(self, counter: CashierScreen) -> None:
        use_cashier(counter, self.phones, self.view, self.ask)
        self.show_new()

    def _show(self, bubble: Bubble) -> None:
        self.state.newest = self.state.newest if bubble.pushed and not bubble.links else bubble
        card = self.phones.card(bubble.media_id) if bubble.kind == "image" else None
        if card is None:
            self.view.theirs(bubble, self._at(bubble.at))
            self.state.card = self.state.card and not bubble.pushed and not has_pay_link(bubble)
        else:
            self.view.card(card, self._at(bubble.at), self._at(card.expires_at))
            self.state.card = not card.over

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)


def follow_pushes(talk: ChatWindow, over: threading.Event, leave: Callable[[], None]) -> None:
    """Show what comes by itself, until it is over, or the family is gone. For a thread beside the one that reads."""
    while not over.is_set():
        try:
            talk.show_new(1.0)
        except PhonesGone:
            talk.view.note(word("chat.gone"))
            leave()
            return


def _help() -> Iterator[str]:
    meanings = sections()["help"]
    widest = max(map(cell_len, meanings))
    for name, meaning in meanings.items():
        yield name + " " * (widest - cell_len(name) + 2) + meaning


def _listed(number: int, group: MenuGroup) -> list[str]:
    return [group.name, *(f"  /{number} {place}  {item}" for place, item in enumerate(group.items, 1))]
