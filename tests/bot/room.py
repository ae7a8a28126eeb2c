"""The cashier's room: the real bot on a fresh SQLite file between both stand-ins, at noon; its clock stands still.

Nothing runs by itself: a test moves the clock, has due work done and callbacks delivered.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app import App, build
from bot.background.worker import NoWakeups
from bot.notices.outlets import NewsOutlets
from bot.pay.cashier import StoredCashier
from bot.pay.links import PayLinks
from bot.replay.wsgi_server import LoopbackWsgi
from bot.sandbox.both import Sandbox
from bot.sandbox.cashier import Sheet
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.pay import PayStandIn
from bot.sandbox.phone import USER_AGENT, Phone
from bot.sandbox.wechat import WeChatStandIn
from bot.settings import read
from bot.turns.conversation import BureauClock
from storage.orders.columns import ATTEMPT, LEDGER, PAYMENT
from storage.orders.opening import Opener
from storage.orders.reading import OrderReader, StoredLedger
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal
from tests.bot.sandbox_parts import keys
from tests.storage.counter import NOON, ZONE, Counter

PAYER = "oPayer"
FAULTS = [
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.STATUS_500,
    Fault.STATUS_429,
    Fault.WRONG_SIGNATURE,
    Fault.GARBLED,
]
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())


@dataclass
class Room:
    """One payer, one shop, one WeChat Pay."""

    app: App
    sandbox: Sandbox
    counter: Counter
    phone: Phone
    cashier: StoredCashier
    links: PayLinks

    @property
    def pay(self) -> PayStandIn:
        return self.sandbox.pay

    def news(self, wake: Callable[[], None]) -> NewsOutlets:
        """Where turns leave news, as the application has it; `wake` hears of each that is written."""

        class Heard(NoWakeups):
            def wake(self) -> None:
                wake()

        return NewsOutlets(self.app.engine, self.app.messenger, Heard(), self.sandbox.clock.now)

    def fault(self, endpoint: str, fault: Fault, times: int | None = 1) -> None:
        self.sandbox.faults.put(endpoint, fault, times=times)

    def wait(self, seconds: float) -> None:
        """Time passes; then everything that is due is done, callbacks too."""
        self.sandbox.clock.move(seconds)
        self.work()

    def work(self) -> None:
        """Do what is due, until nothing is."""
        for _ in range(5):
            if not self.app.run_due() + self.pay.deliver_due():
                return

    def work_for(self, seconds: int, step: int = 15) -> None:
        """Time passes in small steps, each with the work due in it."""
        for _ in range(0, seconds, step):
            self.wait(step)

    def sheet(self, no: str, openid: str = PAYER) -> Sheet:
        """WeChat's cashier, opened from the pay link."""
        found = re.search(r'id="sheet">(.*?)</script>', self.page(no)[1])
        assert found, self.page(no)
        return self.pay.checkout_jsapi(json.loads(found.group(1)), openid)

    def page(self, no: str, user_agent: str = USER_AGENT) -> tuple[int, str]:
        """What the pay link of an order shows."""
        status, _, body = self.links.open(self.links.url(no).rpartition("/")[2], user_agent)
        return status, body.decode()

    def code(self, number: str) -> str:
        """The code a native attempt is scanned by, as the bot knows it."""
        return str(self.counter.attempt(number).code_url)

    def at_wechat(self) -> dict[str, str]:
        """Every order WeChat Pay knows, with its state there."""
        orders = self.pay.orders
        return {order.terms.out_trade_no: str(orders.view(order)["trade_state"]) for order in orders.all()}

    def books(self) -> tuple[int, int]:
        """What WeChat Pay took and what it gave back, in fen."""
        taken = sum(order.terms.total for order in self.pay.orders.all() if order.transaction_id)
        return taken, sum(refund.terms.refund for refund in self.pay.refunds.all() if refund.status == "SUCCESS")

    def pushed(self) -> list[str]:
        """What was pushed to the payer, a line for each."""
        return [bubble.shown or bubble.kind for bubble in self.phone.inbox if bubble.pushed]


@pytest.fixture
def room(migrated_file: Path, tmp_path: Path) -> Iterator[Room]:
    shutil.copyfile(migrated_file, tmp_path / "bot.db")
    (tmp_path / "bot.toml").write_text("")
    FieldSeal.create(tmp_path / "field.key")
    clock, faults = MovableClock(NOON.timestamp()), Faults()
    wechat = WeChatStandIn(keys(), clock, faults).start()
    pay = PayStandIn(keys(), clock, faults, knows=wechat.knows, on_paid=wechat.paid, machine_clock=clock.now).start()
    sandbox, server = Sandbox(keys(), clock, faults, wechat, pay), LoopbackWsgi()
    wechat.bot_url = f"{server.url}/wechat"
    overrides = sandbox.settings_overrides(server.url)
    overrides |= {"storage": {"database": "sqlite:///bot.db", "field_key": "field.key"}}
    app = build(read(tmp_path / "bot.toml", overrides), clock=clock.now, wakes=False)
    server.application = app.wsgi
    try:
        yield furnished(app, sandbox)
    finally:
        with ThreadPoolExecutor() as stopping:
            for stop in (app.stop, server.stop, wechat.stop, pay.stop):
                stopping.submit(stop)


def furnished(app: App, sandbox: Sandbox) -> Room:
    links = PayLinks(app.till, app.seal.signing_key("pay-link"), "https://bot.example", sandbox.clock.now)
    cashier = StoredCashier(
        opener=Opener(app.engine, ZONE, "jsapi", 30),
        reader=OrderReader(app.engine, ZONE, links.url),
        till=app.till,
        registry=StoredRegistry(app.engine, app.seal),
        ledger=StoredLedger(app.engine, ZONE),
        clock=BureauClock(sandbox.clock.now, ZONE),
        wake=lambda _no: None,
    )
    return Room(app, sandbox, Counter.opened(app.engine), sandbox.wechat.phone(PAYER), cashier, links)


def placed(room: Room, no: str) -> str:
    """Have it placed; the number of its attempt."""
    room.work()
    number = str(room.counter.running(no).out_trade_no)
    assert room.counter.attempt(number).state == "placed"
    return number


def assert_paid_once(room: Room, no: str) -> None:
    """One payment, one ledger entry, one notice; nothing runs, nothing is due."""
    assert room.counter.order(no).state == "paid"
    assert len(room.counter.rows(PAYMENT)) == 1
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000]
    assert room.counter.notices().count(f"paid:{no}") == 1
    assert (room.counter.rows(ATTEMPT, runs=no), room.counter.order(no).due_at) == ([], None)
