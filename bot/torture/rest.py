"""After the tempest: time goes on until nothing is due any more, and everybody says one more word."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from bot.torture.audit import rows
from bot.torture.ground import Ground
from storage.database import reading
from storage.orders.columns import NOTICE, ORDER

STEP = 300.0  # seconds the clock goes on at once, at least
MOST_STEPS = 60
LONGEST = 120.0  # real seconds
PATIENCE = 40.0  # real seconds in which what is due has to be done
TOLD, SHOWN = "缴费成功", "已缴费"


class NeverQuiet(RuntimeError):
    """Something that is due is not done, though nothing fails any more."""


@dataclass(frozen=True, slots=True)
class Told:
    """How those who paid came to know: by a notice; by 我的订单, where WeChat lost the reply; not at all."""

    by_notice: int
    by_orders: int
    not_told: tuple[str, ...]


def until_quiet(ground: Ground) -> int:
    """Move the clock from due time to due time until nothing is due; the steps taken. Raises NeverQuiet."""
    ends = time.monotonic() + LONGEST
    for step in range(MOST_STEPS):
        _until_done(ground)
        if time.monotonic() > ends:
            break
        due = _next_due(ground)
        if due is None:
            return step
        ground.clock.move(max(STEP, due - ground.clock.now() + 1))
    raise NeverQuiet("things go on falling due without an end")


def next_words(ground: Ground) -> Told:
    """Each who paid says one word more, and looks into 我的订单 where the news did not come."""
    paid: dict[str, int] = {}
    for order in rows(ground.engine, ORDER):
        if order.state == "paid":
            paid[order.payer] = paid.get(order.payer, 0) + 1
    by_notice = by_orders = 0
    not_told = []
    for openid, count in paid.items():
        phone = ground.sandbox.wechat.phone(openid)
        _word(lambda phone=phone: phone.type("你好"))
        if _times(TOLD, (bubble.shown for bubble in phone.inbox)) >= count:
            by_notice += 1
            continue
        before = len(phone.inbox)
        _word(lambda phone=phone: phone.click("my.orders"))
        if any(SHOWN in bubble.shown or "已经缴好了" in bubble.shown for bubble in phone.inbox[before:]):
            by_orders += 1
        else:
            not_told.append(openid)
    return Told(by_notice, by_orders, tuple(not_told))


def _until_done(ground: Ground) -> None:
    ends = time.monotonic() + PATIENCE
    while _due_now(ground):
        if time.monotonic() > ends:
            raise NeverQuiet(f"{_due_now(ground)} orders or notices are due and nobody does them")
        time.sleep(0.1)


def _due_now(ground: Ground) -> int:
    now = int(ground.clock.now())
    return sum(one <= now for one in _due_times(ground))


def _next_due(ground: Ground) -> float | None:
    return min(_due_times(ground), default=None)


def _due_times(ground: Ground) -> list[float]:
    """When orders, notices and callbacks are due and nobody holds a lease; a wrong clock may have leased for long."""
    with reading(ground.engine) as connection:
        orders = connection.execute(select(ORDER.c.due_at, ORDER.c.leased_until).where(ORDER.c.due_at.is_not(None)))
        where = NOTICE.c.due_at.is_not(None) & NOTICE.c.delivered_at.is_(None)
        notices = connection.execute(select(NOTICE.c.due_at, NOTICE.c.leased_until).where(where))
        due = [float(max(row)) for row in (*orders, *notices)]
    return due + [one.due_at for one in ground.sandbox.pay.callbacks.pending()]


def _word(speak: object) -> None:
    assert callable(speak)
    for _ in range(3):
        if speak():
            return
        time.sleep(0.5)


def _times(words: str, texts: Iterable[str]) -> int:
    return sum(text.count(words) for text in texts)
