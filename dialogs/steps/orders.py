"""Which of one's orders: those waiting to be paid, paid, closed, refunded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dialogs.step import Answer, Ask, End, Knowledge, Known, Option, Step
from dialogs.steps.order_words import state_word, what
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Order, World


class Orders(Step):
    """我的订单."""

    name = "orders"
    gives = ("order",)
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        orders = world.cashier.orders(world.payer)
        if not orders:
            return End(say("orders.none"), [Option(say("orders.services"), go="home")])
        if len(orders) == 1:
            return Known({"order": orders[0].no})
        return Ask(say("orders.ask"), list(map(Option, _labels(orders), [order.no for order in orders])))


def _labels(orders: Sequence[Order]) -> Sequence[str]:
    """A label for each order; where two would read alike, with the time it was opened, then with its number's end."""
    labels = [_label(order) for order in orders]
    for tell_apart in (lambda order: f"{order.opened_at:%H:%M}", lambda order: order.no[-4:]):
        alike = Counter(labels)
        labels = [
            label if alike[label] == 1 else say("orders.label_more", label=label, more=tell_apart(order))
            for label, order in zip(labels, orders, strict=True)
        ]
    return labels


def _label(order: Order) -> str:
    return say(
        "orders.label",
        state=state_word(order),
        day=f"{order.opened_at.month}月{order.opened_at.day}日",
        what=what(order),
        amount=yuan(order.amount),
    )
