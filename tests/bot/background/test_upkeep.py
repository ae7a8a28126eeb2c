"""The routines of the house on a whole bot: the token lives before anybody needs it, the sweeping has its hour."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.background.routines import ROUTINE
from bot.background.upkeep import next_time
from bot.sandbox.faults import Fault
from storage.database import reading
from tests.bot.room import PAYER, Room, placed

ZONE = ZoneInfo("Asia/Shanghai")


def asked(room: Room) -> int:
    """How often WeChat was asked for a token."""
    return room.sandbox.wechat.tokens.requests


def test_no_push_of_a_whole_day_asks_for_a_token(room: Room) -> None:
    room.app.routines.run_due()
    [renewal] = (one for one in room.app.routines.routines if one.name == "token renewal")
    for _ in range(24 * 20):
        room.sandbox.clock.move(180)
        room.app.routines.run_if_due(renewal)
        before = asked(room)
        room.app.account.menu()
        assert asked(room) == before
    assert asked(room) <= 14  # a token lives for two hours


def test_where_the_background_work_is_off_a_push_finds_its_token_itself(room: Room) -> None:
    room.app.account.menu()
    room.sandbox.clock.move(7200 - 100)
    room.app.account.menu()
    assert asked(room) == 2


def test_an_account_that_does_not_answer_stops_no_order_and_is_named(room: Room) -> None:
    room.fault("wechat.token", Fault.DROP_BEFORE, times=None)
    room.app.routines.run_due()
    with reading(room.app.engine) as connection:
        rows = {row.name: row for row in connection.execute(ROUTINE.select())}
    assert rows["token renewal"].last_error.startswith("AccountUnreachable")
    assert rows["sweeping"].last_error == ""
    placed(room, room.counter.open(PAYER))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-23 03:29:59", "2026-11-23 03:30"),
        ("2026-11-23 03:30:00", "2026-11-24 03:30"),
        ("2026-12-31 23:59:00", "2027-01-01 03:30"),
    ],
)
def test_the_next_time_is_the_bureaus(now: str, then: str) -> None:
    at = next_time(int(datetime.fromisoformat(now).replace(tzinfo=ZONE).timestamp()), time(3, 30), ZONE)
    assert datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d %H:%M") == then
