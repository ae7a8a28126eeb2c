"""A bot that dies at a named point and is started again at once over the same files; reached over real HTTP.

In one process: death is an exception that nothing catches, after which every further point of that life raises too, so
that a dead bot commits nothing, calls nobody and answers nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from wsgiref.types import StartResponse, WSGIEnvironment
from zoneinfo import ZoneInfo

from bot.app import App, build
from bot.replay.stage import CONFIG, Fresh, Props
from bot.replay.wsgi_server import LoopbackWsgi
from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.pay import PayStandIn
from bot.sandbox.phone import Phone
from bot.sandbox.wechat import WeChatStandIn
from bot.settings import read
from bot.torture import edges
from bot.turns.values import Patience
from storage.demo import MADE_FOR

NINE = datetime(MADE_FOR.year, MADE_FOR.month, MADE_FOR.day, 9, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


SHORT = Patience(budget=0.2, grace=0.1, line=0.3)  # real seconds: the clock of these tests stands still


class Killed(BaseException):
    """The process is gone."""


@dataclass
class CrashingBot:
    """Give it a point, and it dies there once."""

    folder: Path
    storage: dict[str, str]  # the section of the configuration
    sandbox: Sandbox
    server: LoopbackWsgi
    reached: list[str] = field(default_factory=list)  # since the last `arm`
    die_at: str = ""
    deaths: int = 0
    dead: bool = False
    patience: Patience = SHORT
    outside: bool = False  # what happens now is not the bot's doing
    _app: App | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def app(self) -> App:
        """The process that lives now, started where there is none."""
        with self._lock:
            if self.dead and self._app is not None:
                self._app.turns.close()  # its threads have to be gone before another life begins
                self._app.engine.dispose()
                self._app, self.dead = None, False
            if self._app is None:
                overrides = self.sandbox.settings_overrides(self.server.url)
                overrides |= {"storage": dict(self.storage)}
                self._app = build(read(self.folder / CONFIG, overrides), clock=self.sandbox.clock.now, wakes=False)
                self._app.turns._patience = self.patience
                self._app.account._client._tokens._pause = self.sandbox.clock.move
            return self._app

    def arm(self, die_at: str) -> None:
        """Die the next time this point is reached; "" only notes the points."""
        self.reached.clear()
        self.die_at = die_at

    def point(self, name: str) -> None:
        """A fault point of the living or dying process."""
        if self.outside:
            return
        if self.dead:
            raise Killed
        self.reached.append(name)
        if name == self.die_at:
            self.die_at, self.dead = "", True
            self.deaths += 1
            raise Killed

    def work(self) -> None:
        """Do what is due, and have callbacks sent, until nothing is; a death in the midst of it is survived."""
        for _ in range(8):
            try:
                done = self.app.run_due()
            except Killed:
                done = 1
            if not done + self.sandbox.pay.deliver_due():
                return

    def wait(self, seconds: float) -> None:
        """Time passes, and what falls due in it is done."""
        self.sandbox.clock.move(seconds)
        self.work()

    def serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The web server: a process that dies in the midst of a request closes the connection."""
        app = self.app
        try:
            answer = app.wsgi(environ, start_response)
        except Killed:
            raise ConnectionAbortedError from None
        if self.dead or app is not self._app:
            raise ConnectionAbortedError
        return answer


@contextmanager
def crashing_bot(props: Props, fresh: Fresh | None = None) -> Iterator[CrashingBot]:
    """At nine on the day the demo people are made for; with fresh copies of everything; embedded by default."""
    with TemporaryDirectory(prefix="fault-") as name:
        folder = Path(name)
        storage = (fresh or props.embedded)(folder)
        clock, faults = MovableClock(NINE), Faults()
        wechat = WeChatStandIn(props.keys, clock, faults).start()
        pay = PayStandIn(
            props.keys, clock, faults, knows=wechat.knows, on_paid=wechat.paid, machine_clock=clock.now
        ).start()
        server = LoopbackWsgi()
        wechat.bot_url = f"{server.url}/wechat"
        bot = CrashingBot(folder, storage, Sandbox(props.keys, clock, faults, wechat, pay), server)
        with edges.install(bot.point):
            server.application = bot.serve
            bot.app  # noqa: B018 - starts it
            try:
                yield bot
            finally:
                bot.die_at = ""
                with ThreadPoolExecutor() as stopping:
                    for stop in (bot.app.stop, server.stop, wechat.stop, pay.stop):
                        stopping.submit(stop)


def phone_of(bot: CrashingBot, openid: str = "oPayer") -> Phone:
    """A follower's phone."""
    return bot.sandbox.wechat.phone(openid)
