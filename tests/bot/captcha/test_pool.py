"""Pictures that wait for somebody to be asked: kept full by the worker, each given away once, never a stale one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine

from bot.app import CAPTCHA_KEY
from bot.captcha.pool import LIFE_SECONDS, LOOK_SECONDS, PICTURE, PicturePool, Uploaded, taken
from bot.captcha.riddles import Riddles, signs_of, signs_of_draw
from bot.sandbox.faults import Fault
from bot.wechat.account_errors import AccountUnreachable
from dialogs.world import Guess
from storage.database import writing
from storage.history import StoredHistory
from tests.bot.room import PAYER, Room
from tests.storage.counter import ZONE

NOW = 1_795_406_400


@dataclass
class Uploads:
    """WeChat's side: what was uploaded; `down` from so many on."""

    down_after: int = 10**9
    draws: list[str] = field(default_factory=list)

    def __call__(self, draw: str) -> str:
        if len(self.draws) >= self.down_after:
            raise AccountUnreachable("away")
        self.draws.append(draw)
        return f"media-{draw}"


def take(engine: Engine, now: int = NOW) -> Uploaded | None:
    with writing(engine) as connection:
        return taken(connection, now)


def test_the_worker_fills_the_pool_and_fills_it_up_again(engine: Engine) -> None:
    uploads = Uploads()
    pool = PicturePool(engine, uploads, kept=3)
    assert pool.fill(NOW) == NOW + LOOK_SECONDS
    pool.fill(NOW + 10)
    assert len(uploads.draws) == 3
    assert take(engine) is not None
    pool.fill(NOW + 20)
    assert len(uploads.draws) == 4


def test_each_picture_is_given_away_once_however_many_ask_at_once(engine: Engine) -> None:
    PicturePool(engine, Uploads(), kept=6).fill(NOW)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: take(engine), range(12)))
    given = [one.draw for one in found if one]
    assert len(given) == len(set(given))
    assert 1 <= len(given) <= 6
    while one := take(engine):
        given.append(one.draw)
    assert len(set(given)) == len(given) == 6


def test_a_picture_that_wechat_forgets_is_not_given_and_is_replaced(engine: Engine) -> None:
    uploads = Uploads()
    pool = PicturePool(engine, uploads, kept=2)
    pool.fill(NOW)
    assert take(engine, NOW + LIFE_SECONDS) is None
    pool.fill(NOW + LIFE_SECONDS)
    assert len(uploads.draws) == 4
    fresh = take(engine, NOW + LIFE_SECONDS)
    assert fresh
    assert fresh.draw in uploads.draws[2:]


def test_where_wechat_is_away_what_was_uploaded_is_kept(engine: Engine) -> None:
    pool = PicturePool(engine, Uploads(down_after=2), kept=5)
    with pytest.raises(AccountUnreachable):
        pool.fill(NOW)
    assert [bool(take(engine)) for _ in range(3)] == [True, True, False]


# -- in the room


@pytest.fixture
def riddles(room: Room) -> Riddles:
    clock = room.sandbox.clock.now
    key = room.app.seal.signing_key(CAPTCHA_KEY)
    shared, history = room.app.shared, StoredHistory(room.app.engine, ZONE)
    return Riddles(key, room.app.engine, shared, history, clock, lambda: None)


def fill(room: Room) -> None:
    [routine] = [one for one in room.app.routines.routines if one.name == "captcha pictures"]
    room.app.routines.run_if_due(routine)


def pictures(room: Room) -> list[bytes]:
    shown = [bubble.media_id for bubble in room.phone.inbox if bubble.kind == "image"]
    return [room.sandbox.wechat.media.picture(media_id).content for media_id in shown]


def test_asking_costs_no_upload_and_the_picture_is_that_of_the_riddle(room: Room, riddles: Riddles) -> None:
    fill(room)
    waiting = {row.draw for row in room.counter.rows(PICTURE)}
    room.phone.type("你好")
    room.fault("wechat.upload", Fault.STATUS_500, times=None)
    riddle = riddles.pose(PAYER, picture=True)
    room.work()
    [shown] = pictures(room)
    draw = riddle.rpartition("-")[2]
    assert draw in waiting
    assert draw not in {row.draw for row in room.counter.rows(PICTURE)}
    assert signs_of_draw(draw, riddles.key) == signs_of(riddle, riddles.key)
    assert riddles.guess(riddle, signs_of(riddle, riddles.key)) is Guess.RIGHT
    assert len(shown) > 1000


def test_with_an_empty_pool_the_picture_is_painted_then(room: Room, riddles: Riddles) -> None:
    room.phone.type("你好")
    riddles.pose(PAYER, picture=True)
    room.work()
    assert len(pictures(room)) == 1


def test_a_picture_that_wechat_lost_is_painted_anew(room: Room, riddles: Riddles) -> None:
    fill(room)
    room.phone.type("你好")
    riddles.pose(PAYER, picture=True)
    room.sandbox.wechat.media._pictures.clear()
    room.work()
    assert len(pictures(room)) == 1


def test_two_who_ask_are_shown_two_pictures_and_one_who_asks_twice_too(room: Room, riddles: Riddles) -> None:
    fill(room)
    posed = [riddles.pose(openid, picture=True) for openid in (PAYER, "oOther", PAYER)]
    assert len({riddle.rpartition("-")[2] for riddle in posed}) == 3
