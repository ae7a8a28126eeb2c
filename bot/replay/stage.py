"""What a scene is played on: its own stand-ins, its own copy of the demo database, and the real bot behind HTTP."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from wsgiref.types import WSGIApplication
from zoneinfo import ZoneInfo

from bot.app import CAPTCHA_KEY, App
from bot.captcha.riddles import signs_of
from bot.replay.agency_files import file_comes
from bot.replay.elsewhere import paid_elsewhere
from bot.replay.laid_over import UnderWay, built
from bot.replay.officials import book_yesterday, refund_last
from bot.replay.performer import ScenePerformer
from bot.replay.wsgi_server import LoopbackWsgi
from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.menu import Menu
from bot.sandbox.pay import PayStandIn
from bot.sandbox.phone import openid_of
from bot.sandbox.wechat import WeChatStandIn
from bot.settings import Settings, read
from bot.wechat.menu import menu_payload
from dialogs.flows import MENU
from dialogs.session import Session
from dialogs.steps.consent import VERSION
from dialogs.texts import say
from dialogs.transcript import ACCOUNTS, ME, Scene
from storage.consents import StoredConsents
from storage.database import open_database
from storage.demo import MADE_FOR, load_demo
from storage.migrate import upgrade
from storage.sealing import FieldSeal

DATABASE, FIELD_KEY, CONFIG = "bot.db", "field.key", "bot.toml"
MEMORY = Path("/dev/shm")  # noqa: S108 - in it, folders of our own; Linux keeps there what needs no disk
ROOM = 32 * 1024 * 1024  # bytes; a scene takes a tenth of it
Fresh = Callable[[Path], dict[str, str]]  # lays a bot's files into a folder; gives `[storage]` for it


@dataclass(frozen=True)
class Props:
    """Made once for many scenes: fresh keys, and a folder with a database that holds the demo people."""

    keys: SandboxKeys
    folder: Path
    zone: ZoneInfo  # of the configuration in the folder
    menu: Menu = field(default_factory=Menu)  # the account's: put by the bot of the first scene, kept by WeChat

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Props]:
        """The props, and at the end nothing is left of them."""
        with TemporaryDirectory(prefix="replay-", dir=_quick()) as name:
            folder = Path(name)
            FieldSeal.create(folder / FIELD_KEY)
            (folder / CONFIG).write_text("", "utf-8")
            engine = open_database(f"sqlite:///{folder / DATABASE}")
            upgrade(engine)
            load_demo(engine, FieldSeal.read(folder / FIELD_KEY), DEMO, MADE_FOR, shift=False)
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()
            yield cls(SandboxKeys.fresh(), folder, read(folder / CONFIG).zone)

    def embedded(self, folder: Path) -> dict[str, str]:
        """`Fresh`: one SQLite file for everything, a copy."""
        self.copy(folder, DATABASE, FIELD_KEY, CONFIG)
        return {"database": f"sqlite:///{DATABASE}", "field_key": FIELD_KEY}

    def copy(self, folder: Path, *names: str) -> None:
        """Copy these files into a folder."""
        for name in names:
            shutil.copyfile(self.folder / name, folder / name)


def _quick() -> Path | None:
    """Where folders are made: in memory where there is room, because SQLite has the disk follow each commit."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM else None


