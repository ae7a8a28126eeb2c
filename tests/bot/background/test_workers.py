"""`run.py worker` on Redis and PostgreSQL: as many as wanted, killed, stopped, and cut off from what they stand on."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from sqlalchemy import Engine, Table, text, update

from bot.background.routines import ROUTINE
from bot.sandbox.faults import Fault, Fired
from bot.sandbox.phone import Phone
from dialogs.texts import say
from storage.database import writing
from storage.orders.columns import ATTEMPT, LEDGER, NOTICE, ORDER
from tests.bot.gate import gate_to
from tests.bot.served import Bot, installed, redis_database, sheet_of, to_the_last_look, until
from tests.storage.counter import PEOPLE, ZONE, Counter, payable

PAYER = "oPayer"


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_database() as url:
        yield url


@pytest.fixture
def services(tmp_path: Path, redis_url: str, empty_tables_on_postgresql: str) -> Iterator[Bot]:
    """A bot on Redis and PostgreSQL, configured and seeded, with nothing running."""
    with installed(tmp_path, database=empty_tables_on_postgresql, sessions=redis_url, queue=redis_url) as bot:
        yield bot


@pytest.fixture
def engine(services: Bot) -> Iterator[Engine]:
    engine = services.engine
    yield engine
    engine.dispose()


def worker(bot: Bot) -> subprocess.Popen[str]:
    return bot.ready(bot.run("worker"), "ready worker\n")


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def states(bot: Bot) -> list[str]:
    return [row.state for row in bot.rows(ATTEMPT)]


def make_due(engine: Engine, table: Table = ORDER) -> None:
    """What the passing of a lease would do."""
    with writing(engine) as connection:
        changes = {"leased_until": 0, "due_at": 0}
        connection.execute(update(table).where(table.c.due_at.is_not(None)).values(changes))


def opened(engine: Engine, *who: str) -> Counter:
    """Orders of people who owe, opened just now as turns would."""
    counter, now = Counter.opened(engine), datetime.now(ZONE)
    for one in who:
        counter.open(PAYER, payable(one, last_day=now.date() + timedelta(days=30)), at=now)
    return counter


def calls(bot: Bot) -> list[str]:
    """What is called at the stand-ins from now on."""
    seen: list[str] = []
    take = bot.sandbox.faults.take

    def noted(endpoint: str) -> Fired:
        seen.append(endpoint)
        return take(endpoint)

    bot.sandbox.faults.take = noted  # type: ignore[method-assign]
    return seen


def pay(bot: Bot, phone: Phone) -> None:
    page = phone.open_link("点这里付款")
    assert page.status == 200, page.text
    bot.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()


def is_told(phone: Phone) -> bool:
    return any(bubble.pushed and "缴费成功" in bubble.text for bubble in phone.inbox)


def test_two_workers_place_each_order_once_and_run_each_routine_once(services: Bot, engine: Engine) -> None:
    services.sandbox.wechat.phone(PAYER)
    seen = calls(services)
    services.run("worker")
    services.run("worker")
    for process in services.running:
        services.ready(process, "ready worker\n")
    services.sandbox.faults.put("pay.jsapi", Fault.LATENCY, seconds=0.7)  # long enough to be looked at twice
    opened(engine, *PEOPLE)
    until(lambda: states(services) == ["placed"] * len(PEOPLE), "the orders were not placed")
    until(lambda: len(services.rows(ROUTINE)) > 1, "the routines were not seen")
    until(lambda: all(row.last_ok_at for row in services.rows(ROUTINE)), "a routine did not run")
    assert seen.count("pay.jsapi") == len(PEOPLE)
    assert seen.count("wechat.token") == 1


def test_a_worker_killed_in_the_midst_of_a_duty_is_taken_over_when_its_lease_is_over(
    services: Bot, engine: Engine
) -> None:
    services.sandbox.wechat.phone(PAYER)
    seen = calls(services)
    first = worker(services)
    services.sandbox.faults.put("pay.jsapi", Fault.LATENCY, times=1, seconds=3.0)
    counter = opened(engine, "wang")
    until(lambda: "pay.jsapi" in seen, "WeChat Pay was not asked")
    kill(first)
    (order,) = services.rows(ORDER)
    assert order.leased_until > time.time()
    worker(services)
    time.sleep(1.5)  # a look of the second worker: it leaves alone what another has
    assert services.rows(ORDER) == [order]
    make_due(engine)
    until(lambda: states(services) == ["placed"], "the order was not taken over")
    assert counter.running(order.no).out_trade_no == f"{order.no}-1"
    assert [one.terms.out_trade_no for one in services.sandbox.pay.orders.all()] == [f"{order.no}-1"]


def test_a_worker_that_is_told_to_stop_finishes_its_duty_and_ends_with_0(services: Bot, engine: Engine) -> None:
    services.sandbox.wechat.phone(PAYER)
    seen = calls(services)
    process = worker(services)
    services.sandbox.faults.put("pay.jsapi", Fault.LATENCY, times=1, seconds=2.0)
    opened(engine, "wang")
    until(lambda: "pay.jsapi" in seen, "WeChat Pay was not asked")
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=30)[0], process.returncode) == ("", 0)
    (order,) = services.rows(ORDER)
    assert (states(services), order.leased_until) == (["placed"], 0)


def test_a_routine_that_does_not_end_does_not_keep_a_worker_from_stopping(services: Bot) -> None:
    services.sandbox.faults.put("wechat.token", Fault.LATENCY, seconds=4.0)
    process = worker(services)
    until(lambda: any(row.leased_until for row in services.rows(ROUTINE)), "no routine was begun")
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=30)[0], process.returncode) == ("", 0)


def test_with_redis_flushed_in_the_midst_of_a_payment_nothing_is_lost(services: Bot, redis_url: str) -> None:
    services.serve()
    worker(services)
    phone = services.sandbox.wechat.phone("oFlushed")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    flushed = redis.Redis.from_url(redis_url)
    flushed.flushdb()
    page = phone.open_link("点这里付款")
    flushed.flushdb()
    services.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()  # and its callback never comes
    until(lambda: len(services.rows(LEDGER)) == 1, "the payment was not found by asking")
    flushed.flushdb()
    until(lambda: [row.due_at for row in services.rows(NOTICE) if row.kind == "paid"] == [None], "the news is stuck")
    assert not is_told(phone)  # that the citizen had typed is forgotten, so nothing may be pushed
    (bubble,) = phone.type("你好")
    assert "缴费成功" in bubble.text
    assert "养老" in bubble.text


def test_redis_may_be_away_at_start_and_come_later(
    tmp_path: Path, redis_url: str, empty_tables_on_postgresql: str
) -> None:
    where = urlsplit(redis_url)
    with gate_to(where.hostname or "", where.port or 6379) as gate:
        gate.shut()
        through = f"redis://127.0.0.1:{gate.port}{where.path}"
        with installed(tmp_path, database=empty_tables_on_postgresql, sessions=through, queue=through) as bot:
            phone = bot.sandbox.wechat.phone("oEarly")
            bot.serve()
            worker(bot)
            engine = bot.engine
            opened(engine, "wang")
            engine.dispose()
            bot.sandbox.wechat.phone(PAYER)
            until(lambda: states(bot) == ["placed"], "an order needs no Redis")
            (bubble,) = phone.type("你好")
            assert bubble.text == say("wire.unavailable")
            gate.open()
            to_the_last_look(phone)
            phone.tap("确认缴费")
            bot.sandbox.pay.start_delivering()
            pay(bot, phone)
            until(lambda: is_told(phone), "nobody was told after Redis had come")


def test_a_redis_that_does_not_answer_keeps_no_worker_from_its_duties_or_its_end(
    tmp_path: Path, redis_url: str, empty_tables_on_postgresql: str
) -> None:
    where = urlsplit(redis_url)
    with gate_to(where.hostname or "", where.port or 6379) as gate:
        through = f"redis://127.0.0.1:{gate.port}{where.path}"
        with installed(tmp_path, database=empty_tables_on_postgresql, sessions=through, queue=through) as bot:
            bot.sandbox.wechat.phone(PAYER)
            process = worker(bot)
            gate.held.set()
            engine = bot.engine
            opened(engine, "wang")
            engine.dispose()
            until(lambda: states(bot) == ["placed"], "an order needs no Redis")
            process.send_signal(signal.SIGTERM)
            assert (process.communicate(timeout=30)[0], process.returncode) == ("", 0)


def test_with_its_connections_to_postgresql_cut_a_worker_goes_on_where_it_was(
    services: Bot, engine: Engine, postgresql_server: Engine
) -> None:
    services.sandbox.wechat.phone(PAYER)
    seen = calls(services)
    process = worker(services)
    services.sandbox.faults.put("pay.jsapi", Fault.LATENCY, times=1, seconds=1.0)
    counter = opened(engine, "wang", "li")
    until(lambda: "pay.jsapi" in seen, "WeChat Pay was not asked")
    cut(postgresql_server, str(engine.url.database))
    make_due(engine)
    until(lambda: states(services) == ["placed", "placed"], "the orders were not gone on with")
    assert {row.out_trade_no for row in counter.rows(ATTEMPT)} == {f"{row.no}-1" for row in counter.rows(ORDER)}
    assert len(services.sandbox.pay.orders.all()) == 2
    assert process.poll() is None


def cut(server: Engine, database: str) -> None:
    """Every connection to this database, of whomever, as a restarted server would."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    with server.connect() as connection:
        connection.execute(text(ends), {"name": database})
