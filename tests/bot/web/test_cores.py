"""Each worker process on a core of its own, also after one of them ended and another took its place."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bot.web.cores import OwnCores, cores_for

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux tells which cores there are")


def work(cores: OwnCores, line: Connection) -> None:
    line.send((cores.take(), os.sched_getaffinity(0)))
    line.recv()


class Worker:
    def __init__(self, cores: OwnCores) -> None:
        context = multiprocessing.get_context("fork")
        self._line, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(cores, theirs), daemon=True)
        self.process.start()
        self.core, self.allowed = self._line.recv()

    def die(self) -> None:
        self.process.kill()
        self.process.join()


def test_as_many_workers_as_cores_have_one_each_and_whoever_follows_a_dead_one_has_its(tmp_path: Path) -> None:
    file = tmp_path / "cores"
    file.touch()
    cores = sorted(os.sched_getaffinity(0))
    own = OwnCores(cores_for(len(cores)), file)
    workers = [Worker(own) for _ in cores]
    assert sorted(worker.core for worker in workers) == cores
    assert all(worker.allowed == {worker.core} for worker in workers)
    one_more = Worker(own)
    assert (one_more.core, one_more.allowed) == (None, set(cores))
    workers[0].die()
    assert Worker(own).core == workers[0].core


def test_with_other_numbers_the_kernel_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {4, 2, 7})
    assert [cores_for(workers) for workers in (1, 2, 3, 4, 6)] == [(), (), (2, 4, 7), (), (2, 4, 7, 2, 4, 7)]
    assert OwnCores((), tmp_path / "none").take() is None