class _Bot:
    """The bot of one scene; it can be ended and started again."""

    def __init__(self, settings: Settings, clock: MovableClock, faults: Faults, server: LoopbackWsgi) -> None:
        self._settings = settings
        self._clock = clock
        self._faults = faults
        self._server = server
        self._app, self._under_way = self._start()

    def run_due(self) -> None:
        """Do everything that is due now, on this thread, once the turns are over."""
        self._under_way.wait()
        self._app.run_due()

    def put_menu(self) -> None:
        """Give the account its menu, as `run.py menu push` does."""
        groups = [(group, [(say(f"service.{key}"), key) for key in keys]) for group, keys in MENU.items()]
        self._app.account.put_menu(menu_payload(groups))

    def agreed(self, openids: Iterable[str]) -> None:
        """These have agreed before the scene begins."""
        consents = StoredConsents(self._app.engine, self._clock.now)
        for openid in openids:
            consents.give(openid, VERSION)

    def restart(self, *, next_release: bool) -> None:
        """End the process and start it again on the same storage; as a release that asks otherwise."""
        self.stop()
        self._app, self._under_way = self._start(next_release=next_release)

    def paid_elsewhere(self, words: str) -> None:
        """A bank's file comes in with a payment: name, cover year, insurance, yuan."""
        paid_elsewhere(self._app.engine, self._app.seal, DEMO, words, self._now())

    def file_comes(self, words: str) -> None:
        """A file of an agency comes in: rows of the demo data with other cells."""
        file_comes(self._app.engine, self._app.seal, DEMO, words, self._now())

    def refund(self, words: str) -> None:
        """An operator gives the order back that was paid last, or these lines of it."""
        refund_last(self._app.engine, words, int(self._clock.now()))

    def confirmed(self, openid: str, numbers: Sequence[str]) -> None:
        """This citizen gave number, name and code of these ID numbers rightly just before."""
        for number in numbers:
            self._app.captchas.confirm(openid, self._app.seal.look_up_key(number))

    def agency_books(self) -> None:
        """The agency takes yesterday's payments file and answers that all of it is booked."""
        book_yesterday(self._app.engine, self._app.seal, self._now())

    def picture_says(self, openid: str) -> str:
        """What the picture shows that this citizen was sent last: its riddle stands in the session."""
        riddle = Session.from_json(self._app.store.peek(openid)).known["riddle"]["which"]
        return signs_of(riddle, self._app.seal.signing_key(CAPTCHA_KEY))

    def stop(self) -> None:
        """End it."""
        self._server.application = None
        self._app.stop()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock.now()), self._settings.zone)

    def _start(self, *, next_release: bool = False) -> tuple[App, UnderWay]:
        app, under_way = built(self._settings, self._clock.now, self._faults, next_release=next_release)
        application: WSGIApplication = app.wsgi
        self._server.application = application
        return app, under_way


@contextmanager
def staged(scene: Scene, props: Props, fresh: Fresh | None = None) -> Iterator[ScenePerformer]:
    """A performer for one scene, on what `fresh` lays out (else embedded). Nothing another scene did can be seen."""
    with TemporaryDirectory(prefix="scene-", dir=_quick()) as name:
        folder = Path(name)
        storage = (fresh or props.embedded)(folder)
        clock = MovableClock(scene.at.replace(tzinfo=props.zone).timestamp())
        faults = Faults()
        wechat = WeChatStandIn(props.keys, clock, faults, props.menu).start()
        pay = PayStandIn(
            props.keys, clock, faults, knows=wechat.knows, on_paid=wechat.paid, machine_clock=clock.now
        ).start()
        sandbox = Sandbox(props.keys, clock, faults, wechat, pay)
        wechat.sends_bizmsgmenuid = scene.account == ACCOUNTS[0]
        server = LoopbackWsgi()
        wechat.bot_url = f"{server.url}/wechat"
        overrides = sandbox.settings_overrides(server.url) | {"storage": dict[str, object](storage)}
        bot = _Bot(read(folder / CONFIG, overrides), clock, faults, server)
        try:
            if not props.menu.is_there:
                bot.put_menu()
            if scene.agreed:
                bot.agreed({openid_of(person) for person in (ME, *(one.person for one in scene.exchanges))})
            performer = ScenePerformer(sandbox, bot)
            for fault in scene.faults:
                performer.fault(fault)
            yield performer
        finally:
            with ThreadPoolExecutor() as stopping:
                for stop in (bot.stop, server.stop, wechat.stop, pay.stop):
                    stopping.submit(stop)
