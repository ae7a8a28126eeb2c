"""A bank that was quicker, money that goes back, and 对账: all that these tests paid against WeChat Pay's bills.

The last file, on purpose: it goes on to the next morning, with everything the other tests have paid.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from tests.elsewhere.bills import Row
from tests.elsewhere.ground import BEIJING
from tests.elsewhere.handset import Handset
from tests.elsewhere.ledger import Order, Refund
from tests.elsewhere.town import Town
from tests.elsewhere.ways import paid_at_a_bank, to_the_family_order, to_the_order, told_on_top


def test_what_a_bank_took_meanwhile_goes_back_and_the_books_agree(town: Town) -> None:
    good, twice, late, family = (town.phone() for _ in range(4))
    someone, another = town.person(), town.person()
    to_the_order(good, town.person())
    to_the_order(twice, someone)
    to_the_order(late, another)
    people = to_the_family_order(town, family)
    family.tap("确认缴费")
    paid_at_a_bank(town, (someone, "H1"), (another, "H2"), (people[1], "H3"))

    paid = good.pay()
    good.push(saying="缴费成功")
    back, later = twice.pay(), late.pay()
    for phone in (twice, late):
        assert "原路退回" in phone.push(saying="400").text
    partly = family.pay()
    told = family.push(saying="缴费成功").text
    assert [person.masked in told for person in people] == [True, False, True]
    assert people[1].masked in family.push(saying="没有用上").text

    refunds = [refund_of(town, order) for order in (back, partly, later)]
    assert [(one.amount, one.status) for one in refunds] == [(40000, "PROCESSING")] * 3
    for phone, order in ((twice, back), (family, partly)):
        town.merchant.finish_refund(order)
        assert "400元已经原路退回，退到了微信零钱" in phone.push(saying="已经原路退回").text
    town.merchant.callbacks.settle_down()
    sent = {one.number: (one.event, one.status) for one in town.merchant.callbacks.sent}
    assert [sent.get(one.out_refund_no) for one in refunds] == [("REFUND.SUCCESS", 204)] * 2 + [None]

    the_books_agree(town)
    if not town.on_services:
        an_altered_bill_is_found(town, paid, back)
    told_two_days_later(town, late, later)


def the_books_agree(town: Town) -> None:
    """The next morning the bot fetches the bills by itself, and every row has its fellow in the books."""
    paid = [one.paid.date() for one in town.merchant.orders.values() if one.paid]
    back = [gone.done.date() for one in town.merchant.orders.values() for gone in one.refunds if gone.done]
    day = max(paid)
    rows = paid.count(day) + back.count(day)
    morning = datetime.combine(day + timedelta(days=1), time(10, 30), BEIJING)
    town.clock.move(morning.timestamp() - town.clock.now())
    told = town.bell.until(lambda: town.logged("reconciled", day=str(day)), "the bills are fetched")
    assert (told["rows"], told["matched"], told["open"]) == (rows, rows, 0)


def an_altered_bill_is_found(town: Town, paid: Order, back: Order) -> None:
    """An operator does it again: `paid` is now of another amount in the bill, the refund of `back` is not in it."""
    assert paid.paid

    def altered(rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if row[9] == "SUCCESS" or row[6] != back.no]
        return [[*row[:24], "399.00", *row[25:]] if row[6] == paid.no else row for row in kept]

    town.merchant.bills.alter = altered
    code, said = town.command("reconcile", str(paid.paid.date()), "--out", str(town.folder / "report.csv"))
    assert code == 1, said
    report = (town.folder / "report.csv").read_text("utf-8")
    found = [one.no for one in town.merchant.orders.values() if one.no in report]
    assert sorted(found) == sorted([paid.no, back.no]), report


def told_two_days_later(town: Town, phone: Handset, order: Order) -> None:
    """WeChat allows no push any more, and the bot tries none: the account would call it a violation."""
    town.clock.move(timedelta(hours=49).total_seconds())
    town.merchant.finish_refund(order)
    assert "已经原路退回" in phone.push("template").text
    assert "message/custom/send" not in town.account.asked_for(phone.openid)[-1:]
    assert "退到了微信零钱" in told_on_top(phone, "400元已经原路退回")


def refund_of(town: Town, order: Order) -> Refund:
    """The refund that the bot asks for by itself."""
    town.bell.until(lambda: order.refunds, "the refund is asked for")
    [refund] = order.refunds
    return refund
