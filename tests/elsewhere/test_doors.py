"""The doors: who is let in at /wechat and /pay/notify, and what WeChat's own repetitions come to."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
import urllib3

from tests.elsewhere.conftest import only_embedded
from tests.elsewhere.crypt import SigningKey, word
from tests.elsewhere.town import Town
from tests.elsewhere.ways import to_the_order


@only_embedded
def test_the_console_is_shown_that_the_address_is_ours(town: Town) -> None:
    messages, moment, nonce = town.account.messages, str(int(town.clock.now())), word(10)
    echo = "7311934556001219834"
    query = {"signature": messages.sign(moment, nonce), "timestamp": moment, "nonce": nonce, "echostr": echo}
    answer = urllib3.request("GET", f"{town.url}/wechat?{urlencode(query)}")
    assert (answer.status, answer.data) == (200, echo.encode())
    answer = urllib3.request("GET", f"{town.url}/wechat?{urlencode(query | {'signature': '0' * 40})}")
    assert answer.status == 403


@only_embedded
def test_the_address_check_decrypts_no_captured_message(town: Town) -> None:
    phone = town.phone()
    query, body = phone.sealed(phone.message("text", Content="369906199910090112", MsgId="1"))
    captured = body.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
    assert captured
    answer = urllib3.request("GET", f"{town.url}/wechat?{urlencode(query | {'echostr': captured})}")
    assert answer.data in (captured.encode(), b"403 Forbidden")
    query.pop("signature")
    answer = urllib3.request("GET", f"{town.url}/wechat?{urlencode(query | {'echostr': captured})}")
    assert answer.status == 403


@only_embedded
@pytest.mark.parametrize("what", ["plain", "signature", "old", "another account", "json"])
def test_what_wechat_did_not_seal_just_now_is_refused(town: Town, what: str) -> None:
    phone = town.phone()
    xml = phone.message("text", Content="你好", MsgId="1")
    query, body = phone.sealed(xml, age=900 if what == "old" else 0)
    if what == "plain":
        query.pop("msg_signature"), query.pop("encrypt_type")
        body = xml
    elif what == "signature":
        query["msg_signature"] = query["signature"]
    elif what == "another account":
        query, body = town.phone().sealed(xml, app_id="wx0000000000000000")
    elif what == "json":
        body = json.dumps({"ToUserName": town.account.original_id, "Encrypt": "AAAA"})
    answer = urllib3.request("POST", f"{town.url}/wechat?{urlencode(query)}", body=body.encode())
    assert 400 <= answer.status < 500
    assert "Encrypt" not in answer.data.decode()


def test_a_message_that_wechat_sends_again_is_answered_the_same_and_done_once(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    first = phone.chat[-1]
    again = phone.resend()
    assert (again.raw, len([one for one in phone.chat if one.raw == first.raw])) == (first.raw, 2)
    phone.cashier()
    assert len(town.merchant.orders_of(phone.openid)) == 1


@only_embedded
def test_words_that_are_markup_stay_words(town: Town) -> None:
    phone = town.phone()
    for words in (
        "]]><Content>x</Content>",
        '<a href="https://example.org">点我</a>',
        "&lt;a&gt;",
        "😀" * 700,
        "\u202e你好",
    ):
        bubble = phone.type(words)
        assert "example.org" not in bubble.raw or "<a href" not in bubble.raw.partition("example.org")[0]


@only_embedded
@pytest.mark.parametrize("what", ["another key", "altered", "old", "probe", "unknown serial", "v2", "no signature"])
def test_a_callback_that_is_not_wechat_pays_changes_nothing(town: Town, what: str) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order, callbacks = phone.cashier(), town.merchant.callbacks
    forged = order.told() | {
        "trade_state": "SUCCESS",
        "transaction_id": "4200000000202611270000000000",
        "trade_type": "JSAPI",
        "success_time": town.clock.beijing().isoformat(timespec="seconds"),
        "payer": {"openid": phone.openid},
    }
    body = callbacks.body("TRANSACTION.SUCCESS", "支付成功", forged, "transaction")
    moment = str(int(town.clock.now()))
    if what == "another key":
        changed = {
            "Wechatpay_Signature": SigningKey().sign(moment, "n" * 32, body.decode()),
            "Wechatpay_Nonce": "n" * 32,
        }
    elif what == "altered":
        good = town.merchant.platform_key.sign(moment, "n" * 32, body.decode() + " ")
        changed = {"Wechatpay_Signature": good, "Wechatpay_Nonce": "n" * 32}
    elif what == "old":
        old = str(int(town.clock.now()) - 301)
        good = town.merchant.platform_key.sign(old, "n" * 32, body.decode())
        changed = {"Wechatpay_Signature": good, "Wechatpay_Nonce": "n" * 32, "Wechatpay_Timestamp": old}
    elif what == "probe":
        changed = {"Wechatpay_Signature": "WECHATPAY/SIGNTEST/" + word(300)}
    elif what == "unknown serial":
        changed = {"Wechatpay_Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
    elif what == "v2":
        body, changed = b"<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>", {}
    else:
        changed = {"Wechatpay_Signature": ""}
    asked = len(town.merchant.asked)
    assert 400 <= callbacks.post(body, **changed) < 500
    assert not [one for one in town.merchant.asked[asked:] if "certificates" in one]
    assert "还没有收到付款结果" in phone.type("付好了")


def test_a_callback_of_another_amount_is_kept_for_a_person(town: Town) -> None:
    phone, person = town.phone(), town.person()
    to_the_order(phone, person)
    order = phone.cashier()
    other = order.told() | {
        "trade_state": "SUCCESS",
        "transaction_id": f"4200{int(town.clock.now())}00",
        "trade_type": "JSAPI",
        "success_time": town.clock.beijing().isoformat(timespec="seconds"),
        "payer": {"openid": phone.openid},
        "amount": {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"},
    }
    assert town.merchant.callbacks.post(
        town.merchant.callbacks.body("TRANSACTION.SUCCESS", "支付成功", other, "transaction")
    ) in (400, 500)
    assert not [one for one in phone.fan.pushes if "缴费成功" in one.text]
