"""A whole bot on the sandbox in this process: stand-ins, demo people, web server, background work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from bot.app import App, build
from bot.console.local_phones import LocalPhones
from bot.console.order_store import OrderStore
from bot.replay.wsgi_server import LoopbackWsgi
from bot.sandbox import DEMO
from bot.sandbox.both import Sandbox
from bot.sandbox.clock import MovableClock, time_steps
from bot.settings import Settings, read
from bot.wechat.account_menu import account_menu
from storage.demo import load_demo
from storage.sealing import FieldSeal

LOG = "chat.log"
DATABASE, FIELD_KEY = "bot.db", "field.key"
DEMO_DAY, AHEAD, ORDERS = "demo-day", "clock-ahead", "sandbox-orders.json"
ROUNDS = 5  # of callbacks and due work; each may cause the next


@dataclass(frozen=True)
class Runtime:
    """What runs."""

    sandbox: Sandbox
    app: App
    phones: LocalPhones


@contextmanager
def start_runtime(config: Path, folder: Path, *, background: bool) -> Iterator[Runtime]:
    """Start everything, kept in `folder` and on the services `storage_of` tells; stop it at the end.

    Without `background` nothing happens but on the caller's thread. Raises what `bot.settings.read` and `bot.app.build`
    raise. The clock goes on where it stood if it was moved at an earlier start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clock = MovableClock()
    clock.move(_ahead(folder))
    storage = storage_of(read(config), folder)
    sandbox = Sandbox.start(folder, clock)
    orders = OrderStore(sandbox.pay.orders, folder / ORDERS)
    server = LoopbackWsgi()
    orders.restore(f"{server.url}/pay/notify")
    sandbox.wechat.bot_url = f"{server.url}/wechat"
    try:
        settings = read(config, {**sandbox.settings_overrides(server.url), "storage": storage})
        app = build(settings, clock=clock.now, wakes=background)
        try:
            _seed(app, settings, folder, clock)
            server.application = app.wsgi
            app.account.put_menu(account_menu())
            if background:
                sandbox.pay.start_delivering()
                app.start_background()
            yield Runtime(sandbox, app, _family(sandbox, app, orders))
        finally:
            _keep_ahead(folder, clock)
            server.application = None
            app.stop()
            orders.keep()
    finally:
        server.stop()
        sandbox.stop()


def storage_of(asked: Settings, folder: Path) -> dict[str, str]:
    """The `[storage]` of a bot whose files lie in `folder`; its field key is there afterwards.

    What `asked` puts on PostgreSQL or Redis goes there, with the field key it names, so that other commands on the same
    configuration read what was written. What it embeds stays apart from the files of `serve`: the terminal's clock can
    be moved. A configuration for citizens (`sandbox.enabled = false`) is never touched.
    """
    here, wanted = folder.resolve(), asked.storage
    storage = {
        "database": f"sqlite:///{here / DATABASE}",
        "sessions": "embedded",
        "queue": "embedded",
        "field_key": str(here / FIELD_KEY),
    }
    if asked.sandbox.enabled:
        storage |= {"sessions": wanted.sessions, "queue": wanted.queue}
        if not wanted.database.startswith("sqlite"):
            storage |= {"database": wanted.database, "field_key": str(asked.path(wanted.field_key))}
    key = Path(storage["field_key"])
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        FieldSeal.create(key)
    return storage


def log_into(file: Path) -> None:
    """Let the log of this process go to a file: the terminal belongs to the chat."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = file.open("a", encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    logging.basicConfig(stream=stream, level=logging.WARNING, force=True)


def _family(sandbox: Sandbox, app: App, orders: OrderStore) -> LocalPhones:
    one_at_a_time = threading.Lock()

    def settle() -> None:
        with one_at_a_time:
            for _ in range(ROUNDS):
                if not sandbox.pay.deliver_due() + app.run_due():
                    break
            orders.keep()

    def wait(seconds: float) -> None:
        for step in time_steps(seconds):
            sandbox.clock.move(step)
            settle()

    return LocalPhones(sandbox, settle, wait)


def _seed(app: App, settings: Settings, folder: Path, clock: MovableClock) -> None:
    """Once a day, because the demo people's dates go with the day; on a server at each start, for others use it too."""
    today = datetime.fromtimestamp(clock.now(), settings.zone).date()
    mark, own = folder / DEMO_DAY, app.engine.dialect.name == "sqlite"
    if own and mark.exists() and mark.read_text("ascii") == today.isoformat():
        return
    load_demo(app.engine, app.seal, DEMO, today, shift=True)
    if own:
        mark.write_text(today.isoformat(), "ascii")


def _ahead(folder: Path) -> float:
    """Seconds the clock was moved by, at earlier starts; what was stored then would lie in the future without them."""
    try:
        return max(0.0, float((folder / AHEAD).read_text("ascii")))
    except (OSError, ValueError):
        return 0.0


def _keep_ahead(folder: Path, clock: MovableClock) -> None:
    (folder / AHEAD).write_text(f"{max(0.0, clock.now() - time.time()):.0f}", "ascii")
