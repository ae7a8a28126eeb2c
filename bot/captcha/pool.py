"""Pictures painted and uploaded before anybody is asked for one: asking then costs neither the painting nor the upload.

A picture shows what its draw and the key come to (riddles.py). Whoever takes one takes its row away, in the transaction
that writes the news of it: it is given to one openid once. WeChat forgets pictures after three days.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, insert, select

from bot.background.routines import Routine
from storage.database import reading, table_of, writing
from storage.tables import CaptchaPictureRow

PICTURE = table_of(CaptchaPictureRow)
KEPT = 20  # pictures; whoever finds none waits a second longer
LIFE_SECONDS = 3 * 86400 - 2 * 3600  # WeChat's three days, less what a picture may wait to be sent
LOOK_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A picture that was taken: the draw of its riddle, and WeChat's id."""

    draw: str
    media_id: str


@dataclass(frozen=True)
class PicturePool:
    """Kept full by the worker. `uploaded` paints and uploads what a draw comes to, and gives WeChat's id."""

    engine: Engine
    uploaded: Callable[[str], str]
    kept: int = KEPT

    def fill(self, now: int) -> int:
        """Upload what is missing, throw away what WeChat forgets; when to look again. Raises AccountTrouble."""
        with writing(self.engine) as connection:
            connection.execute(delete(PICTURE).where(PICTURE.c.expires_at <= now))
        with reading(self.engine) as connection:
            there = connection.execute(select(func.count()).select_from(PICTURE)).scalar_one()
        for _ in range(self.kept - there):
            draw = fresh_draw()
            row = {"draw": draw, "media_id": self.uploaded(draw), "expires_at": now + LIFE_SECONDS}
            with writing(self.engine) as connection:
                connection.execute(insert(PICTURE), row)
        return now + LOOK_SECONDS

    @property
    def routine(self) -> Routine:
        """The worker's part."""
        return Routine("captcha pictures", self.fill)


def taken(connection: Connection, now: int) -> Uploaded | None:
    """The picture that has waited longest, nobody else's from now on; None where none is there."""
    query = select(PICTURE).where(PICTURE.c.expires_at > now).order_by(PICTURE.c.expires_at, PICTURE.c.draw).limit(1)
    row = connection.execute(query.with_for_update(skip_locked=True)).first()
    if row is None or not connection.execute(delete(PICTURE).where(PICTURE.c.draw == row.draw)).rowcount:
        return None
    return Uploaded(row.draw, row.media_id)


def fresh_draw() -> str:
    """What a new riddle is told apart by."""
    return secrets.token_hex(8)
