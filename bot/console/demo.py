"""`run.py demo`: a whole pension payment that plays by itself, on a bot of its own in a folder that is thrown away."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.console.chat_window import ChatWindow, WindowState
from bot.console.messages import word
from bot.console.phones import Phones
from bot.console.view import PlainView, View
from bot.sandbox.books import BookedPayment
from bot.sandbox.bubbles import Bubble, pick
from dialogs.texts import say
from dialogs.transcript import TYPED, Action

NUMBER, NAME = "369902198511030032", "王样三"  # a demo person with two institutions (design, section 10)
INSTITUTION, TIER, AMOUNT = "南昌市东湖区", "500", 50000
METHOD, PASSWORD = "银行卡", "123456"
SIGNS_PER_SECOND = 20.0  # read at leisure
LONGEST = 4.0  # seconds anything is looked at


class DemoFailed(Exception):
    """Why it was not paid."""


def demo(fast: bool) -> int:
    """Play it, at reading speed or `fast`; 0 when the stand-in's books hold the payment, else 1."""
    from bot.console.runtime import log_into, start_runtime

    with TemporaryDirectory(prefix="demo-") as name:
        folder = Path(name)
        log_into(folder / "demo.log")
        config = folder / "bot.toml"
        config.write_text("", "utf-8")
        with start_runtime(config, folder, background=False) as running:
            view = _view()
            reading = _no_time if fast else _time_to_read
            talk = ChatWindow(
                running.phones, _Slowly(view, reading), running.app.settings.zone, WindowState(NAME), _no_question
            )
            try:
                _play(talk, running.phones, reading)
                payment = _booked(running.sandbox.pay.books().payments)
            except DemoFailed as failed:
                view.note(word("demo.failed", why=failed))
                return 1
            view.note(word("demo.done", amount=f"{payment.total / 100:.2f}", transaction=payment.transaction_id))
            return 0


def _play(talk: ChatWindow, phones: Phones, reading: Callable[[str], None]) -> None:
    talk.arrive(NAME)
    talk.view.note(word("demo.begin"))
    talk.take(str(Action("菜单", say("service.pay.pension"))))
    talk.take(NUMBER)
    talk.take(NAME)
    _tap(talk, INSTITUTION)
    talk.take(str(Action(TYPED, TIER)))
    _tap(talk, say("confirm.pay"))
    answers = iter((METHOD, PASSWORD))

    def answer(question: str, hidden: bool) -> str:
        given = next(answers, word("cashier.give_up"))
        talk.view.note(f"{question} › {'●' * len(given) if hidden else given}")
        return given

    talk.ask = answer
    _tap(talk, say("checkout.pay"))
    success = say("notice.paid", name="", year="", insurance="", amount="").partition("：")[0]
    if not any(success in bubble.text for bubble in phones.bubbles(NAME, 0, 0.0)):
        raise DemoFailed(word("demo.no_notice"))


def _tap(talk: ChatWindow, label: str) -> None:
    newest = talk.state.newest
    if newest is None or pick(newest.links, label) is None:
        raise DemoFailed(word("demo.no_option", words=label))
    talk.take(str(Action("点", label)))


def _booked(payments: tuple[BookedPayment, ...]) -> BookedPayment:
    for payment in payments:
        if payment.total == AMOUNT:
            return payment
    raise DemoFailed(word("demo.not_booked"))


class _Slowly:
    """A view that gives time to read what was shown."""

    def __init__(self, view: View, reading: Callable[[str], None]) -> None:
        self._view = view
        self._reading = reading
        self.card = view.card  # none is shown here

    def mine(self, action: Action, who: str, at: datetime) -> None:
        self._reading(action.words)  # typed before it is sent
        self._view.mine(action, who, at)

    def theirs(self, bubble: Bubble, at: datetime) -> None:
        self._view.theirs(bubble, at)
        self._reading(bubble.shown)

    def note(self, text: str) -> None:
        self._view.note(text)
        self._reading(text)

    def page(self, title: str, lines: Sequence[str]) -> None:
        self._view.page(title, lines)
        self._reading("".join(lines))


def _time_to_read(text: str) -> None:
    time.sleep(min(LONGEST, 0.5 + len(text) / SIGNS_PER_SECOND))


def _no_time(text: str) -> None:
    """Fast."""


def _no_question(question: str, hidden: bool) -> str | None:
    return None


def _view() -> View:
    if not sys.stdout.isatty():
        return PlainView(sys.stdout)
    from bot.console.ansi_view import AnsiView

    return AnsiView(sys.stdout.write)
