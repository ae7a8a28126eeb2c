"""A reply that comes too late is never lost: while the tables are locked it is kept, then it is written."""

from __future__ import annotations

import threading

from dialogs.said import Reply
from dialogs.texts import say
from storage.database import writing
from storage.orders.columns import NOTICE
from tests.bot.room import PAYER, Room


def test_late_replies_wait_for_a_locked_database_and_come_in_their_order(room: Room) -> None:
    wrote = threading.Event()
    outlets = room.news(wrote.set)
    with writing(room.app.engine):
        outlets.late(PAYER, Reply(("系统正忙",)), "first")
        outlets.late(PAYER, Reply(("请再发一次",)), "second")
        assert not wrote.is_set()
    outlets.flush()
    assert [row.reason for row in room.counter.rows(NOTICE)] == ["late:first", "late:second"]
    assert wrote.is_set()
    assert all(say("wire.late") in row.body for row in room.counter.rows(NOTICE))


def test_a_late_reply_is_written_at_once_where_nothing_is_locked(room: Room) -> None:
    outlets = room.news(lambda: None)
    outlets.late(PAYER, Reply(("好的",)), "only")
    assert [row.reason for row in room.counter.rows(NOTICE)] == ["late:only"]
