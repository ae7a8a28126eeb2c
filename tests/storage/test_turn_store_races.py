"""Turns asked for at the same time, from several threads and several processes."""

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from storage.sessions.contract import Answered, Claim, Claimed, Full, TurnStore, Waiting
from tests.storage.backends import Backend
from tests.storage.turns import NOW, WHO


def test_twenty_messages_at_once_one_runs_three_wait_in_order_the_others_are_told_it_is_full(backend: Backend) -> None:
    stores = [backend.turn_store() for _ in range(2)]
    together = threading.Barrier(20)

    def ask(n: int) -> tuple[str, Claim]:
        together.wait()
        return f"m{n}", stores[n % 2].claim(WHO, f"m{n}", NOW, ticket=f"t{n}")

    with ThreadPoolExecutor(20) as pool:
        claims = dict(pool.map(ask, range(20)))
    kinds = [type(claim) for claim in claims.values()]
    assert (kinds.count(Claimed), kinds.count(Waiting), kinds.count(Full)) == (1, 3, 16)

    (message,) = (m for m, claim in claims.items() if isinstance(claim, Claimed))
    waiting = [m for m, claim in claims.items() if isinstance(claim, Waiting)]
    claim = claims[message]
    while waiting:
        assert isinstance(claim, Claimed)
        assert stores[0].save(WHO, message, claim.fence, b"s", b"r", NOW)
        asked = {m: stores[1].claim(WHO, m, NOW, ticket=f"t{m[1:]}") for m in waiting}
        (message,) = (m for m, c in asked.items() if isinstance(c, Claimed))
        claim = asked[message]
        waiting.remove(message)


def test_one_message_delivered_ten_times_at_once_runs_once(backend: Backend) -> None:
    stores = [backend.turn_store() for _ in range(2)]
    together, runs = threading.Barrier(10), []

    def deliver(n: int) -> bytes:
        together.wait()
        while True:
            claim = stores[n % 2].claim(WHO, "m1", NOW, ticket=f"t{n}")
            if isinstance(claim, Answered):
                return claim.reply
            if isinstance(claim, Claimed):
                runs.append(n)
                assert stores[n % 2].save(WHO, "m1", claim.fence, b"s", b"reply %d" % n, NOW)

    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(deliver, range(10)))
    assert len(runs) == 1
    assert replies == [b"reply %d" % runs[0]] * 10


def test_two_processes_on_one_store_never_hold_one_openid_at_once(backend: Backend, tmp_path: Path) -> None:
    backend.turn_store().peek("oOne")  # switches a new database file to WAL, which two at once cannot do
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=work, args=(backend, tmp_path, seed)) for seed in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    store = backend.turn_store()
    assert sum(int(store.peek(who) or b"0") for who in ("oOne", "oTwo")) == 2 * TURNS_EACH
    fences = [int(line) for line in (tmp_path / "fences").read_text().splitlines()]
    assert len(set(fences)) == len(fences) == 2 * TURNS_EACH


TURNS_EACH = 120


def work(backend: Backend, folder: Path, seed: int) -> None:
    """Run turns that each add one to the openid's session; a file that must not exist yet proves we are alone."""
    random, store = Random(seed), backend.turn_store()
    for n in range(TURNS_EACH):
        who = random.choice(["oOne", "oTwo"])
        claim = wait_for(store, who, f"m{seed}.{n}")
        alone = os.open(folder / who, os.O_CREAT | os.O_EXCL)  # raises where the other process holds it
        counted = int(claim.session or b"0") + 1
        with open(folder / "fences", "a") as fences:
            fences.write(f"{claim.fence * 10 + (who == 'oOne')}\n")
        os.close(alone)
        os.unlink(folder / who)
        assert store.save(who, f"m{seed}.{n}", claim.fence, b"%d" % counted, b"r", time.time())


def wait_for(store: TurnStore, who: str, message: str) -> Claimed:
    while True:
        claim = store.claim(who, message, time.time(), ticket=message)
        if isinstance(claim, Claimed):
            return claim
