"""Storage that fails in the midst of booking: nothing is half booked, and the same fact again is booked once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, make_url

from bot.torture.child import fills_up
from bot.torture.redis_server import NoRedis, OwnRedis
from bot.torture.relay import Relay
from storage.database import DatabaseUnavailable, open_database
from storage.orders.columns import LEDGER, NOTICE, PAYMENT
from storage.orders.settling import Settled
from storage.sessions.contract import Claimed, StoreUnavailable
from storage.sessions.on_redis import RedisTurnStore
from tests.storage.counter import Counter, payable

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def wire() -> Iterator[Relay]:
    relay = Relay([("127.0.0.1", 5432)], patience=0.0)
    yield relay
    relay.stop()


@pytest.fixture
def through(wire: Relay, database_url: str) -> Iterator[Engine]:
    """PostgreSQL behind a wire that can be cut."""
    url = make_url(database_url).set(port=wire.port, query={"sslmode": "disable", "gssencmode": "disable"})
    engine = open_database(url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def booked(counter: Counter) -> tuple[int, int, int]:
    return len(counter.rows(PAYMENT)), len(counter.rows(LEDGER)), len(counter.rows(NOTICE))


@on_postgresql
@pytest.mark.parametrize(("side", "again"), [("before", Settled.DONE), ("after", Settled.AGAIN)])
def test_a_connection_cut_in_the_midst_of_a_commit_leaves_all_or_nothing_and_again_is_once(
    wire: Relay, through: Engine, side: str, again: Settled
) -> None:
    counter = Counter.opened(through)
    no = counter.open()
    counter.place(f"{no}-1")
    wire.cut_next_commit(side)
    with pytest.raises(DatabaseUnavailable):
        counter.settle(f"{no}-1")
    assert wire.commits_cut == 1
    assert booked(counter) == ((0, 0, 0) if side == "before" else (1, 1, 1))
    assert counter.settle(f"{no}-1") is again
    assert booked(counter) == (1, 1, 1)


@on_postgresql
def test_a_postgresql_that_restarts_is_unavailable_and_then_there_again(wire: Relay, through: Engine) -> None:
    counter = Counter.opened(through)
    no = counter.open()
    counter.place(f"{no}-1")
    wire.refuse(3600)
    with pytest.raises(DatabaseUnavailable):
        counter.settle(f"{no}-1")
    wire.heal()
    assert counter.settle(f"{no}-1") is Settled.DONE
    assert booked(counter) == (1, 1, 1)


@on_sqlite
def test_a_full_disk_books_nothing_and_once_there_is_room_it_is_booked(database_url: str, tmp_path: Path) -> None:
    full = tmp_path / "full"
    ends = fills_up(full)
    try:
        engine = open_database(database_url)
        counter = Counter.opened(engine)
        numbers = []
        for person in range(40):  # until no page has room for a row
            no = counter.open(f"oPayer{person}", payable(cover_year=2000 + person))
            counter.place(f"{no}-1")
            numbers.append(f"{no}-1")
        full.touch()
        refused = 0
        for number in numbers:
            before = booked(counter)
            try:
                counter.settle(number)
            except DatabaseUnavailable:
                refused += 1
                assert booked(counter) == before
        assert refused
        full.unlink()
        for number in numbers:
            counter.settle(number)
        assert booked(counter) == (40, 40, 40)
        engine.dispose()
    finally:
        ends()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnRedis]:
    try:
        server = OwnRedis(tmp_path)
    except NoRedis as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


def test_a_redis_that_restarts_flushes_or_pauses_forgets_the_talk_and_goes_on(own: OwnRedis) -> None:
    client = redis.Redis.from_url(own.url, socket_timeout=0.5, socket_connect_timeout=0.5)
    store = RedisTurnStore(client)

    def session(message: str) -> bytes | None:
        claim = store.claim("oPayer", message, 1000.0, ticket=message)
        assert isinstance(claim, Claimed)
        assert store.save("oPayer", message, claim.fence, b"talk", b"[]", 1000.0)
        return claim.session

    assert [session("1"), session("2")] == [None, b"talk"]
    own.flush()
    assert [session("3"), session("4")] == [None, b"talk"]
    own.restart()
    assert [session("5"), session("6")] == [None, b"talk"]
    with own.paused(), pytest.raises(StoreUnavailable):
        session("7")
    client.close()
