"""Deletes what is told and over. Never money: orders, attempts, ledger, payments, certificates and consents stay."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Engine, delete, or_, select

from storage.database import writing
from storage.notices import NOTICE, PICTURES

DAY = 86_400
PICTURE_DAYS = 2  # a payment card's code lives 2 hours at the longest, a riddle half an hour
NEWS_DAYS = 400  # a year's campaign and the questions after it
LOOK_BACK_DAYS = 30  # for pictures; what is older goes with the news
AT_ONCE = 500  # rows a transaction: on SQLite nobody else writes meanwhile


def sweep_notices(engine: Engine, now: int) -> int:
    """Delete old notices, and return how many; news that was never told stays for the next word of its citizen.

    `now` in unix seconds. A notice's reason is written once with the fact that causes it, so a deleted one does not
    come back. Raises DatabaseUnavailable; what is deleted until then stays deleted.
    """
    fleeting = or_(NOTICE.c.kind.in_(PICTURES), NOTICE.c.expires_at <= now)
    older = NOTICE.c.made_at <= now - PICTURE_DAYS * DAY
    recent = NOTICE.c.made_at > now - LOOK_BACK_DAYS * DAY
    told = or_(NOTICE.c.delivered_at.is_not(None), fleeting)
    return _delete(engine, fleeting & older & recent) + _delete(
        engine, told & (NOTICE.c.made_at <= now - NEWS_DAYS * DAY)
    )


def _delete(engine: Engine, which: ColumnElement[bool]) -> int:
    deleted = 0
    while True:
        some = select(NOTICE.c.id).where(which).order_by(NOTICE.c.made_at).limit(AT_ONCE)
        with writing(engine) as connection:
            count = connection.execute(delete(NOTICE).where(NOTICE.c.id.in_(some.scalar_subquery()))).rowcount
        deleted += count
        if count < AT_ONCE:
            return deleted
