"""`run.py`, for a process under torture: the same program, with the shared clock and the fault points laid over it.

`python -m bot.torture.child ARGUMENTS` runs `run.py ARGUMENTS`. The environment says what is laid over:
TORTURE_CLOCK (file of the shared clock), TORTURE_SKEW (seconds this process's clock is wrong), TORTURE_DIE
("POINT N": SIGKILL at the N-th time that point is reached; `*` stands for any point), TORTURE_DISK (a file: while it
exists, SQLite finds the disk full), TORTURE_BREAK (a mistake of `sabotage.MISTAKES` that the audit has to find).
"""

from __future__ import annotations

import fnmatch
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

import bot.app
from bot.torture import edges, sabotage
from bot.torture.clock import SharedClock

PLENTY = 2**30  # pages


class Death:
    """Kills this process, as `kill -9` does, when a point is reached for the n-th time."""

    def __init__(self, pattern: str, times: int) -> None:
        self._pattern = pattern
        self._left = times
        self._lock = threading.Lock()

    def reached(self, point: str) -> None:
        """A point: perhaps the last one."""
        if not fnmatch.fnmatchcase(point, self._pattern):
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Lay everything over the bot, then be `run.py`."""
    environment = os.environ
    clock = SharedClock(Path(environment["TORTURE_CLOCK"]), float(environment.get("TORTURE_SKEW", "0")))
    defaults = bot.app.build.__kwdefaults__
    assert defaults is not None
    defaults["clock"] = clock.now
    if die := environment.get("TORTURE_DIE"):
        pattern, _, times = die.rpartition(" ")
        edges.install(Death(pattern, int(times)).reached)
    if disk := environment.get("TORTURE_DISK"):
        fills_up(Path(disk))
    if mistake := environment.get("TORTURE_BREAK"):
        sabotage.commit(mistake)
    from bot.commands import app

    app()


def fills_up(while_exists: Path) -> Callable[[], None]:
    """While this file exists, SQLite may not grow any database: it says what it says of a full disk (SQLITE_FULL).

    Of connections checked out from then on; what is returned ends this.
    """
    limited: set[int] = set()

    def checkout(connection: Any, record: Any, _proxy: object) -> None:
        full = while_exists.exists()
        if full == (id(record) in limited) or "sqlite" not in type(connection).__module__:
            return
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else PLENTY
        connection.execute(f"PRAGMA max_page_count={pages}").fetchone()
        (limited.add if full else limited.discard)(id(record))

    event.listen(Pool, "checkout", checkout)
    return lambda: event.remove(Pool, "checkout", checkout)


if __name__ == "__main__":
    main()
