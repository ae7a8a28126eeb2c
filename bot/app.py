"""The only place where things are put together: engines, clients, stores, and the application over them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from wsgiref.types import WSGIApplication

import redis
from sqlalchemy import Engine

from bot.captcha.picture import paint
from bot.captcha.riddles import Riddles, signs_of
from bot.card import CardPainter, card_font
from bot.cashier import StoredCashier
from bot.certificate.desk import CertificateDesk
from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.links import CertificateLinks
from bot.conversation import BureauClock, Conversation
from bot.duties import Duties
from bot.guesses import StoredGuesses
from bot.health import Health
from bot.messenger import Messenger
from bot.outlets import NewsOutlets
from bot.pay.callbacks import Callbacks
from bot.pay.gateway import Gateway
from bot.pay.links import PayLinks
from bot.pay.merchant import Merchant
from bot.pay.notify_guard import NotifyGuard
from bot.pay.till import Till
from bot.settings import Settings, read, require_complete
from bot.turns import Outlets, Turns, TurnTexts
from bot.web.metrics import Metrics
from bot.web.routes import build_wsgi
from bot.web.services import Check, WebServices
from bot.wechat.account_client import AccountClient
from bot.wechat.official_account import OfficialAccount
from bot.wechat.tokens import TokenStore
from bot.wire.sealing import WireKeys
from bot.worker import NoWakeups, RedisWakeups, Wakeups, Worker
from dialogs.flows import SERVICES
from dialogs.texts import say
from storage.certificates import CertificateBook
from storage.consents import StoredConsents
from storage.contacts import StoredContacts
from storage.database import open_database
from storage.history import StoredHistory
from storage.migrate import upgrade
from storage.orders.opening import Opener
from storage.orders.reading import OrderReader, StoredLedger
from storage.orders.settling import Settler
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from storage.sessions.contract import SharedStore, TurnStore
from storage.sessions.embedded import EmbeddedTurnStore
from storage.sessions.embedded_shared import EmbeddedSharedStore
from storage.sessions.on_redis import RedisTurnStore
from storage.sessions.on_redis_shared import RedisSharedStore
from storage.tariffs import StoredTariffs

REDIS_SECONDS = 1.0  # connect and read; a turn has four
EMBEDDED = "embedded"
CAPTCHA_KEY = "captcha"


@dataclass
class App:
    """One process of the bot. Built by `build`; nothing runs before `start_background`."""

    settings: Settings
    engine: Engine
    seal: FieldSeal
    store: TurnStore
    account: OfficialAccount
    till: Till
    messenger: Messenger
    duties: Duties
    turns: Turns
    wsgi: WSGIApplication
    metrics: Metrics
    worker: Worker
    wakeups: Wakeups
    health: Callable[[], Sequence[Check]]
    _over: threading.Event = field(default_factory=threading.Event)
    _listener: threading.Thread | None = None

    def run_due(self) -> int:
        """Do everything that is due now, on this thread."""
        return self.duties.run_due()

    def start_background(self) -> None:
        """The embedded default does its background work itself; with a Redis queue `run.py worker` does it."""
        if self.settings.storage.queue == EMBEDDED:
            self.worker.start()

    def start_worker(self) -> None:
        """The background work of `run.py worker`, whatever the queue."""
        self.worker.start()
        if isinstance(self.wakeups, RedisWakeups):
            wakeups = self.wakeups
            self._listener = threading.Thread(target=lambda: wakeups.listen(self.worker, self._over), daemon=True)
            self._listener.start()

    def stop(self) -> None:
        """Finish the turns and the duty under way."""
        self.turns.close()
        self._over.set()
        self.worker.stop()
        self.engine.dispose()


def build(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    wakes: bool = True,
    budget: float | None = None,
) -> App:
    """Everything put together; raises BadConfiguration, BadDatabaseUrl, BadKeyFile, ValueError for an unreadable key.

    `clock` gives unix seconds to everything. Without `wakes` turns wake nobody: the caller runs what is due.
    """
    require_complete(settings)
    zone = settings.zone
    seal = FieldSeal.read(settings.path(settings.storage.field_key))
    engine = open_database(settings.database_url, pool_size=settings.server.threads + 4)
    upgrade(engine)
    store, shared = _stores(settings, engine)
    account = _account(settings, shared, clock)
    merchant = _merchant(settings)
    notify_url = f"{settings.server.public_url.rstrip('/')}/pay/notify"
    gateway = Gateway(merchant, notify_url, settings.pay.api_base.rstrip("/"), clock=clock)
    settler = Settler(engine, zone, settings.pay.mch_id, settings.wechat.app_id)
    till = Till(engine, gateway, settler, zone, clock)
    captcha_key = seal.signing_key(CAPTCHA_KEY)
    messenger = Messenger(
        engine,
        store,
        account,
        CardPainter(card_font()),
        zone,
        clock,
        settings.wechat.notice_template,
        captcha=lambda riddle: paint(signs_of(riddle, captcha_key)),
    )
    duties = Duties(engine, till, messenger, clock)
    worker = Worker(duties.run_due)
    wakeups: Wakeups = NoWakeups()
    if wakes:
        queue = settings.storage.queue
        wakeups = worker if queue == EMBEDDED else RedisWakeups(queue)
    links = PayLinks(till, seal.signing_key("pay-link"), settings.server.public_url, clock)
    registry = StoredRegistry(engine, seal)
    ledger = StoredLedger(engine, zone)
    bureau_clock = BureauClock(clock, zone)
    cashier = StoredCashier(
        opener=Opener(engine, zone, settings.pay.channel, settings.pay.expires_minutes),
        reader=OrderReader(engine, zone, links.url),
        till=till,
        registry=registry,
        ledger=ledger,
        clock=bureau_clock,
        wake=lambda _no: wakeups.wake(),
    )
    tariffs = StoredTariffs(engine, clock)
    book = CertificateBook(engine, seal, zone, settings.certificate.issuer)
    certificate_links, desk = _certificates(settings, book, seal, bureau_clock)
    guesses = StoredGuesses(shared, clock)
    contacts = StoredContacts(engine, clock)
    history = StoredHistory(engine, zone)
    conversation = Conversation(
        services=SERVICES,
        registry=registry,
        tariffs=tariffs,
        ledger=ledger,
        cashier=cashier,
        certificates=desk,
        contacts=contacts,
        history=history,
        consents=StoredConsents(engine, clock),
        captchas=Riddles(captcha_key, engine, shared, history, clock, lambda: wakeups.wake()),
        guesses=guesses,
        messenger=messenger,
        zone=zone,
    )
    outlets = NewsOutlets(engine, messenger, wakeups, clock)
    texts = TurnTexts(busy=say("wire.busy"), failed=say("wire.error", id="{id}"), unavailable=say("wire.unavailable"))
    outs = Outlets(late=outlets.late, more=messenger.send_more, push=outlets.told)
    turns = Turns(store, conversation.run, texts, outs, clock)
    metrics = Metrics()
    health = Health(engine, store, worker).checks
    services = WebServices(
        keys=WireKeys(settings.wechat.token, settings.wechat.encoding_aes_key, settings.wechat.app_id),
        turns=turns,
        trouble=say("wire.error", id="{id}"),
        clock=clock,
        guard=NotifyGuard(merchant),
        settle=Callbacks(till, wakeups).settle,
        hand_off=links.open,
        certificate=certificate_links.open,
        health=health,
        metrics=metrics,
        metrics_token=settings.server.metrics_token,
    )
    return App(
        settings=settings,
        engine=engine,
        seal=seal,
        store=store,
        account=account,
        till=till,
        messenger=messenger,
        duties=duties,
        turns=turns,
        wsgi=build_wsgi(services),
        metrics=metrics,
        worker=worker,
        wakeups=wakeups,
        health=health,
    )


def _certificates(
    settings: Settings, book: CertificateBook, seal: FieldSeal, clock: BureauClock
) -> tuple[CertificateLinks, CertificateDesk]:
    files = FontFiles()
    links = CertificateLinks(
        book,
        CertificatePainter(SharedFonts(files), files),
        seal.signing_key("certificate-link"),
        settings.server.public_url,
        settings.certificate.valid_days,
        clock.seconds,
    )
    return links, CertificateDesk(book, links, files.can_print, clock, settings.zone)


def account_of(settings: Settings) -> OfficialAccount:
    """The official account alone, for commands that need nothing else."""
    engine = open_database(settings.database_url)
    upgrade(engine)
    return _account(settings, _stores(settings, engine)[1], time.time)


def build_served(config: str, overrides: str) -> App:
    """For the web server's workers: the configuration's path, and overrides as JSON."""
    return build(read(Path(config), json.loads(overrides)))


def _stores(settings: Settings, engine: Engine) -> tuple[TurnStore, SharedStore]:
    where = settings.storage.sessions
    if where == EMBEDDED:
        if engine.dialect.name != "sqlite":
            engine = open_database(
                f"sqlite:///{settings.path('var/sessions.db')}", pool_size=settings.server.threads + 4
            )
        turns, shared = EmbeddedTurnStore(engine), EmbeddedSharedStore(engine)
        turns.create()
        shared.create()
        return turns, shared
    client = redis.Redis.from_url(where, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    return RedisTurnStore(client), RedisSharedStore(client)


def _account(settings: Settings, shared: SharedStore, clock: Callable[[], float]) -> OfficialAccount:
    tokens = TokenStore(shared, settings.wechat.app_id, clock, time.sleep)
    base = settings.wechat.api_base.rstrip("/")
    return OfficialAccount(AccountClient(base, settings.wechat.app_id, settings.wechat.secret, tokens, time.sleep))


def _merchant(settings: Settings) -> Merchant:
    pay = settings.pay
    return Merchant(
        app_id=settings.wechat.app_id,
        mch_id=pay.mch_id,
        serial_no=pay.serial_no,
        private_key=settings.pem(pay.private_key),
        api_v3_key=pay.api_v3_key,
        public_key=settings.pem(pay.platform_public_key),
        public_key_id=pay.platform_public_key_id,
    )
