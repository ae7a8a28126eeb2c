"""One order in full: number, times, state, every line with its institution, and what goes back when and where."""

from __future__ import annotations

from datetime import datetime

from dialogs.step import Answer, End, Knowledge, Option, Step
from dialogs.steps.order_words import each, goes_back, state_word
from dialogs.steps.owed import clock_time, day_of
from dialogs.texts import say
from dialogs.world import OrderState, World


class OrderDetail(Step):
    """One order in full; names masked."""

    name = "order_detail"
    needs = ("order",)
    final = True

    def ask(self, known: Knowledge, world: World) -> Answer:
        order = world.cashier.order(world.payer, str(known["order"]))
        if order is None:
            return End(say("checkout.unknown"))
        texts = [say("order_detail.ask", no=order.no, state=state_word(order), opened=_moment(order.opened_at))]
        if order.paid_at:
            texts.append(say("order_detail.paid", paid=_moment(order.paid_at)))
        texts += [
            say("order_detail.line", what=line, institution=one.institution_name)
            for line, one in zip(each(order), order.lines, strict=True)
        ]
        texts += goes_back(order)
        if order.state is OrderState.PAID:
            texts.append(say("order_detail.back"))
        return End("\n".join(texts), [Option(say("order_detail.list"), go="my.orders")])


def _moment(at: datetime) -> str:
    return f"{day_of(at.date())} {clock_time(at)}"
