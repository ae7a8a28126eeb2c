"""Exactly one turn and one answer for each message: over HTTP, with the real stores, in one process and in several."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.app import App, build
from bot.replay.wsgi_server import LoopbackWsgi
from bot.settings import read
from dialogs.machine import Turn, turn
from dialogs.said import Said
from dialogs.session import Session
from dialogs.texts import say
from storage.orders.columns import LEDGER, NOTICE, ORDER
from storage.sessions.contract import Waiting
from storage.sessions.on_redis import RedisTurnStore
from tests.bot.served import Bot, Wire, free_port, installed, redis_database, sheet_of, to_the_last_look, until

BUSY = say("wire.busy")
OPENIDS, EACH = 10, 20


@dataclass
class Gates:
    """Around the machine: notes each turn that runs, and holds those of some words until they are let go."""

    machine: Callable[..., Turn]
    ran: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, threading.Event] = field(default_factory=dict)
    begun: dict[str, threading.Event] = field(default_factory=dict)

    def hold(self, words: str) -> threading.Event:
        self.begun[words] = threading.Event()
        self.held[words] = threading.Event()
        return self.held[words]

    def turn(self, session: Session, said: Said, world: Any, services: Any) -> Turn:
        self.ran.append((world.payer, said.text))
        if gate := self.held.get(said.text):
            self.begun[said.text].set()
            assert gate.wait(30)
        return self.machine(session, said, world, services)


@dataclass
class House:
    """One bot in this process, reached over HTTP."""

    app: App
    bot: Bot
    wire: Wire
    gates: Gates
    url: str


@pytest.fixture
def requests() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


@pytest.fixture(params=["embedded", "redis"])
def sessions(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        yield "embedded"
    else:
        with redis_database() as url:
            yield url


@pytest.fixture
def house(tmp_path: Path, sessions: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    gates = Gates(turn)
    monkeypatch.setattr("bot.turns.conversation.turn", gates.turn)
    with installed(tmp_path) as installation:
        installation.write(storage={"sessions": sessions})
        app = build(read(tmp_path / "bot.toml"), wakes=False)
        server = LoopbackWsgi()
        server.application = app.wsgi
        try:
            yield House(app, installation, Wire(installation.sandbox), gates, server.url)
        finally:
            for gate in gates.held.values():
                gate.set()
            server.stop()
            app.stop()


def test_a_message_sent_three_times_while_it_is_slow_is_one_turn_and_one_reply(
    house: House, requests: ThreadPoolExecutor
) -> None:
    gate = house.gates.hold("慢")
    query, body = house.wire.sealed(xml := house.wire.text("oSlow", "慢", 1))
    first = requests.submit(house.wire.send, house.url, query, body)
    assert house.gates.begun["慢"].wait(30)
    again = requests.submit(house.wire.send, house.url, query, body)
    sealed_anew = requests.submit(house.wire.post, house.url, xml)
    gate.set()
    replies = {one.result(30) for one in (first, again, sealed_anew)}
    assert len(replies) == 1
    assert "养老" in replies.pop()
    assert house.wire.post(house.url, xml) == first.result()  # and a fourth time, when all is over
    assert house.gates.ran == [("oSlow", "慢")]
    assert house.bot.rows(NOTICE) == []


def test_twenty_at_once_are_taken_in_order_three_waiting_the_rest_asked_to_wait_and_others_not_slowed(
    house: House, requests: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[str] = []
    claim = house.app.store.claim

    def watched(openid: str, key: str, *words: Any, **more: Any) -> Any:
        answer = claim(openid, key, *words, **more)
        if isinstance(answer, Waiting):
            waiting.append(key)
        return answer

    monkeypatch.setattr(house.app.store, "claim", watched)
    gate = house.gates.hold("第0句")
    posted = [requests.submit(house.wire.post, house.url, house.wire.text("oMany", "第0句", 100))]
    assert house.gates.begun["第0句"].wait(30)
    for number in (1, 2, 3):
        posted.append(
            requests.submit(house.wire.post, house.url, house.wire.text("oMany", f"第{number}句", 100 + number))
        )
        until(lambda count=number: len(set(waiting)) == count, "the message never came into the line")  # type: ignore[misc]
    rest = [
        requests.submit(house.wire.post, house.url, house.wire.text("oMany", f"第{number}句", 100 + number))
        for number in range(4, 20)
    ]
    assert Counter(one.result(30) for one in rest) == {BUSY: 16}
    for number in range(5):  # while the turn of oMany is still held
        assert "养老" in house.wire.post(house.url, house.wire.text(f"oOther{number}", "你好", 500 + number))
    assert not any(one.done() for one in posted)
    gate.set()
    assert all("养老" in one.result(30) for one in posted)
    assert [words for openid, words in house.gates.ran if openid == "oMany"] == ["第0句", "第1句", "第2句", "第3句"]
    session = json.loads(house.app.store.peek("oMany") or b"{}")
    assert session["flow"] == "home"


def test_two_serves_and_a_worker_on_one_redis_lose_and_double_no_turn(
    tmp_path: Path, requests: ThreadPoolExecutor
) -> None:
    with redis_database() as url, installed(tmp_path) as installation:
        stores = {"sessions": url, "queue": url}
        installation.write(storage=stores)
        installation.serve()
        first, installation.port = installation.url, free_port()
        installation.write(storage=stores, server={"port": installation.port, "public_url": first})
        installation.serve()
        installation.ready(installation.run("worker"), "ready worker\n")
        urls = (first, installation.url)
        wire = Wire(installation.sandbox)

        def speak(citizen: int, half: int) -> list[str]:
            """Half of a citizen's wrong answers, one after the other; every fifth goes to both processes at once."""
            replies = []
            for number in range(half, EACH, 2):
                xml = wire.text(f"oMany{citizen}", f"abc{number}", 1000 * citizen + number)
                place = (number // 2 + half) % 2
                if number % 5 == 0:
                    twin = requests.submit(wire.post, urls[1 - place], xml)
                    answer = wire.post(urls[place], xml)
                    assert {answer, twin.result(30)} <= {answer, "success"}
                else:
                    answer = wire.post(urls[place], xml)
                replies.append(answer)
            return replies

        for citizen in range(OPENIDS):
            wire.post(urls[citizen % 2], wire.click(f"oMany{citizen}", "pay.pension"))
        with ThreadPoolExecutor(2 * OPENIDS) as citizens:
            halves = [citizens.submit(speak, citizen, half) for citizen in range(OPENIDS) for half in (0, 1)]
            answered = [reply for half in halves for reply in half.result(60)]
        assert len(answered) == OPENIDS * EACH
        assert BUSY not in answered
        store = RedisTurnStore(redis.Redis.from_url(url))
        for citizen in range(OPENIDS):
            session = json.loads(store.peek(f"oMany{citizen}") or b"{}")
            assert (session["asked"], session["wrong"]) == ("document", EACH)  # each message counted once
        _pays_over_both(installation, urls)


def _pays_over_both(installation: Bot, urls: tuple[str, str]) -> None:
    """A payment of which each message goes to the other process; the worker places, settles late and tells."""
    installation.sandbox.pay.start_delivering()
    wechat = installation.sandbox.wechat
    phone = wechat.phone("oPays")
    wechat.bot_url = f"{urls[0]}/wechat"
    to_the_last_look(phone)
    wechat.bot_url = f"{urls[1]}/wechat"
    phone.tap("确认缴费")
    page = phone.open_link("点这里付款")
    installation.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()
    until(lambda: any(one.pushed and "缴费成功" in one.text for one in phone.inbox), "the payment was never told")
    assert len(installation.rows(ORDER)) == len(installation.rows(LEDGER)) == 1
