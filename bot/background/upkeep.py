"""The routines that keep the house: an access token that lives, old rows deleted. Each gives when it is due next."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

import structlog
from sqlalchemy import Engine

from bot.background.routines import Routine
from bot.wechat.official_account import OfficialAccount
from storage.sweeping import sweep_notices

TOKEN_SECONDS = 60  # at the longest: a token that Redis lost is there again before many pushes need it
SWEEP_AT = time(3, 30)  # the bureau's clock: nobody pays, no bill is fetched

LOG = structlog.get_logger("upkeep")


def token_renewal(account: OfficialAccount) -> Routine:
    """Renews the access token in its last minutes, before anybody who pushes has to."""

    def renew(now: int) -> int:
        return min(int(account.renew_token()) + 1, now + TOKEN_SECONDS)

    return Routine("token renewal", renew)


def sweeping(engine: Engine, zone: tzinfo) -> Routine:
    """Deletes old notices every night."""

    def sweep(now: int) -> int:
        deleted = sweep_notices(engine, now)
        if deleted:
            LOG.info("old notices deleted", count=deleted)
        return next_time(now, SWEEP_AT, zone)

    return Routine("sweeping", sweep)


def next_time(now: int, at: time, zone: tzinfo) -> int:
    """The first moment after `now` (unix seconds) at which the bureau's clock shows `at`."""
    here = datetime.fromtimestamp(now, zone)
    today = here.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return int((today if today > here else today + timedelta(days=1)).timestamp())
