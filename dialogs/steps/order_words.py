"""An order in words: what it is for in short, and its lines where there are several."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.steps.owed import day_of
from dialogs.terms.insurance import PayKind
from dialogs.terms.money import yuan
from dialogs.texts import say
from dialogs.world import Order, OrderLine, OrderState

PAYERS = "支付用户"  # what WeChat Pay calls the payer


def what(order: Order) -> str:
    """李*二 2027 年医疗保险; of several lines: 2 个人 3 项."""
    if len(order.lines) == 1:
        return _short(order.lines[0])
    return say("order.several", people=len({one.insured or one.name for one in order.lines}), count=len(order.lines))


def listed(order: Order) -> Sequence[str]:
    """A line of text for each of several lines; none where there is one."""
    return each(order) if len(order.lines) > 1 else []


def each(order: Order) -> Sequence[str]:
    """A line of text for each line."""
    return [_listed(one) for one in order.lines]


def goes_back(order: Order) -> Sequence[str]:
    """When and where the money of an order goes back, a line for what is on its way and one for each that is back."""
    going = sum(one.amount for one in order.refunds if one.back_at is None)
    lines = [say("order.going_back", amount=yuan(going))] if going else []
    for one in order.refunds:
        if one.back_at:
            where = say("order.account", account=account_words(one.account)) if one.account else say("order.somewhere")
            lines.append(say("order.back", amount=yuan(one.amount), day=day_of(one.back_at.date()), where=where))
    return lines


def account_words(account: str) -> str:
    """Where money went, in WeChat Pay's words but for 支付用户零钱: whose is said by 原路."""
    if account.startswith(PAYERS):
        return say("order.wechat", what=account.removeprefix(PAYERS))
    return account


def state_word(order: Order) -> str:
    """待付款, 已缴费, 部分退款 and so on."""
    partly = order.state is OrderState.PAID and any(one.given_back or one.going_back for one in order.lines)
    return say("orders.partly" if partly else f"orders.{order.state}")


def _listed(one: OrderLine) -> str:
    key = "order.line_going_back" if one.going_back else "order.line_back" if one.given_back else "order.line"
    return say(key, what=_short(one), amount=yuan(one.amount))


def _short(one: OrderLine) -> str:
    what = say("order.one", name=one.name, year=one.cover_year, insurance=say(f"insurance.{one.insurance}_short"))
    if one.pay_kind == PayKind.NORMAL:
        return what
    return say("order.one_kind", what=what, kind=say(f"payments.kind_{one.pay_kind}"))
