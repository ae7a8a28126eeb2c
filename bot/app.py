"""The only place where things are put together: engines, clients, stores, and the application over them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from wsgiref.types import WSGIApplication

import redis
from sqlalchemy import Engine

from bot.background.duties import Duties
from bot.background.nightly_export import nightly_export
from bot.background.routine_states import RoutineGauges
from bot.background.routines import Routine, Routines
from bot.background.upkeep import sweeping, token_renewal
from bot.background.worker import STOP_SECONDS, NoWakeups, RedisWakeups, Wakeups, Worker
from bot.captcha.picture import paint
from bot.captcha.pool import PicturePool
from bot.captcha.riddles import Riddles, signs_of, signs_of_draw
from bot.certificate.desk import CertificateDesk
from bot.certificate.links import CertificateLinks
from bot.certificate.papers import Papers
from bot.certificate.press import Press
from bot.certificate.seal import Seal
from bot.notices.card import CardPainter, card_font
from bot.notices.messenger import Messenger
from bot.notices.outlets import NewsOutlets
from bot.operating.health import Health
from bot.pay.callbacks import Callbacks
from bot.pay.cashier import StoredCashier
from bot.pay.gateway import Gateway
from bot.pay.links import PayLinks
from bot.pay.merchant import Merchant
from bot.pay.notify_guard import NotifyGuard, certificates_by_serial
from bot.pay.till import Till
from bot.reconciling.reconciler import Reconciler
from bot.reconciling.routine import reconciling
from bot.settings import Settings, read, require_complete
from bot.turns.answering import Outlets, Turns, TurnTexts
from bot.turns.conversation import BureauClock, Conversation
from bot.turns.guesses import StoredGuesses
from bot.turns.journal import Journal, journal_sweeping
from bot.turns.people_limits import StoredPeopleLimits
from bot.web.doors import Door
from bot.web.metrics import Metrics
from bot.web.routes import build_doors, build_wsgi
from bot.web.services import Check, WebServices
from bot.wechat.account_client import AccountClient
from bot.wechat.official_account import OfficialAccount
from bot.wechat.tokens import TokenStore
from bot.wire.sealing import WireKeys
from dialogs.flows import SERVICES
from dialogs.texts import say
from storage.certificates import CertificateBook
from storage.consents import StoredConsents
from storage.contacts import StoredContacts
from storage.database import TURN_LOCK_SECONDS, open_database
from storage.history import StoredHistory
from storage.migrate import upgrade
from storage.orders.attached import Attachments
from storage.orders.opening import Opener, OrderLimits
from storage.orders.reading import OrderReader, StoredLedger
from storage.orders.restoring import Restorer
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
ROUTINE_LOOK_SECONDS = 5.0  # how often each routine's time is looked up


@dataclass
class App:
    """One process of the bot. Built by `build`; nothing runs before `start_background`."""

    settings: Settings
    engine: Engine
    seal: FieldSeal
    store: TurnStore
    shared: SharedStore
    account: OfficialAccount
    till: Till
    messenger: Messenger
    duties: Duties
    routines: Routines
    journal: Journal
    turns: Turns
    wsgi: WSGIApplication
    services: WebServices
    doors: Mapping[str, Door]
    metrics: Metrics
    worker: Worker
    wakeups: Wakeups
    health: Callable[[], Sequence[Check]]
    sessions: Engine | None  # of embedded sessions
    captchas: Riddles
    _over: threading.Event = field(default_factory=threading.Event)
    _listener: threading.Thread | None = None
    _timed: list[Worker] = field(default_factory=list)  # a thread for each routine: none waits for another

    def run_due(self) -> int:
        """Do everything that orders and notices have due now, on this thread; routines are run by `routines` alone."""
        return self.duties.run_due()

    def start_background(self) -> None:
        """The embedded default does its background work itself; with a Redis queue `run.py worker` does it.

        On the sandbox it is done here whatever the queue: no other process has the keys of these stand-ins.
        """
        self.journal.start()
        if self.settings.storage.queue == EMBEDDED:
            self._start_worker()
        elif self.settings.sandbox.enabled:
            self.start_worker()

    def start_worker(self) -> None:
        """The background work of `run.py worker`, whatever the queue."""
        self._start_worker()
        if isinstance(self.wakeups, RedisWakeups):
            wakeups = self.wakeups
            self._listener = threading.Thread(target=lambda: wakeups.listen(self.worker, self._over), daemon=True)
            self._listener.start()

    def _start_worker(self) -> None:
        self.worker.start()
        for routine in self.routines.routines:
            timed = Worker(partial(self.routines.run_if_due, routine), routine.name, ROUTINE_LOOK_SECONDS)
            self._timed.append(timed)
            timed.start()

    def stop(self) -> None:
        """Finish the turns and the duty under way; a routine that takes longer than they do is repeated later."""
        for timed in self._timed:
            timed.ask_to_stop()
        self.turns.close()
        self.journal.stop()
        self._over.set()
        ends = time.monotonic() + STOP_SECONDS
        for one in (self.worker, *self._timed):
            one.stop(max(0.0, ends - time.monotonic()))
        self.engine.dispose()
        if self.sessions is not None:
            self.sessions.dispose()


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
    sessions = _sessions(settings)
    store, shared = _stores(settings, sessions)
    account = _account(settings, shared, clock)
    merchant = _merchant(settings)
    notify_url = f"{settings.server.public_url.rstrip('/')}/pay/notify"
    gateway = Gateway(merchant, notify_url, settings.pay.api_base.rstrip("/"), clock=clock)
    settler = Settler(engine, zone, settings.pay.mch_id, settings.wechat.app_id)
    registry = StoredRegistry(engine, seal)
    tariffs = StoredTariffs(engine, clock)
    attachments = Attachments(seal.signing_key("attach"))
    till = Till(engine, gateway, settler, zone, clock, Restorer(engine, registry, tariffs, attachments))
    captcha_key = seal.signing_key(CAPTCHA_KEY)
    pool = PicturePool(engine, lambda draw: account.upload_image(paint(signs_of_draw(draw, captcha_key))))
    press = _press(settings)
    papers = _papers(settings, engine, seal, press, account)
    messenger = Messenger(
        engine,
        store,
        account,
        CardPainter(card_font()),
        zone,
        clock,
        settings.wechat.notice_template,
        captcha=lambda riddle: paint(signs_of(riddle, captcha_key)),
        page=papers.picture,
    )
    duties = Duties(engine, till, messenger, clock)
    routines = Routines(engine, _routines(settings, engine, seal, account, pool, till), clock)
    worker = Worker(duties.run_due)
    wakeups: Wakeups = NoWakeups()
    if wakes:
        queue = settings.storage.queue
        wakeups = worker if queue == EMBEDDED else RedisWakeups(queue)
    links = PayLinks(till, seal.signing_key("pay-link"), settings.server.public_url, clock)
    ledger = StoredLedger(engine, zone)
    bureau_clock = BureauClock(clock, zone)
    cashier = StoredCashier(
        opener=Opener(
            engine,
            zone,
            settings.pay.channel,
            settings.pay.expires_minutes,
            OrderLimits(settings.limits.open_orders),
        ),
        reader=OrderReader(engine, zone, links.url),
        till=till,
        registry=registry,
        ledger=ledger,
        clock=bureau_clock,
        wake=lambda _no: wakeups.wake(),
    )
    certificate_links = CertificateLinks(
        papers,
        seal.signing_key("certificate-link"),
        settings.server.public_url,
        settings.certificate.valid_days,
        clock,
    )
    desk = CertificateDesk(papers, certificate_links, press.missing_in, bureau_clock, zone, lambda: wakeups.wake())
    guesses = StoredGuesses(shared, clock)
    contacts = StoredContacts(engine, clock)
    history = StoredHistory(engine, zone)
    captchas = Riddles(captcha_key, engine, shared, history, clock, lambda: wakeups.wake())
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
        captchas=captchas,
        guesses=guesses,
        limits=StoredPeopleLimits(shared, settings.limits.people, clock),
        messenger=messenger,
        zone=zone,
    )
    outlets = NewsOutlets(engine, messenger, wakeups, clock)
    texts = TurnTexts(busy=say("wire.busy"), failed=say("wire.error", id="{id}"), unavailable=say("wire.unavailable"))
    outs = Outlets(late=outlets.late, more=messenger.send_more, push=outlets.told)
    journal = Journal(engine, seal, zone)
    run = journal.hearing(conversation.run) if settings.storage.journal_days else conversation.run
    turns = Turns(store, run, texts, outs, clock)
    metrics = Metrics(RoutineGauges(engine, clock))
    health = Health(engine, store, worker).checks
    services = WebServices(
        keys=WireKeys(settings.wechat.token, settings.wechat.encoding_aes_key, settings.wechat.app_id),
        turns=turns,
        trouble=say("wire.error", id="{id}"),
        clock=clock,
        guard=NotifyGuard(
            merchant, certificates_by_serial(settings.pem(path) for path in settings.pay.platform_certificates)
        ),
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
        shared=shared,
        account=account,
        till=till,
        messenger=messenger,
        duties=duties,
        routines=routines,
        journal=journal,
        turns=turns,
        wsgi=build_wsgi(services),
        services=services,
        doors=build_doors(services),
        metrics=metrics,
        worker=worker,
        wakeups=wakeups,
        health=health,
        sessions=sessions,
        captchas=captchas,
    )


def _routines(
    settings: Settings, engine: Engine, seal: FieldSeal, account: OfficialAccount, pool: PicturePool, till: Till
) -> list[Routine]:
    """Every routine of the background work, a line for each; its arguments are what they need."""
    zone, exports = settings.zone, settings.agencies.export_dir
    return [
        *([nightly_export(engine, seal, settings.path(exports), zone)] if exports else []),
        token_renewal(account),
        sweeping(engine, zone),
        pool.routine,
        reconciling(Reconciler(till)),
        journal_sweeping(engine, zone, settings.storage.journal_days),
    ]


def _press(settings: Settings) -> Press:
    """What draws certificates, with the bureau's seal where one is configured."""
    wanted = settings.certificate
    seal = Seal.read(settings.path(wanted.seal), wanted.seal_password) if wanted.seal else None
    return Press(seal, settings.rare_fonts)


