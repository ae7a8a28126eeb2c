"""What the stores do when Redis forgets its scripts, drops connections, loses answers, or nothing answers at all."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.connection import Connection
from redis.exceptions import ReadOnlyError
from sqlalchemy import create_engine, text

from storage.sessions.contract import TYPED, Answered, Claimed, StoreUnavailable
from storage.sessions.embedded import EmbeddedTurnStore
from storage.sessions.embedded_shared import EmbeddedSharedStore
from storage.sessions.fast_call import FastCall
from storage.sessions.on_redis import RedisTurnStore
from storage.sessions.on_redis_shared import RedisSharedStore
from tests.storage.backends import REDIS_URL, Embedded, OnRedis, on_redis
from tests.storage.turns import NOW, WHO


@pytest.fixture
def server() -> Iterator[OnRedis]:
    with on_redis() as backend:
        yield backend


class FailingConnection(Connection):
    """Executes a command and then fails as often as told, in place of its answer."""

    failures: list[Exception]  # shared by all connections of a client

    def __init__(self, *, failures: list[Exception], **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.failures = failures

    def read_response(self, *args: Any, **settings: Any) -> Any:
        answer = super().read_response(*args, **settings)
        if self.failures:
            raise self.failures.pop()
        return answer


def failing(server: OnRedis) -> tuple[RedisTurnStore, list[Exception]]:
    failures: list[Exception] = []
    pool = redis.ConnectionPool.from_url(REDIS_URL, connection_class=FailingConnection, failures=failures)
    return RedisTurnStore(redis.Redis(connection_pool=pool), prefix=server.prefix), failures


def lost() -> redis.ConnectionError:
    return redis.ConnectionError("the answer was lost")


def test_a_claim_and_a_save_whose_answers_are_lost_are_repeated_and_count_once(server: OnRedis) -> None:
    store, failures = failing(server)
    store.peek(WHO)  # connected
    failures.append(lost())
    claim = store.claim(WHO, "m1", NOW, ticket="mine")
    assert isinstance(claim, Claimed)
    assert claim.fence == int(NOW * 1000), "the first claim stands; no second one was made"
    failures.append(lost())
    assert store.save(WHO, "m1", claim.fence, b"s", b"r", NOW)
    assert store.claim(WHO, "m1", NOW, ticket="retry") == Answered(b"r")
    assert not failures


def test_a_push_whose_answer_is_lost_is_not_counted_twice(server: OnRedis) -> None:
    store, failures = failing(server)
    store.claim(WHO, "m1", NOW, ticket="mine", opens=TYPED)
    store.take_push(WHO, NOW)
    failures.append(lost())
    with pytest.raises(StoreUnavailable):
        store.take_push(WHO, NOW)
    assert [store.take_push(WHO, NOW) for _ in range(4)] == [True, True, True, False]


def test_answers_lost_twice_are_told_as_unavailable(server: OnRedis) -> None:
    store, failures = failing(server)
    store.peek(WHO)
    failures.extend([lost(), lost()])
    with pytest.raises(StoreUnavailable):
        store.claim(WHO, "m1", NOW, ticket="mine")


def test_a_primary_that_became_a_replica_is_left_for_a_new_connection(server: OnRedis) -> None:
    store, failures = failing(server)
    store.claim(WHO, "m1", NOW, ticket="mine", opens=TYPED)
    failures.append(ReadOnlyError("READONLY You can't write against a read only replica."))
    assert store.take_push(WHO, NOW)
    assert not failures


def test_a_restart_of_the_scripts_cache_does_not_disturb(server: OnRedis) -> None:
    store, shared = server.turn_store(), server.shared_store()
    claim = store.claim(WHO, "m1", NOW, ticket="mine", opens=TYPED)
    assert isinstance(claim, Claimed)
    server.client().script_flush()
    assert store.save(WHO, "m1", claim.fence, b"s", b"r", NOW)
    server.client().script_flush()
    assert store.take_push(WHO, NOW)
    assert shared.count("hits", 60.0, NOW) == 1
    assert store.claim(WHO, "m1", NOW, ticket="retry") == Answered(b"r")


def test_a_connection_closed_by_redis_is_opened_anew_also_where_nothing_may_be_repeated(server: OnRedis) -> None:
    client = server.client()
    call = FastCall(client)
    store = RedisTurnStore(client, prefix=server.prefix)
    store._call = call  # so that the test knows the connection
    store.claim(WHO, "m1", NOW, ticket="mine", opens=TYPED)
    client.client_kill_filter(_id=str(call.command("CLIENT", "ID")))
    assert store.take_push(WHO, NOW)
    client.client_kill_filter(_id=str(call.command("CLIENT", "ID")))
    assert isinstance(store.claim(WHO, "m1", NOW, ticket="mine"), Claimed)
    assert [store.take_push(WHO, NOW) for _ in range(5)] == [True, True, True, True, False]


def test_a_redis_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        client = redis.Redis(port=unused.getsockname()[1], socket_timeout=0.2)
        with pytest.raises(StoreUnavailable):
            RedisTurnStore(client).claim(WHO, "m1", NOW, ticket="mine")
        with pytest.raises(StoreUnavailable):
            RedisSharedStore(client).get("token", NOW)


def test_a_redis_that_accepts_and_stays_silent_is_unavailable_after_the_clients_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = redis.Redis(port=silent.getsockname()[1], socket_timeout=0.05)
        with pytest.raises(StoreUnavailable):
            RedisTurnStore(client).claim(WHO, "m1", NOW, ticket="mine")


def test_a_client_that_decodes_is_refused_when_the_store_is_made() -> None:
    with pytest.raises(ValueError, match="decode_responses=False"):
        RedisTurnStore(redis.Redis(decode_responses=True))


def test_a_database_file_locked_by_another_is_unavailable_and_works_again_afterwards(tmp_path: Path) -> None:
    backend = Embedded(tmp_path / "sessions.db")
    backend.turn_store()
    engine = create_engine(f"sqlite:///{backend.path}", connect_args={"timeout": 0.01})
    turns, shared = EmbeddedTurnStore(engine), EmbeddedSharedStore(engine)
    with backend.engine().connect() as other:
        other.execute(text("BEGIN IMMEDIATE"))
        with pytest.raises(StoreUnavailable):
            turns.claim(WHO, "m1", NOW, ticket="mine")
        with pytest.raises(StoreUnavailable):
            shared.lease("renew", "a", 1.0, NOW)
        other.rollback()
    assert isinstance(turns.claim(WHO, "m1", NOW, ticket="mine"), Claimed)


def test_processes_that_start_at_once_on_a_new_file_all_find_their_tables(tmp_path: Path) -> None:
    for n in range(10):
        backend = Embedded(tmp_path / f"{n}.db")
        with backend.engine().connect() as first:
            first.execute(text("SELECT 1"))  # the file is in WAL mode now, which is not what is raced for here
        together = threading.Barrier(4)

        def start(backend: Embedded = backend, together: threading.Barrier = together) -> None:
            store = EmbeddedTurnStore(backend.engine())
            together.wait()
            store.create()
            store.peek(WHO)

        with ThreadPoolExecutor(4) as pool:
            for started in [pool.submit(start) for _ in range(4)]:
                started.result()


def test_rows_of_citizens_long_gone_are_swept_away(tmp_path: Path) -> None:
    backend = Embedded(tmp_path / "sessions.db")
    store, day = backend.turn_store(), 24 * 3600.0
    for n in range(100):
        later = NOW + day * n
        claim = store.claim(f"o{n}", "m", later, ticket="t")
        assert isinstance(claim, Claimed)
        store.save(f"o{n}", "m", claim.fence, b"s", b"r", later)
    with backend.engine().connect() as connection:
        for table in ("session_turns", "session_answers"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1
