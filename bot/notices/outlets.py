"""What a turn has to say after its answer: replies that came too late, and news that stood at the top of one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Engine

from bot.background.worker import Wakeups
from bot.notices.messenger import Messenger
from dialogs.said import Reply
from dialogs.texts import say
from dialogs.world import Unavailable
from storage.database import lock_deadline, writing
from storage.notices import Notice, text_notice, write_notice

AT_ONCE_SECONDS = 1.0  # a late reply is written at once where no other writer keeps the tables locked for longer
TRIES, PAUSE_SECONDS = 60, 2.0  # otherwise by a thread of its own, with the database's own patience for each try

LOG = structlog.get_logger("notices")


@dataclass(frozen=True)
class NewsOutlets:
    """Where turns leave news; the row is the truth, the wake-up only saves time."""

    engine: Engine
    messenger: Messenger
    wakeups: Wakeups
    clock: Callable[[], float]
    _unwritten: deque[Notice] = field(default_factory=deque)
    _one_writer: threading.Lock = field(default_factory=threading.Lock)

    def late(self, openid: str, reply: Reply, message: str) -> None:
        """A reply that came too late becomes a notice."""
        lines = [say("wire.late"), *reply.text]
        notice = text_notice(f"late:{message}", openid, [*lines, *reply.after], reply.options, int(self.clock()))
        if self._unwritten:  # those before it come first
            self._write_later(notice)
            return
        try:
            with lock_deadline(AT_ONCE_SECONDS):
                self._write(notice)
        except Unavailable:
            self._write_later(notice)

    def _write(self, notice: Notice) -> None:
        with writing(self.engine) as connection:
            write_notice(connection, notice)
        self.wakeups.wake()

    def _write_later(self, notice: Notice) -> None:
        """Keep the reply until the database can be written: while an import runs, its lock may take a minute."""
        self._unwritten.append(notice)
        threading.Thread(target=self._write_all, name="late replies", daemon=True).start()

    def flush(self) -> None:
        """Wait until every kept reply is written, or lost after TRIES."""
        self._write_all()

    def _write_all(self) -> None:
        with self._one_writer:
            while self._unwritten:
                self._write_patiently(self._unwritten[0])
                self._unwritten.popleft()

    def _write_patiently(self, notice: Notice) -> None:
        for _ in range(TRIES):
            try:
                self._write(notice)
                return
            except Unavailable:
                time.sleep(PAUSE_SECONDS)
            except Exception as wrong:  # a mistake in one reply keeps none of the others back
                LOG.error("a late reply could not be written and is lost", error=type(wrong).__name__)
                return
        LOG.error("a late reply could not be written and is lost", tries=TRIES)

    def told(self, openid: str, notice_ids: tuple[Any, ...]) -> None:
        """News stood at the top of a reply."""
        self.messenger.told(tuple(int(one) for one in notice_ids))