def _papers(settings: Settings, engine: Engine, fields: FieldSeal, press: Press, account: OfficialAccount) -> Papers:
    """The certificates as documents, with WeChat's codes where they are configured."""
    wanted = settings.certificate
    book = CertificateBook(engine, fields, settings.zone, wanted.issuer, scanned=wanted.wechat_qr)
    return Papers(book, press, account.scan_code if wanted.wechat_qr else None)


def account_of(settings: Settings) -> OfficialAccount:
    """The official account alone, for commands that need nothing else."""
    return _account(settings, _stores(settings, _sessions(settings))[1], time.time)


def build_served(config: str, overrides: str) -> App:
    """For the web server's workers: the configuration's path, and overrides as JSON."""
    return build(read(Path(config), json.loads(overrides)))


def _sessions(settings: Settings) -> Engine | None:
    """The SQLite file of embedded sessions: another file than the database's, so that neither waits for the other."""
    if settings.storage.sessions != EMBEDDED:
        return None
    return open_database(settings.sessions_url, pool_size=settings.server.threads + 4, busy_seconds=TURN_LOCK_SECONDS)


def _stores(settings: Settings, sessions: Engine | None) -> tuple[TurnStore, SharedStore]:
    if sessions is not None:
        turns, shared = EmbeddedTurnStore(sessions), EmbeddedSharedStore(sessions)
        turns.create()
        shared.create()
        return turns, shared
    where = settings.storage.sessions
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
        private_key=settings.merchant_key,
        api_v3_key=pay.api_v3_key,
        public_key=settings.platform_key,
        public_key_id=pay.platform_public_key_id,
    )
