"""Callbacks of the pay stand-in: their schedule, their faults, their seal as wechatpayv3's `callback()` sees them."""

from collections.abc import Iterator

import pytest

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.http import Answer, LoopbackServer, Route
from bot.sandbox.pay import PayStandIn
from tests.bot.sandbox_shop import OPENID, Shop, opened_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


@pytest.fixture
def pay(shop: Shop) -> PayStandIn:
    return shop.pay


def test_a_callback_is_repeated_on_wechat_s_schedule_until_it_is_acknowledged(pay: PayStandIn, shop: Shop) -> None:
    shop.sheet().pay()
    shop.answers = [500, 404, 302, 204]
    assert pay.deliver_due() == 1
    for gap in (15, 15, 30):
        pay.clock.move(gap - 1)
        assert pay.deliver_due() == 0
        pay.clock.move(1)
        assert pay.deliver_due() == 1
    pay.clock.move(86400)
    assert pay.deliver_due() == 0
    assert [told is not None and told["id"] for told in shop.received] == [pay.deliveries()[0].id] * 4


def test_a_callback_whose_acknowledgement_is_lost_comes_again(pay: PayStandIn, shop: Shop) -> None:
    shop.sheet().pay()
    shop.faults.put("callback.payment", Fault.DROP_AFTER, times=1)
    pay.deliver_due()
    pay.clock.move(15)
    assert pay.deliver_due() == 1
    assert [told and told["id"] for told in shop.received] == [pay.deliveries()[0].id] * 2


def test_an_unheard_callback_is_given_up_after_fifteen_repeats(pay: PayStandIn, shop: Shop) -> None:
    pay.checkout_jsapi(
        shop.bridge(shop.order(notify_url="http://127.0.0.1:9/pay/notify")[1]["prepay_id"]), OPENID
    ).pay()
    tries = 0
    while pay.callbacks.pending():
        tries += pay.deliver_due()
        pay.clock.move(6 * 3600)
    assert tries == 16


@pytest.mark.parametrize("fault", [Fault.SIGNTEST, Fault.WRONG_SIGNATURE, Fault.GARBLED])
def test_a_callback_that_is_not_signed_rightly_fails_with_the_library_and_comes_again(
    pay: PayStandIn, shop: Shop, fault: Fault
) -> None:
    shop.sheet().pay()
    shop.faults.put("callback.payment", fault, times=1)
    pay.deliver_due()
    pay.clock.move(15)
    pay.deliver_due()
    assert shop.received[0] is None
    assert shop.received[1] is not None
    assert pay.callbacks.wrongly_accepted == []


def test_callbacks_come_by_themselves_once_delivering_is_started(pay: PayStandIn, shop: Shop) -> None:
    pay.start_delivering()
    shop.sheet().pay()
    assert shop.notified.wait(10)
    assert len(shop.received) == 1


def test_a_shop_that_acknowledges_a_wrong_signature_is_caught(pay: PayStandIn, shop: Shop) -> None:
    careless = LoopbackServer((Route("notify", "POST", "/", lambda request: Answer(204)),), Faults())
    careless.start()
    prepay_id = shop.order(notify_url=f"{careless.url}/")[1]["prepay_id"]
    pay.checkout_jsapi(shop.bridge(prepay_id), OPENID).pay()
    shop.faults.put("callback.payment", Fault.SIGNTEST, times=1)
    pay.deliver_due()
    careless.stop()
    assert pay.callbacks.wrongly_accepted == [pay.deliveries()[0].id]
    assert len(pay.callbacks.pending()) == 1


def test_a_callback_that_is_lost_never_comes(pay: PayStandIn, shop: Shop) -> None:
    shop.faults.put("callback.payment", Fault.LOST, times=1)
    shop.sheet().pay()
    pay.deliver_due()
    pay.clock.move(86400)
    assert (pay.deliver_due(), shop.received, pay.callbacks.pending()) == (0, [], [])


def test_a_callback_may_come_twice_though_it_was_acknowledged(pay: PayStandIn, shop: Shop) -> None:
    shop.faults.put("callback.payment", Fault.TWICE, times=1)
    shop.sheet().pay()
    pay.deliver_due()
    assert [told and told["id"] for told in shop.received] == [pay.deliveries()[0].id] * 2
    assert not pay.callbacks.pending()


def test_a_callback_that_is_overtaken_comes_after_a_later_one(pay: PayStandIn, shop: Shop) -> None:
    shop.faults.put("callback.payment", Fault.OVERTAKEN, times=1, seconds=60)
    shop.sheet("ORDER-A1").pay()
    pay.deliver_due()
    shop.sheet("ORDER-A2").pay()
    pay.deliver_due()
    pay.clock.move(60)
    pay.deliver_due()
    first, second = (one.id for one in pay.deliveries())
    assert [told and told["id"] for told in shop.received] == [second, first]
