"""The order: pay it, have it paid by another phone, or give it up. It stands until it is paid, closed or expired."""

from __future__ import annotations

import re
from math import ceil

from dialogs.choices import plain
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Go, Knowledge, Option, Step, Wrong
from dialogs.steps.order_words import goes_back, listed, what
from dialogs.steps.owed import clock_time, day_of
from dialogs.steps.paid_for import keeping
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Cancelling, Order, OrderState, World

PAID_WORDS = ("付了", "付好", "付完", "付过", "已付", "缴了", "缴好", "交了", "交好", "扣了", "扣款")

FAILED_WORDS = (
    "付不了",
    "付不成",
    "付不上",
    "付不出",
    "没法付",
    "不能付",
    "打不开",
    "支付失败",
    "付款失败",
    "没付成",
    "没有付成",
)

SECRETS = re.compile(r"密码|验证码|(?<!\d)(?:\d{4}|\d{6}|\d{13,19})(?!\d)")  # codes, passwords, card numbers


class Checkout(Step):
    """缴费单."""

    name = "checkout"
    needs = ("order",)
    acts = ("family", "own", "cancel", "renew")
    final = True
    own_words = (*PAID_WORDS, *FAILED_WORDS)

    def ask(self, known: Knowledge, world: World) -> Answer:
        order = world.cashier.order(world.payer, str(known["order"]))
        if order is None:
            return End(say("checkout.unknown"))
        if order.state is OrderState.OPEN and world.clock.now() < order.expires_at:
            return _waiting(known, order, world)
        if order.state is OrderState.OPEN:
            return _expired(known, order, world)
        return _over(known, order, world)

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """Whatever is said while an order stands: its state first; who says it is paid is not made to wait."""
        order = world.cashier.order(world.payer, str(known["order"]))
        words = plain(said.text)
        paid = "不" not in words and any(word in words for word in PAID_WORDS)
        if order and order.state is OrderState.OPEN and paid:
            order = world.cashier.check(world.payer, order.no)
            if order and order.state is OrderState.OPEN:
                return Wrong(say("checkout.not_yet_paid"))
        if order is None or order.state is not OrderState.OPEN or world.clock.now() >= order.expires_at:
            return self.ask(known, world)
        if any(word in words for word in FAILED_WORDS):
            return self.on_family(known, world) if order.family else _renewed(order, world)
        if SECRETS.search(words):
            return Wrong(say("checkout.secret"))
        return Wrong(say("checkout.wrong"))

    def on_family(self, known: Knowledge, world: World) -> Answer:
        """A payment card for another phone's camera."""
        order = world.cashier.ask_card(world.payer, str(known["order"]))
        if order is None and world.cashier.order(world.payer, str(known["order"])):
            return Wrong(say("checkout.enough"))
        if order is None or order.state is not OrderState.OPEN or world.clock.now() >= order.expires_at:
            return self.ask(known, world)
        return _card(order)

    def on_own(self, known: Knowledge, world: World) -> Answer:
        """Back to one's own phone."""
        world.cashier.ask_link(world.payer, str(known["order"]))
        return self.ask(known, world)

    def on_cancel(self, known: Knowledge, world: World) -> Answer:
        """Give it up: closed at WeChat Pay first, so that it cannot be paid afterwards."""
        order = world.cashier.order(world.payer, str(known["order"]))
        outcome = world.cashier.cancel(world.payer, str(known["order"]))
        if order is None or outcome is Cancelling.UNKNOWN:
            return End(say("checkout.unknown"))
        if outcome is Cancelling.PAID:
            return self.ask(known, world)
        if outcome is Cancelling.CLOSING:
            return End(say("checkout.closing"))
        return End(say("checkout.cancelled", service=say(f"service.{order.service}")))

    def on_renew(self, known: Knowledge, world: World) -> Answer:
        """A new order in place of an expired one: looked over and confirmed anew."""
        return Go("", {name: value for name, value in known.items() if name != "order"})


