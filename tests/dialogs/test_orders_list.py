"""我的订单: no two orders read alike, and what goes back is told with when and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialogs.steps.order_words import goes_back, state_word
from dialogs.steps.orders import _labels
from dialogs.terms.insurance import Insurance
from dialogs.texts import say
from dialogs.world import Order, OrderLine, OrderRefund, OrderState

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LINE = OrderLine("key", Insurance.MEDICAL, "王*三", 2027, "10", 40000, "东湖区")
ORDER = Order(
    no="261123AAAAAAAA",
    state=OrderState.CLOSED,
    amount=40000,
    service="pay.medical",
    opened_at=MORNING,
    expires_at=MORNING + timedelta(minutes=30),
    pay_url="",
    family=False,
    lines=(LINE,),
)


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEFGH"), st.sampled_from([0, 0, 1, 1440]), st.sampled_from(list(OrderState))),
        unique_by=lambda one: one[0],
        max_size=8,
    )
)
def test_no_two_orders_read_alike(made: list[tuple[str, int, OrderState]]) -> None:
    orders = [
        replace(ORDER, no=f"261123AAAA{tail * 4}", opened_at=MORNING + timedelta(minutes=after), state=state)
        for tail, after, state in made
    ]
    assert len(set(_labels(orders))) == len(orders)


def test_only_what_reads_alike_is_told_apart() -> None:
    later = replace(ORDER, no="261123AAAABBBB", opened_at=MORNING + timedelta(minutes=5))
    same = replace(ORDER, no="261123AAAACCCC")
    other = replace(ORDER, no="261123AAAADDDD", state=OrderState.PAID)
    plain = say("orders.label", state="已作废", day="11月23日", what="王*三 2027 年医疗保险", amount="400元")
    assert _labels([ORDER, other]) == [plain, plain.replace("已作废", "已缴费")]
    assert _labels([ORDER, later]) == [f"{plain}（09:00）", f"{plain}（09:05）"]
    assert _labels([ORDER, same, later]) == [
        f"{plain}（09:00）（AAAA）",
        f"{plain}（09:00）（CCCC）",
        f"{plain}（09:05）",
    ]


def test_an_order_that_goes_back_in_part_says_so() -> None:
    paid = replace(ORDER, state=OrderState.PAID)
    assert state_word(paid) == "已缴费"
    for line in (replace(LINE, going_back=True), replace(LINE, given_back=True)):
        assert state_word(replace(paid, lines=(LINE, line))) == "部分退款"
    assert state_word(replace(ORDER, state=OrderState.REFUNDED, lines=(LINE,))) == "已退款"


def test_when_and_where_money_goes_back_is_told_for_what_is_on_its_way_and_for_what_is_back() -> None:
    back = OrderRefund(40000, MORNING, "支付用户零钱")
    told = goes_back(replace(ORDER, refunds=(OrderRefund(100, None, ""), back, OrderRefund(200, None, ""))))
    assert told == [
        say("order.going_back", amount="3元"),
        "400元已经原路退回（2026年11月23日），退到了微信零钱。",
    ]
    assert "账单里都能查到" in goes_back(replace(ORDER, refunds=(replace(back, account=""),)))[0]
    assert goes_back(ORDER) == []
