"""The code does in every state of the model what the model says, transition by transition, and nothing besides."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from storage.database import open_database, table_of, writing
from storage.orders.opening import Opener
from storage.orders.settling import Settled, Settler
from storage.tables import PersonRow
from tests.model.books import TRANSACTIONS
from tests.model.explore import explore
from tests.model.read_back import PAYABLES, bits, ours
from tests.model.real import NOW, Store, do, forged
from tests.model.state import Around, Order
from tests.model.steps import Bounds
from tests.storage.counter import APP_ID, MCH_ID, NOON, PEOPLE, ZONE

BOUNDS = Bounds((3,), attempts=2, banks=3, day_ends=True, stuck_refunds=True, flying_calls=True)
ALL = (0, 1, 2, 3)
PARTS = 4  # so that they can run beside each other
SAID = ("placed", "closed", "settled", "refunded")  # what WeChat Pay says, and may say twice


@cache
def states() -> list[tuple[Order, Around]]:
    """Every order the model reaches, as our tables hold it, with everything that may stand around it."""
    found = explore(BOUNDS, lambda _: iter(()), lambda *_: iter(()))
    orders = sorted({ours(world.orders[0]) for world in found.came_from if world.orders[0]})
    return [(order, around) for order in orders for around in _around(order)]


def _around(order: Order) -> Iterator[Around]:
    for paid in ALL:
        for held in ALL:
            if not (paid & held or paid & order.kept or held & (order.holds | order.kept)):
                yield Around(paid, held)


@pytest.fixture
def store(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(migrated_file, tmp_path / "model.db")
    engine = open_database(f"sqlite:///{tmp_path}/model.db")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF").close())
    with writing(engine) as connection:
        people = [{"key": key, "id_type": "201", "number": "sealed", "name": "sealed"} for key in PEOPLE]
        connection.execute(insert(table_of(PersonRow)), people)
    connection = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").connect()
    outer = connection.begin()
    yield Store(connection, Settler(engine, ZONE, MCH_ID, APP_ID))
    outer.rollback()
    connection.close()
    engine.dispose()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_transition_of_the_code_is_the_models(store: Store, part: int) -> None:
    compared = 0
    for order, around in states()[part::PARTS]:
        for reason in ("expired", "cancelled") if order.state == "closing" else ("expired",):
            with store.undone():
                store.put(order, around, reason)
                assert store.books().order() == order
                compared += _compare(store, order, around, reason)
    print(f"{compared} transitions compared")
    assert compared > 2000


def _compare(store: Store, order: Order, around: Around, reason: str) -> int:
    others, count = store.books().others(), 0
    for name, transaction in TRANSACTIONS.items():
        places = range(1) if name in ("closing", "switched", "anew") else range(len(order.attempts))
        for place in places:
            for late in (False, True) if name == "settled" else (False,):
                model = _late(order, place) if late else order
                after, news = transaction(model, place, around)
                expected = tuple(sorted(one for one in news if one != "closed" or reason != "cancelled"))
                with store.undone():
                    do(store, name, place, order, late)
                    what = f"{name} of attempt {place} ({'late, ' if late else ''}{reason}) on {order} in {around}"
                    books = store.books()
                    assert books.order() == ours(after), what
                    assert books.news() == expected, what
                    assert books.others() == others, what
                    if name in SAID:
                        do(store, name, place, order, late)
                        assert store.books() == books, f"twice: {what}"
                count += 1
    return count


def _late(order: Order, place: int) -> Order:
    attempts = list(order.attempts)
    attempts[place] = attempts[place]._replace(late=True)
    return order._replace(attempts=tuple(attempts))


def test_what_wechat_pay_never_said_changes_nothing(store: Store) -> None:
    """I5: an altered callback is a discrepancy for a person in whatever state it comes."""
    for order in dict.fromkeys(order for order, _ in states()):
        around = Around()
        with store.undone():
            store.put(order, around, "expired")
            before = store.books()
            for told in forged(order):
                assert store.settler._settle(store.connection, told, NOW) is Settled.DISCREPANCY
            assert store.books() == before, f"forged on {order} in {around}"


def test_an_order_is_opened_only_for_what_is_free(store: Store) -> None:
    """I1, I4: what is paid, or held by another, cannot be ordered by anybody; the same payer gets the same order."""
    opener = Opener(store.settler.engine, ZONE, "jsapi", 30)
    alike = {(order.state, order.holds, order.kept, around): order for order, around in states()}
    for (*_, around), order in alike.items():
        with store.undone():
            store.put(order, around, "expired")
            for basket in (1, 2, 3):
                payables = [PAYABLES[bit] for bit in bits(basket)]
                names = {one.insured: "王*" for one in payables}
                for payer in ("oOurs", "oThird"):
                    with store.undone():
                        opened = opener._open(store.connection, payer, "pay.pension", payables, names, NOON)
                    what = f"{payer} wants {basket} with {order} in {around}"
                    assert opened.paid == bool(basket & (around.paid | order.kept)), what
                    held = bool(basket & (around.held | order.holds)) and not opened.paid
                    same = payer == "oOurs" and order.state == "open" and basket == order.basket
                    same = same and not basket & around.held and not opened.paid
                    assert (opened.order_no == "O1") == same, what
                    assert bool(opened.held_by) == (held and not same), what
