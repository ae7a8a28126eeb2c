"""One chat window: reads what is typed, does it on the phone that is held, shows what comes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from bot.console.bubble_lines import columns, pressable
from bot.console.cashier_screens import Asks, use_cashier
from bot.console.commands import Command, meant
from bot.console.family import Counter, Family, FamilyGone, MenuGroup
from bot.console.view import View, has_pay_link
from bot.console.words import sections, word
from bot.sandbox.bubbles import Bubble
from dialogs.transcript import Action


@dataclass
class Board:
    """What a toolbar may show: who holds the phone, the menu, what the newest bubble offers."""

    who: str
    menu: Sequence[MenuGroup] = ()
    newest: Bubble | None = None
    card: bool = False
    ahead: float = 0.0  # seconds of the sandbox's clock before the machine's, as last looked at


@dataclass
class Talk:
    """A window over a family; `ask` puts a question of the cashier and gives back what is typed."""

    family: Family
    view: View
    zone: tzinfo
    board: Board
    ask: Asks
    _seen: dict[str, int] = field(default_factory=dict)
    _showing: threading.RLock = field(default_factory=threading.RLock)

    def arrive(self, who: str) -> None:
        """Take up this phone and show what it has not shown yet."""
        self.family.arrive(who)
        self.board.who, self.board.newest, self.board.card = who, None, False
        self.board.menu = self.family.menu()
        self.show_new()

    def show_new(self, seconds: float = 0.0) -> None:
        """Show the bubbles that came since the last look, waiting so long for one."""
        who = self.board.who
        seen = self._seen.get(who, 0)
        self.board.ahead = self.family.now() - time.time()
        if seconds and not self.family.bubbles(who, seen, seconds):
            return
        with self._showing:
            who = self.board.who
            for bubble in self.family.bubbles(who, self._seen.get(who, 0), 0.0):
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
        return self._at(self.family.now())

    def _own(self, command: Command) -> bool:
        match command.verb:
            case "quit":
                return False
            case "help":
                self.view.note("\n".join(_help()))
            case "menu":
                self._menu(command.words)
            case "pay":
                self._cashier(self.family.open_link(self.board.who))
            case "scan":
                self._cashier(self.family.open_card(self.board.who))
            case "phone" if command.words:
                self.view.note(word("chat.phone", who=command.words))
                self.arrive(command.words)
            case "phone":
                self.view.note(word("chat.phones", names="、".join(self.family.names())))
            case "unclear":
                self.view.note(command.words)
        return True

    def _do(self, action: Action) -> None:
        pressed = self._found(action)
        if isinstance(pressed, Command):
            self._own(pressed)
            return
        self.view.mine(pressed, self.board.who, self.now())
        trouble = self.family.do(self.board.who, pressed)
        self.show_new()
        if trouble:
            self.view.note(trouble)
        if pressed.verb == "等待":
            self.view.note(word("chat.moved", words=pressed.words, time=f"{self.now():%Y-%m-%d %H:%M}"))

    def _found(self, action: Action) -> Action | Command:
        """The action with the number of an option turned into its words; a pay link opens the cashier."""
        newest = self.board.newest
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
        groups = self.board.menu = self.family.menu()
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

    def _cashier(self, counter: Counter) -> None:
        use_cashier(counter, self.family, self.view, self.ask)
        self.show_new()

    def _show(self, bubble: Bubble) -> None:
        self.board.newest = self.board.newest if bubble.pushed and not bubble.links else bubble
        card = self.family.card(bubble.media_id) if bubble.kind == "image" else None
        if card is None:
            self.view.theirs(bubble, self._at(bubble.at))
            self.board.card = self.board.card and not bubble.pushed and not has_pay_link(bubble)
        else:
            self.view.card(card, self._at(bubble.at), self._at(card.expires_at))
            self.board.card = not card.over

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)


def follow_pushes(talk: Talk, over: threading.Event, leave: Callable[[], None]) -> None:
    """Show what comes by itself, until it is over, or the family is gone. For a thread beside the one that reads."""
    while not over.is_set():
        try:
            talk.show_new(1.0)
        except FamilyGone:
            talk.view.note(word("chat.gone"))
            leave()
            return


def _help() -> Iterator[str]:
    meanings = sections()["help"]
    widest = max(map(columns, meanings))
    for name, meaning in meanings.items():
        yield name + " " * (widest - columns(name) + 2) + meaning


def _listed(number: int, group: MenuGroup) -> list[str]:
    return [group.name, *(f"  /{number} {place}  {item}" for place, item in enumerate(group.items, 1))]
