"""Orders and the cashier of the pay stand-in, with wechatpayv3 as an independent witness for every signature."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from wechatpayv3 import WeChatPayType

from bot.sandbox.cashier import Sheet
from bot.sandbox.faults import Fault
from bot.sandbox.pay import PayStandIn
from bot.sandbox.pay_orders import CashierRefused, rfc3339
from tests.bot.sandbox_parts import NINE_O_CLOCK
from tests.bot.sandbox_shop import NO, OPENID, Shop, opened_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


@pytest.fixture
def pay(shop: Shop) -> PayStandIn:
    return shop.pay


def test_an_order_is_paid_called_back_and_queried(pay: PayStandIn, shop: Shop) -> None:
    code, placed = shop.order(attach="A1")
    assert code == 200
    assert shop.query()["trade_state"] == "NOTPAY"
    sheet = pay.checkout_jsapi(shop.bridge(placed["prepay_id"]), OPENID)
    assert (sheet.amount, sheet.description) == (50000, "城乡居民养老保险 2026年")
    transaction_id = sheet.pay("银行卡", "246810")
    assert len(transaction_id) == 28
    assert transaction_id.startswith("4200")
    assert pay.deliver_due() == 1
    (told,) = shop.received
    assert told is not None
    assert (told["event_type"], told["resource_type"], len(told["id"])) == (
        "TRANSACTION.SUCCESS",
        "encrypt-resource",
        36,
    )
    assert told["resource"] == shop.query()
    assert told["resource"]["transaction_id"] == transaction_id
    assert told["resource"]["trade_state"] == "SUCCESS"
    assert told["resource"]["attach"] == "A1"
    assert told["resource"]["payer"] == {"openid": OPENID}
    assert told["resource"]["amount"]["total"] == 50000
    assert json.loads(shop.client.query(transaction_id=transaction_id)[1]) == told["resource"]
    assert [(each.transaction_id, each.total) for each in pay.books().payments] == [(transaction_id, 50000)]


@pytest.mark.parametrize("lives", [False, True], ids=["old dies", "old lives"])
def test_an_identical_order_gives_another_prepay_id(pay: PayStandIn, shop: Shop, lives: bool) -> None:
    pay.orders.old_prepay_lives = lives
    old, new = (shop.order()[1]["prepay_id"] for _ in range(2))
    assert old != new
    if lives:
        assert pay.checkout_jsapi(shop.bridge(old), OPENID).amount == 50000
    else:
        with pytest.raises(CashierRefused, match="失效"):
            pay.checkout_jsapi(shop.bridge(old), OPENID)
    assert pay.checkout_jsapi(shop.bridge(new), OPENID).pay()
    assert len(pay.books().payments) == 1


def test_an_identical_order_may_be_refused_as_some_developers_report(pay: PayStandIn, shop: Shop) -> None:
    shop.order()
    pay.orders.repeats_are_refused = True
    assert shop.order()[1]["code"] == "OUT_TRADE_NO_USED"


def test_money_may_come_after_time_expire_until_the_order_is_closed(pay: PayStandIn, shop: Shop) -> None:
    pay.orders.late_seconds = 60
    expires = rfc3339(pay.clock.now() + 120)
    sheet = pay.checkout_jsapi(shop.bridge(shop.order(time_expire=expires)[1]["prepay_id"]), OPENID)
    pay.clock.move(150)
    assert sheet.pay()


def test_any_other_word_of_an_order_is_refused(shop: Shop) -> None:
    shop.order()
    for changed in ({"total": 50001}, {"attach": "x"}, {"kind": WeChatPayType.NATIVE}):
        code, answer = shop.order(**changed)
        assert (code, answer["code"]) == (403, "OUT_TRADE_NO_USED")


def test_an_identical_native_order_gives_a_new_code_and_the_old_one_dies(pay: PayStandIn, shop: Shop) -> None:
    old = shop.order(kind=WeChatPayType.NATIVE)[1]["code_url"]
    seen = pay.scan(old, OPENID)
    new = shop.order(kind=WeChatPayType.NATIVE)[1]["code_url"]
    assert old != new
    with pytest.raises(CashierRefused):
        pay.scan(old, OPENID)
    with pytest.raises(CashierRefused):
        seen.pay()
    pay.scan(new, "oFamily").pay()
    assert shop.query()["payer"] == {"openid": "oFamily"}


def test_the_first_scanner_keeps_the_order(pay: PayStandIn, shop: Shop) -> None:
    code_url = shop.order(kind=WeChatPayType.NATIVE)[1]["code_url"]
    pay.scan(code_url, "oFamily").give_up()
    with pytest.raises(CashierRefused, match="商家订单信息有误"):
        pay.scan(code_url, OPENID)
    pay.scan(code_url, "oFamily").pay()


def test_closing_is_repeatable_ends_paying_and_refuses_a_paid_order(pay: PayStandIn, shop: Shop) -> None:
    sheet = shop.sheet()
    assert shop.client.close(NO) == (204, b"")
    assert shop.client.close(NO) == (204, b"")
    with pytest.raises(CashierRefused, match="已关闭"):
        sheet.pay()
    assert shop.query()["trade_state"] == "CLOSED"
    assert shop.order()[1]["code"] == "ORDER_CLOSED"
    shop.sheet("ORDER-2").pay()
    code, text = shop.client.close("ORDER-2")
    assert (code, json.loads(text)["code"]) == (400, "ORDER_PAID")
    assert json.loads(shop.client.close("NOBODY-KNOWS")[1])["code"] == "ORDER_NOT_EXIST"


def test_an_order_is_paid_once_however_many_cashiers_are_open(pay: PayStandIn, shop: Shop) -> None:
    pay.orders.old_prepay_lives = True
    first, second = shop.sheet(), shop.sheet()
    first.pay()
    with pytest.raises(CashierRefused, match="已支付"):
        second.pay()
    with pytest.raises(CashierRefused):
        first.pay()
    assert len(pay.books().payments) == 1


def test_an_order_is_paid_once_however_many_fingers_press_at_once(pay: PayStandIn, shop: Shop) -> None:
    sheets = [shop.sheet() for _ in range(8)]

    def press(sheet: Sheet) -> int:
        try:
            return len(sheet.pay())
        except CashierRefused:
            return 0

    with ThreadPoolExecutor(8) as fingers:
        assert sorted(fingers.map(press, sheets)) == [0] * 7 + [28]


def test_the_cashier_checks_signature_person_password_and_time(pay: PayStandIn, shop: Shop) -> None:
    expires = rfc3339(NINE_O_CLOCK + 1800)
    params = shop.bridge(shop.order(time_expire=expires)[1]["prepay_id"])
    for changed in ({"nonceStr": "other"}, {"timeStamp": "1795395601"}, {"paySign": "AAAA"}):
        with pytest.raises(CashierRefused, match="签名失败"):
            pay.checkout_jsapi({**params, **changed}, OPENID)
    with pytest.raises(CashierRefused, match="下单账号与支付账号不一致"):
        pay.checkout_jsapi(params, "oSomebodyElse")
    with pytest.raises(CashierRefused, match="缺少参数"):
        pay.checkout_jsapi({**params, "timeStamp": int(NINE_O_CLOCK)}, OPENID)
    sheet = pay.checkout_jsapi(params, OPENID)
    with pytest.raises(CashierRefused, match="密码"):
        sheet.pay(password="12345")
    pay.clock.move(1800)
    with pytest.raises(CashierRefused, match="过期"):
        sheet.pay()
    assert shop.query()["trade_state"] == "NOTPAY"


def test_a_prepay_id_lives_two_hours(pay: PayStandIn, shop: Shop) -> None:
    params = shop.bridge(shop.order()[1]["prepay_id"])
    pay.clock.move(7199)
    sheet = pay.checkout_jsapi(params, OPENID)
    pay.clock.move(1)
    with pytest.raises(CashierRefused, match="失效"):
        sheet.pay()


@pytest.mark.parametrize("fault", [Fault.SIGNTEST, Fault.WRONG_SIGNATURE, Fault.GARBLED])
def test_an_answer_that_is_not_signed_rightly_is_refused_by_the_library_though_the_order_exists(
    pay: PayStandIn, shop: Shop, fault: Fault
) -> None:
    shop.faults.put("pay.jsapi", fault, times=1)
    with pytest.raises(Exception, match="failed to verify the signature"):
        shop.order()
    assert shop.query()["trade_state"] == "NOTPAY"


def test_drops_and_statuses_happen_before_or_after_the_work_as_asked(pay: PayStandIn, shop: Shop) -> None:
    faults = shop.faults
    faults.put("pay.jsapi", Fault.DROP_BEFORE, times=1)
    with pytest.raises(requests.ConnectionError):
        shop.order()
    assert shop.query()["code"] == "ORDER_NOT_EXIST"
    faults.put("pay.*", Fault.STATUS_500, times=1)
    assert shop.order() == (500, {"code": "SYSTEM_ERROR", "message": "系统繁忙，请稍后再试"})
    assert shop.query()["code"] == "ORDER_NOT_EXIST"
    faults.put("pay.jsapi", Fault.DROP_AFTER, times=1)
    with pytest.raises(requests.ConnectionError):
        shop.order()
    assert shop.query()["trade_state"] == "NOTPAY"


def test_a_sheet_that_was_given_up_pays_nothing(pay: PayStandIn, shop: Shop) -> None:
    sheet = shop.sheet()
    sheet.give_up()
    with pytest.raises(CashierRefused, match="支付已结束"):
        sheet.pay()
    assert pay.books().payments == ()
    shop.sheet().pay()