def _waiting(known: Knowledge, order: Order, world: World) -> Ask:
    """An order to be paid: just opened by these answers, or found again among one's orders: then whose it is."""
    ask = _card(order) if order.family else _link(order, world)
    if _answered(known) and not order.family:
        return ask
    text = say("checkout.found", what=what(order), amount=yuan(order.amount), time=clock_time(order.expires_at))
    return Ask("\n".join([text, *listed(order)]), ask.options, ask.after, ask.again)


def _answered(known: Knowledge) -> bool:
    """Whether the order was opened by the answers of this conversation: of one insured, or of a family."""
    return "insured" in known or "members" in known


def _link(order: Order, world: World) -> Ask:
    minutes = ceil((order.expires_at - world.clock.now()).total_seconds() / 60)
    text = say("checkout.ask", amount=yuan(order.amount), minutes=minutes)
    options = [
        Option(say("checkout.pay"), url=order.pay_url, numbered=False, also=("付款", "去付款", "支付", "付钱")),
        Option(say("checkout.family"), act="family", numbered=False, also=("扫码", "家人付", "请家人付")),
        _give_up(),
    ]
    return Ask(text, options, after=say("checkout.safe"), again=_again(order))


def _renewed(order: Order, world: World) -> Answer:
    """WeChat's cashier failed: the link leads to a new attempt from now on. What had been paid after all is told."""
    after = world.cashier.ask_new_link(world.payer, order.no)
    if after is None:
        return Wrong(say("checkout.enough"))
    ask = _link(after, world)
    return Ask(say("checkout.new_link", amount=yuan(after.amount)), ask.options, ask.after, ask.again)


def _card(order: Order) -> Ask:
    options = [
        Option(say("checkout.card_again"), act="family", numbered=False, also=("再发一次", "没收到")),
        Option(say("checkout.own"), act="own", numbered=False, also=("自己付", "我自己付")),
        _give_up(),
    ]
    text = say("checkout.card", amount=yuan(order.amount), time=clock_time(order.expires_at))
    return Ask(text, options, again=_again(order))


def _give_up() -> Option:
    return Option(say("checkout.cancel"), act="cancel", numbered=False, also=("不交了", "取消", "不要了"))


def _again(order: Order) -> str:
    return say("checkout.again", amount=yuan(order.amount), time=clock_time(order.expires_at))


def _expired(known: Knowledge, order: Order, world: World) -> Answer:
    """Past its time and not yet closed: WeChat Pay is asked to close it before anything is said of the money."""
    outcome = world.cashier.cancel(world.payer, order.no)
    if outcome is Cancelling.CLOSED:
        return _renewal(known, order, say("checkout.expired"))
    after = world.cashier.order(world.payer, order.no)
    return _over(known, after, world) if after else End(say("checkout.unknown"))


def _over(known: Knowledge, order: Order, world: World) -> Answer:
    details = [] if _answered(known) else [_details(order)]
    if order.state is OrderState.PAID:
        day = day_of((order.paid_at or order.opened_at).date())
        text = say("checkout.paid", what=what(order), amount=yuan(order.amount), day=day)
        certificate = Option(say("notice.certificate"), go="query.certificate", numbered=False)
        options = [certificate, *keeping([order], world), *details]
        return End("\n".join([text, *listed(order), *goes_back(order)]), options)
    if order.state is OrderState.CLOSED:
        return _renewal(known, order, say("checkout.closed"))
    if order.state in (OrderState.REFUNDING, OrderState.REFUNDED):
        text = say(f"checkout.{order.state}", what=what(order), amount=yuan(order.amount))
        again = [Option(say("checkout.renew"), go=order.service, numbered=False)]
        options = again * (order.state is OrderState.REFUNDED) + details
        return End("\n".join([text, *goes_back(order)]), options)
    return End(say("checkout.closing"), details)


def _details(order: Order) -> Option:
    return Option(say("checkout.details"), value={"order": order.no}, go="my.order", numbered=False)


def _renewal(known: Knowledge, order: Order, text: str) -> Answer:
    """The way to a new order: in the flow that opened it by its answers, elsewhere by its service."""
    if _answered(known):
        return Ask(text, [Option(say("checkout.renew"), act="renew", also=("重新开", "再开一张", "还要缴"))])
    return End(text, [Option(say("checkout.renew"), go=order.service), _details(order)])
