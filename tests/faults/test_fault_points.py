"""Killed before and after every outside call and every commit of the payment path: all ends settled or refunded, told.

Each scene is played once undisturbed, noting the points it passes, and then once for each point, dying there: on
embedded storage, or with FAULT_POINTS=services on PostgreSQL and Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from bot.replay.stage import Fresh, Props
from bot.torture.audit import audit, rows
from storage.orders.columns import LEDGER, ORDER
from tests.faults.crashing import crashing_bot
from tests.faults.scenes import SCENES, Scene, citizen_of, waits
from tests.grounds import grounds

ALWAYS = ("commit settling.", "http POST /pay/notify")
BY_TIME = ("commit outlets.", "commit messenger.")  # passed or not as the worker and the turn happen to meet


@dataclass(frozen=True)
class Ended:
    """One line of the table."""

    point: str
    saw: str
    final: str
    wrong: tuple[str, ...]


@pytest.fixture(scope="module")
def ground(props: Props) -> Iterator[Fresh]:
    with grounds(props, "FAULT_POINTS") as fresh:
        yield fresh


def played(props: Props, ground: Fresh, scene: Scene, die_at: str) -> tuple[Ended, list[str]]:
    """The scene with one death, and the points it passed."""
    with crashing_bot(props, ground) as bot:
        citizen = citizen_of(bot)
        bot.arm(die_at)
        scene.does(citizen)
        waits(bot)
        passed = list(dict.fromkeys(bot.reached))
        citizen.until("", lambda: citizen.phone.type("你好"))
        inbox = [bubble.shown for bubble in citizen.phone.inbox]
        orders = rows(bot.app.engine, ORDER)
        ledger = sum(row.amount for row in rows(bot.app.engine, LEDGER))
        wrong = audit(bot.app.engine, bot.sandbox.pay.books())
        if [order.state for order in orders if order.state != "closed"] != [scene.ends] * (scene.ends != "closed"):
            wrong.append(f"the orders ended {[order.state for order in orders]}")
        if not orders or not any(scene.told in words for words in inbox):
            wrong.append(f"the citizen was not told: {inbox[-3:]}")
        if die_at and not bot.deaths and not die_at.startswith(BY_TIME):
            wrong.append("nobody died there")
        saw = ["WeChat's own failure sentence"] * bool(citizen.phone.toasts)
        saw += [f"said again: {'、'.join(dict.fromkeys(citizen.repeated))}"] * bool(citizen.repeated)
        saw += ["the answer, at WeChat's second try"] * bool(citizen.phone.failures and not saw)
        told = sum(scene.told in words for words in inbox) if scene.told else 0
        final = f"{'、'.join(order.state for order in orders)}, ledger {ledger} fen, told {told} times"
        return Ended(die_at, "; ".join(saw) or "nothing unusual", final, tuple(wrong)), passed


@pytest.fixture(scope="module")
def undisturbed(props: Props, ground: Fresh) -> dict[str, list[str]]:
    """The points each scene passes; one of several scenes is tried in the first, but in each where money is booked."""
    passed: dict[str, list[str]] = {}
    for name, scene in SCENES.items():
        ended, points = played(props, ground, scene, "")
        assert not ended.wrong, (name, ended)
        before = {point for earlier in passed.values() for point in earlier}
        passed[name] = [point for point in points if point not in before or point.startswith(ALWAYS)]
    return passed


@pytest.mark.parametrize("name", SCENES)
def test_killed_at_any_point_the_money_ends_where_it_belongs_and_the_citizen_is_told(
    props: Props,
    ground: Fresh,
    undisturbed: dict[str, list[str]],
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    table = [_tried(props, ground, name, point) for point in undisturbed[name]]
    lines = [f"{one.point:58} {one.saw:60} {one.final}" for one in table]
    record_property("fault points", "\n".join([f"-- {name}: killed at {len(table)} points", *lines]))
    assert {one.point: one.wrong for one in table if one.wrong} == {}


def test_every_edge_of_the_payment_path_has_its_points(undisturbed: dict[str, list[str]]) -> None:
    points = {point for passed in undisturbed.values() for point in passed}
    calls: tuple[str, ...] = ("pay.jsapi", "pay.native", "pay.query", "pay.close", "pay.refund", "pay.refund_query")
    calls += ("wechat.send", "wechat.upload", "wechat.stable_token", "sessions.claim", "sessions.save")
    calls += ("http POST /wechat", "http POST /pay/notify", "http GET /pay/<token>")
    wanted = {f"{call}:{side}" for call in calls for side in ("before", "after")}
    assert wanted - points == set()
    assert sum(point.startswith("commit ") for point in points) >= 30


def _tried(props: Props, ground: Fresh, name: str, point: str) -> Ended:
    try:
        return played(props, ground, SCENES[name], point)[0]
    except AssertionError as never:
        return Ended(point, "", "", (str(never),))
