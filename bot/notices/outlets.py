"""What a turn has to say after its answer: replies that came too late, and news that stood at the top of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from bot.background.worker import Wakeups
from bot.notices.messenger import Messenger
from dialogs.said import Reply
from dialogs.texts import say
from storage.database import writing
from storage.notices import text_notice, write_notice


@dataclass(frozen=True)
class NewsOutlets:
    """Where turns leave news; the row is the truth, the wake-up only saves time."""

    engine: Engine
    messenger: Messenger
    wakeups: Wakeups
    clock: Callable[[], float]

    def late(self, openid: str, reply: Reply, message: str) -> None:
        """A reply that came too late becomes a notice."""
        lines = [say("wire.late"), *reply.text]
        notice = text_notice(f"late:{message}", openid, [*lines, *reply.after], reply.options, int(self.clock()))
        with writing(self.engine) as connection:
            write_notice(connection, notice)
        self.wakeups.wake()

    def told(self, openid: str, notice_ids: tuple[Any, ...]) -> None:
        """News stood at the top of a reply."""
        self.messenger.told(tuple(int(one) for one in notice_ids))
