"""What the sweeping may delete: news that was told long ago and pictures nobody needs, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert

from storage import sweeping
from storage.database import reading, writing
from storage.notices import NOTICE
from storage.sweeping import DAY, NEWS_DAYS, PICTURE_DAYS, sweep_notices

NOW = 1_790_000_000
# kind, age in days, delivered, ends (days ago; None: never) -> is it still there
CASES = [
    ("paid", NEWS_DAYS + 1, True, None, False),
    ("paid", NEWS_DAYS - 1, True, None, True),
    ("paid", 5 * NEWS_DAYS, False, None, True),  # never told: it waits for the citizen's next word
    ("refunded", 40, False, None, True),
    ("card", PICTURE_DAYS + 1, False, None, False),
    ("card", PICTURE_DAYS - 1, True, None, True),
    ("captcha", NEWS_DAYS + 1, False, None, False),
    ("late", PICTURE_DAYS + 1, False, 1, False),
    ("late", PICTURE_DAYS + 1, False, -1, True),
]


def keep(engine: Engine, name: str, kind: str, days: int, delivered: bool, ended: int | None) -> None:
    row = {
        "reason": name,
        "openid": "oOne",
        "kind": kind,
        "body": "{}",
        "made_at": NOW - days * DAY,
        "delivered_at": NOW - days * DAY if delivered else None,
        "expires_at": None if ended is None else NOW - ended * DAY,
    }
    with writing(engine) as connection:
        connection.execute(insert(NOTICE).values(row))


def left(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(NOTICE.select().with_only_columns(NOTICE.c.reason)).scalars())


def test_only_what_is_told_and_over_is_deleted(engine: Engine) -> None:
    for case in CASES:
        keep(engine, str(case), *case[:4])
    assert sweep_notices(engine, NOW) == len([case for case in CASES if not case[4]])
    assert left(engine) == {str(case) for case in CASES if case[4]}
    assert sweep_notices(engine, NOW) == 0


def test_many_go_a_few_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 3)
    for number in range(10):
        keep(engine, str(number), "paid", NEWS_DAYS + 1, delivered=True, ended=None)
    assert sweep_notices(engine, NOW) == 10
    assert left(engine) == set()
