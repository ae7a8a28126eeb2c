"""Which of one's orders: those waiting to be paid, paid, closed, refunded."""

from __future__ import annotations

from dialogs.step import Answer, Ask, End, Knowledge, Known, Option, Step
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Order, OrderState, World


class Orders(Step):
    """我的订单."""

    name = "orders"
    gives = ("order",)
    offers = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        orders = world.cashier.orders(world.payer)
        waiting = [order for order in orders if order.state is OrderState.OPEN]
        if not orders:
            return End(say("orders.none"), [Option(say("orders.services"), go="home")])
        if len(orders) == 1 or (len(waiting) == 1 and orders[0] == waiting[0]):
            return Known({"order": orders[0].no})
        return Ask(say("orders.ask"), [Option(_label(order), value=order.no) for order in orders])


def _label(order: Order) -> str:
    first = order.lines[0]
    return say(
        "orders.label",
        state=say(f"orders.{order.state}"),
        day=f"{order.opened_at.month}月{order.opened_at.day}日",
        name=first.name,
        insurance=say(f"insurance.{first.insurance}_short"),
        year=first.cover_year,
        amount=yuan(order.amount),
    )
