"""Refunds of the pay stand-in: accepted, done or not, told, and never more than was paid."""

import json
from collections.abc import Iterator

import pytest

from bot.sandbox.pay import PayStandIn
from tests.bot.sandbox_shop import NO, Shop, opened_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


@pytest.fixture
def pay(shop: Shop) -> PayStandIn:
    return shop.pay


def test_a_refund_is_accepted_done_and_called_back(pay: PayStandIn, shop: Shop) -> None:
    transaction_id = shop.sheet().pay()
    pay.deliver_due()
    pay.refunds.seconds = 60
    asked = {"out_refund_no": "R-1", "amount": {"refund": 50000, "total": 50000, "currency": "CNY"}}
    code, text = shop.client.refund(transaction_id=transaction_id, **asked)
    assert (code, json.loads(text)["status"]) == (200, "PROCESSING")
    assert shop.query()["trade_state"] == "REFUND"
    assert pay.deliver_due() == 0
    pay.clock.move(60)
    assert pay.deliver_due() == 1
    told = shop.received[-1]
    assert told is not None
    assert told["event_type"] == "REFUND.SUCCESS"
    assert told["resource"]["refund_status"] == "SUCCESS"
    assert told["resource"]["amount"] == {"total": 50000, "refund": 50000, "payer_total": 50000, "payer_refund": 50000}
    assert json.loads(shop.client.query_refund("R-1")[1])["status"] == "SUCCESS"
    assert json.loads(shop.client.refund(transaction_id=transaction_id, **asked)[1])["status"] == "SUCCESS"
    assert [(each.out_refund_no, each.refund, each.status) for each in pay.books().refunds] == [
        ("R-1", 50000, "SUCCESS")
    ]


def test_a_refund_can_end_as_abnormal_or_closed(pay: PayStandIn, shop: Shop) -> None:
    shop.sheet().pay()
    amount = {"refund": 50000, "total": 50000, "currency": "CNY"}
    pay.refunds.outcome = "CLOSED"
    shop.client.refund(out_trade_no=NO, out_refund_no="R-1", amount=amount)
    assert json.loads(shop.client.query_refund("R-1")[1])["status"] == "CLOSED"
    assert shop.query()["trade_state"] == "SUCCESS"
    pay.refunds.outcome = "ABNORMAL"
    shop.client.refund(out_trade_no=NO, out_refund_no="R-2", amount=amount)
    pay.deliver_due()
    assert [told and told["event_type"] for told in shop.received[1:]] == ["REFUND.CLOSED", "REFUND.ABNORMAL"]


def test_refunds_never_exceed_what_was_paid_and_a_number_means_one_refund(pay: PayStandIn, shop: Shop) -> None:
    def refund(no: str, fen: int, total: int = 50000, order: str = NO) -> tuple[int, str]:
        amount = {"refund": fen, "total": total, "currency": "CNY"}
        code, text = shop.client.refund(out_trade_no=order, out_refund_no=no, amount=amount)
        answer = json.loads(text)
        return code, answer.get("code") or answer["status"]

    shop.order()
    assert refund("R-0", 100) == (400, "INVALID_REQUEST")
    assert refund("R-0", 100, order="NOBODY-KNOWS") == (404, "RESOURCE_NOT_EXISTS")
    shop.sheet().pay()
    assert refund("R-0", 100, total=49999) == (400, "INVALID_REQUEST")
    assert refund("R-1", 30000) == (200, "PROCESSING")
    assert refund("R-1", 30001) == (400, "INVALID_REQUEST")
    assert refund("R-2", 20000) == (429, "FREQUENCY_LIMITED")
    pay.clock.move(60)
    assert refund("R-2", 20001) == (400, "INVALID_REQUEST")
    pay.refunds.merchant_is_short = True
    assert refund("R-2", 20000) == (403, "NOT_ENOUGH")
    pay.refunds.merchant_is_short = False
    assert refund("R-2", 20000) == (200, "PROCESSING")
    assert json.loads(shop.client.query_refund("R-9")[1])["code"] == "RESOURCE_NOT_EXISTS"
    assert sum(each.refund for each in pay.books().refunds) == 50000
