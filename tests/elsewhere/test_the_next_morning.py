"""对账: everything these tests paid and got back, against the bills of this WeChat Pay. The last file, on purpose."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from tests.elsewhere.bills import Row
from tests.elsewhere.ground import BEIJING
from tests.elsewhere.town import Town
from tests.elsewhere.ways import paid_at_a_bank, to_the_order


def test_bills_and_books_agree_until_a_bill_is_another(town: Town) -> None:
    phone, person, twice = town.phone(), town.person(), town.person()
    to_the_order(phone, person)
    paid = phone.pay()
    phone.push(saying="缴费成功")
    other = town.phone()
    to_the_order(other, twice)
    other.cashier()
    paid_at_a_bank(town, (twice, f"H{town.index_of(twice)}"))
    back = other.pay()
    town.bell.until(lambda: back.refunds, "the refund is asked for")
    town.merchant.finish_refunds()
    other.push(saying="已经原路退回")
    town.merchant.callbacks.settle_down()
    days = sorted({one.paid.date() for one in town.merchant.orders.values() if one.paid})
    morning = datetime.combine(days[-1] + timedelta(days=1), time(10, 30), BEIJING)
    town.clock.move(morning.timestamp() - town.clock.now())
    for day in days:
        code, said = town.command("reconcile", str(day))
        assert code == 0, said

    def altered(rows: list[Row]) -> list[Row]:
        """One payment is another amount, one refund is not there."""
        kept = [row for row in rows if row[9] == "SUCCESS" or row[6] != back.no]
        return [[*row[:24], "399.00", *row[25:]] if row[6] == paid.no else row for row in kept]

    town.merchant.bills.alter = altered
    assert town.command("reconcile", str(days[-1]))[0] == 1
    _, listed = town.command("discrepancies", "list")
    assert paid.no in listed, listed
    assert back.no in listed, listed
    others = {one.no for one in town.merchant.orders.values() if one.paid} - {paid.no, back.no}
    assert not [no for no in others if no in listed], listed
