"""Few threads do the turns; one that waits keeps nobody else waiting, and closing finishes what was given."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bot.turns.threads import FEW, TurnThreads

SECONDS = 30.0  # more than anything here takes; nothing waits for it to pass


@pytest.fixture
def threads() -> Iterator[TurnThreads]:
    made = TurnThreads(most=4)
    yield made
    made.close()


def test_work_is_done_by_few_threads(threads: TurnThreads) -> None:
    done: list[str] = []
    over = threading.Event()
    for _ in range(99):
        threads.begin(lambda: done.append(threading.current_thread().name))
    threads.begin(over.set)
    assert over.wait(SECONDS)
    assert set(done) <= {f"turn {nth}" for nth in range(FEW)}


def test_what_cannot_begin_because_the_few_are_held_up_is_hurried_and_done_once(threads: TurnThreads) -> None:
    go, held = threading.Event(), threading.Semaphore(0)
    ran: list[str] = []
    over = threading.Event()

    def hold() -> None:
        held.release()
        assert go.wait(SECONDS)

    def work() -> None:
        ran.append(threading.current_thread().name)
        over.set()

    holding = [threads.begin(hold) for _ in range(FEW)]
    assert all(held.acquire(timeout=SECONDS) for _ in holding)
    task = threads.begin(work)
    assert not task.begun
    threads.hurry(task)
    assert over.wait(SECONDS)
    threads.hurry(task)
    go.set()
    threads.close()
    assert len(ran) == 1
    assert ran[0].startswith("waiting turn")
    assert task.begun


def test_closing_finishes_what_was_given_and_what_that_leads_to(threads: TurnThreads) -> None:
    done: list[int] = []
    for number in range(20):
        threads.begin(lambda number=number: threads.wait(lambda: done.append(number)))  # type: ignore[misc]
    threads.close()
    threads.wait(lambda: done.append(20))
    assert sorted(done) == list(range(21))
    with pytest.raises(RuntimeError):
        threads.begin(lambda: None)
