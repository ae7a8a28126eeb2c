"""What the gateway says to WeChat Pay, and what it believes of the answers."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bot.pay.gateway import CloseResult, Gateway
from bot.pay.gateway_errors import GatewayRefused, GatewayUnknown, NotPlaced
from tests.bot.answering import Answer, Answering, Asked
from tests.bot.paykeys import NOW, key_of, merchant, paid, refunded, signed_headers
from tests.bot.vectors import foreign_json

NUMBER = "A202611230001"
EXPIRES = datetime(2026, 11, 23, 9, 30, tzinfo=timezone(timedelta(hours=8)))
NOTIFY = "https://bot.example/pay/notify"
Call = Callable[[Gateway], object]


@pytest.fixture(scope="module")
def shared_wire() -> Iterator[Answering]:
    with Answering() as answering:
        yield answering


@pytest.fixture(scope="module")
def gateway(shared_wire: Answering) -> Gateway:
    """One for all tests: reading its keys takes longer than any of them."""
    return Gateway(merchant(), NOTIFY, shared_wire.url, clock=lambda: NOW)


@pytest.fixture
def wire(shared_wire: Answering) -> Answering:
    shared_wire.asked.clear()
    return shared_wire


def says(status: int, reply: object, at: int = NOW, key: str = "platform") -> Callable[[Asked], Answer]:
    body = b"" if reply is None else json.dumps(reply, ensure_ascii=False).encode()
    return lambda asked: Answer(status, body, signed_headers(body, key_of(key), at))


def refuses(status: int, code: str) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(status, json.dumps({"code": code, "message": "不行"}).encode())


def native(gateway: Gateway) -> object:
    return gateway.place_native(NUMBER, "养老保险", 50000, EXPIRES)


def jsapi(gateway: Gateway) -> object:
    return gateway.place_jsapi(NUMBER, "养老保险", 50000, "oPayer", EXPIRES)


def refund(gateway: Gateway) -> object:
    return gateway.refund("4200000000202611230000000001", "R1", 50000, 50000, "重复缴费")


EVERY_CALL: list[Call] = [
    jsapi,
    native,
    refund,
    lambda gateway: gateway.query(NUMBER),
    lambda gateway: gateway.close(NUMBER),
    lambda gateway: gateway.query_refund("R1"),
]


def check_signature(key: RSAPublicKey, method: str, path: str, at: str, nonce: str, body: str, signature: str) -> None:
    """Raises unless `key` signed the five lines of a request."""
    key.verify(base64.b64decode(signature), f"{method}\n{path}\n{at}\n{nonce}\n{body}\n".encode(), PKCS1v15(), SHA256())


def check_request(asked: Asked) -> None:
    form = (
        r'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="(\w{32})",signature="(\S+?)",'
        r'timestamp="(\d+)",serial_no="MERCHANTSERIAL"'
    )
    found = re.fullmatch(form, asked.headers["Authorization"])
    assert found
    nonce, signature, at = found.groups()
    assert at == str(NOW)
    assert asked.headers["Wechatpay-Serial"] == merchant().public_key_id
    assert asked.headers["User-Agent"]
    assert asked.headers["Accept"] == "application/json"
    key = key_of("merchant").public_key()
    check_signature(key, asked.method, asked.path, at, nonce, asked.body.decode(), signature)


def test_a_jsapi_order_says_everything_wechat_pay_asks_for(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, {"prepay_id": "wx201410272009395522657a690389285100"})
    assert jsapi(gateway) == "wx201410272009395522657a690389285100"
    (asked,) = wire.asked
    assert (asked.method, asked.path) == ("POST", "/v3/pay/transactions/jsapi")
    assert json.loads(asked.body) == {
        "appid": "wx1234567890abcdef",
        "mchid": "1900000001",
        "description": "养老保险",
        "out_trade_no": NUMBER,
        "time_expire": "2026-11-23T09:30:00+08:00",
        "notify_url": NOTIFY,
        "amount": {"total": 50000, "currency": "CNY"},
        "payer": {"openid": "oPayer"},
    }


def test_a_native_order_names_no_payer(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, {"code_url": "weixin://wxpay/bizpayurl?pr=1"})
    assert native(gateway) == "weixin://wxpay/bizpayurl?pr=1"
    assert wire.asked[0].path == "/v3/pay/transactions/native"
    assert "payer" not in json.loads(wire.asked[0].body)


@pytest.mark.parametrize("call", EVERY_CALL)
def test_every_request_is_signed_over_what_is_really_sent(gateway: Gateway, wire: Answering, call: Call) -> None:
    wire.answer = refuses(403, "NO_AUTH")
    with pytest.raises(GatewayRefused) as refused:
        call(gateway)
    assert refused.value.code == "NO_AUTH"
    check_request(wire.asked[0])


def test_an_order_repeated_from_another_time_zone_has_the_same_words(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, {"code_url": "weixin://wxpay/bizpayurl?pr=1"})
    native(gateway)
    gateway.place_native(NUMBER, "养老保险", 50000, EXPIRES.astimezone(UTC).replace(microsecond=7))
    assert wire.asked[0].body == wire.asked[1].body


def test_two_calls_share_one_connection(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, {"code_url": "weixin://wxpay/bizpayurl?pr=1"})
    native(gateway)
    native(gateway)
    assert len({asked.connection for asked in wire.asked}) == 1


def test_a_paid_charge_is_read_whole(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, paid())
    charge = gateway.query(NUMBER)
    assert wire.asked[0].path == f"/v3/pay/transactions/out-trade-no/{NUMBER}?mchid=1900000001"
    assert (charge.state, charge.amount, charge.currency, charge.payer_openid) == ("SUCCESS", 50000, "CNY", "oPayer")
    assert charge.paid_at == datetime(2026, 11, 23, 1, 5, tzinfo=UTC)


def test_an_unpaid_charge_lacks_what_only_paying_gives(gateway: Gateway, wire: Answering) -> None:
    known = {name: paid()[name] for name in ("appid", "mchid", "out_trade_no", "amount")}
    wire.answer = says(200, {**known, "trade_state": "NOTPAY", "payer": {}})
    charge = gateway.query(NUMBER)
    assert (charge.state, charge.transaction_id, charge.payer_openid, charge.paid_at) == ("NOTPAY", None, None, None)


def test_an_order_wechat_pay_does_not_know_was_not_placed(gateway: Gateway, wire: Answering) -> None:
    wire.answer = refuses(404, "ORDER_NOT_EXIST")
    with pytest.raises(NotPlaced):
        gateway.query(NUMBER)


def test_a_404_without_a_code_says_nothing_about_the_order(gateway: Gateway, wire: Answering) -> None:
    wire.answer = lambda asked: Answer(404, b"")
    with pytest.raises(GatewayUnknown):
        gateway.query(NUMBER)


def test_an_answer_about_another_order_is_not_believed(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, paid("A202611239999"))
    with pytest.raises(GatewayUnknown):
        gateway.query(NUMBER)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says(204, None), CloseResult.CLOSED),
        (refuses(400, "ORDER_CLOSED"), CloseResult.CLOSED),
        (refuses(400, "ORDER_PAID"), CloseResult.PAID),
        (refuses(400, "ORDERPAID"), CloseResult.PAID),
        (refuses(400, "268449538"), CloseResult.PAID),
        (refuses(404, "ORDER_NOT_EXIST"), CloseResult.UNKNOWN_NUMBER),
    ],
)
def test_closing_comes_to_closed_paid_or_unknown(
    gateway: Gateway, wire: Answering, answer: Callable[[Asked], Answer], result: CloseResult
) -> None:
    wire.answer = answer
    assert gateway.close(NUMBER) is result
    assert wire.asked[0].path == f"/v3/pay/transactions/out-trade-no/{NUMBER}/close"
    assert json.loads(wire.asked[0].body) == {"mchid": "1900000001"}


def test_closing_that_is_refused_otherwise_is_not_taken_for_closed(gateway: Gateway, wire: Answering) -> None:
    wire.answer = refuses(403, "TRADE_ERROR")
    with pytest.raises(GatewayRefused):
        gateway.close(NUMBER)


def test_a_refund_says_amounts_and_where_to_tell_and_is_read_whole(gateway: Gateway, wire: Answering) -> None:
    wire.answer = says(200, refunded("PROCESSING"))
    state = gateway.refund("4200000000202611230000000001", "R1", 50000, 50000, "重复缴费")
    assert (state.state, state.amount, state.total) == ("PROCESSING", 50000, 50000)
    sent = json.loads(wire.asked[0].body)
    assert sent["amount"] == {"refund": 50000, "total": 50000, "currency": "CNY"}
    assert sent["notify_url"] == NOTIFY


def test_a_refund_wechat_pay_does_not_know_is_none(gateway: Gateway, wire: Answering) -> None:
    wire.answer = refuses(404, "RESOURCE_NOT_EXISTS")
    assert gateway.query_refund("R1") is None
    wire.answer = says(200, refunded())
    state = gateway.query_refund("R1")
    assert state
    assert state.refunded_at == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


GOOD = b'{"code_url":"weixin://wxpay/bizpayurl?pr=1"}'
SIGNED = {**signed_headers(GOOD, key_of("platform"))}


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        Answer(500, b'{"code":"SYSTEM_ERROR"}'),
        Answer(502, b"<html>"),
        Answer(429, b'{"code":"RATELIMIT_EXCEEDED"}'),
        Answer(403, b'{"code":"FREQUENCY_LIMITED"}'),
        Answer(400, b"<html>"),
        Answer(302, b"", {"Location": "/elsewhere"}),
        Answer(202, GOOD, SIGNED),
        Answer(200, GOOD),
        Answer(200, GOOD, {**SIGNED, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + SIGNED["Wechatpay-Signature"]}),
        Answer(200, GOOD, {**SIGNED, "Wechatpay-Timestamp": "now"}),
        Answer(200, GOOD, {**SIGNED, "Wechatpay-Serial": "0A1B"}),
        Answer(200, GOOD, signed_headers(GOOD, key_of("forger"))),
        Answer(200, GOOD, signed_headers(GOOD, key_of("platform"), at=0)),
        Answer(200, GOOD, signed_headers(GOOD, key_of("platform"), at=NOW - 301)),
        Answer(200, b"[]", signed_headers(b"[]", key_of("platform"))),
        Answer(200, b"not json", signed_headers(b"not json", key_of("platform"))),
        Answer(200, b"\xff\xfe", signed_headers(b"\xff\xfe", key_of("platform"))),
    ],
)
def test_whatever_is_not_a_plain_yes_or_no_is_unknown(
    gateway: Gateway, wire: Answering, answer: Answer | None, call: Call
) -> None:
    wire.answer = lambda asked: answer
    with pytest.raises(GatewayUnknown):
        call(gateway)
    assert len(wire.asked) == 1


@pytest.mark.parametrize("reply", [{}, {"prepay_id": 5}, {"prepay_id": ""}, {"prepay_id": "x" * 65}])
def test_a_signed_answer_without_what_was_asked_for_is_unknown(
    gateway: Gateway, wire: Answering, reply: object
) -> None:
    wire.answer = says(200, reply)
    with pytest.raises(GatewayUnknown):
        jsapi(gateway)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"total": "50000", "currency": "CNY"}},
        {"amount": {"total": 500.0, "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": None},
        {"transaction_id": None},
        {"success_time": "2026-11-23T09:05:00"},
        {"success_time": "yesterday"},
        {"success_time": None},
        {"trade_state": None},
        {"mchid": 1900000001},
    ],
)
def test_a_paid_charge_of_another_form_is_unknown(gateway: Gateway, wire: Answering, change: dict[str, object]) -> None:
    wire.answer = says(200, {**paid(), **change})
    with pytest.raises(GatewayUnknown):
        gateway.query(NUMBER)


def test_an_answer_that_does_not_come_is_unknown(wire: Answering) -> None:
    finished = threading.Event()
    wire.answer = lambda asked: Answer() if finished.wait(30) else None
    impatient = Gateway(merchant(), NOTIFY, wire.url, clock=lambda: NOW, timeout=(1, 0.05))
    with pytest.raises(GatewayUnknown):
        native(impatient)
    finished.set()


def test_nobody_listening_is_unknown() -> None:
    with Answering() as gone:
        pass
    with pytest.raises(GatewayUnknown):
        native(Gateway(merchant(), NOTIFY, gone.url, clock=lambda: NOW))


@pytest.mark.parametrize("number", ["A|B123", "a?x=1#b", "short", "x" * 33, "../../etc", "订单号123456", "A2026112\n"])
def test_a_number_that_would_bend_the_path_is_refused_before_any_call(
    gateway: Gateway, wire: Answering, number: str
) -> None:
    calls: list[Call] = [
        lambda gateway: gateway.query(number),
        lambda gateway: gateway.close(number),
        lambda gateway: gateway.place_native(number, "养老保险", 1, EXPIRES),
        lambda gateway: gateway.place_jsapi(number, "养老保险", 1, "oPayer", EXPIRES),
    ]
    for call in calls:
        with pytest.raises(GatewayRefused):
            call(gateway)
    assert wire.asked == []


@pytest.mark.parametrize(
    "call",
    [
        lambda gateway: gateway.place_native(NUMBER, "养老保险", 0, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "养老保险", 1.0, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "", 1, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "养" * 43, 1, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "养老\x00", 1, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "\ud800", 1, EXPIRES),
        lambda gateway: gateway.place_native(NUMBER, "养老保险", 1, EXPIRES.replace(tzinfo=None)),
        lambda gateway: gateway.place_jsapi(NUMBER, "养老保险", 1, "", EXPIRES),
        lambda gateway: gateway.refund("42", "R/1", 1, 1, "重复"),
        lambda gateway: gateway.refund("42?", "R1", 1, 1, "重复"),
        lambda gateway: gateway.refund("42", "R1", 2, 1, "重复"),
        lambda gateway: gateway.refund("42", "R1", 1, 1, "重" * 27),
        lambda gateway: gateway.query_refund("R1?"),
    ],
)
def test_words_wechat_pay_would_refuse_are_not_sent(gateway: Gateway, wire: Answering, call: Call) -> None:
    with pytest.raises(GatewayRefused) as refused:
        call(gateway)
    assert refused.value.code == "PARAM_ERROR"
    assert wire.asked == []


def test_the_sheet_holds_six_parameters_signed_by_the_merchant(gateway: Gateway, wire: Answering) -> None:
    sheet = gateway.sheet("wx20", NOW + 0.9)
    assert set(sheet) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert (sheet["timeStamp"], sheet["package"], sheet["signType"]) == (str(NOW), "prepay_id=wx20", "RSA")
    assert len(sheet["nonceStr"]) <= 32
    words = f"{sheet['appId']}\n{sheet['timeStamp']}\n{sheet['nonceStr']}\n{sheet['package']}\n"
    signature = base64.b64decode(sheet["paySign"])
    key_of("merchant").public_key().verify(signature, words.encode(), PKCS1v15(), SHA256())
    assert wire.asked == []


def test_keys_that_cannot_be_read_are_told_at_the_start() -> None:
    with pytest.raises(ValueError, match="private key"):
        Gateway(replace(merchant(), private_key="nonsense"), NOTIFY, "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="platform_public_key"):
        Gateway(replace(merchant(), public_key=""), NOTIFY, "http://127.0.0.1:1")


def test_the_official_request_examples_are_signed_as_we_sign() -> None:
    vector = foreign_json("official_request_sign.json")
    key = load_pem_public_key(vector["public_key"].encode())
    assert isinstance(key, RSAPublicKey)
    for case in vector["cases"]:
        names = ("method", "url", "timestamp", "nonce_str", "body", "signature")
        check_signature(key, *(case[name] for name in names))


def test_the_official_answer_example_is_believed_in_its_own_time_only(wire: Answering) -> None:
    vector = foreign_json("official_response_verify.json")
    headers = vector["headers"]
    theirs = replace(merchant(), public_key=vector["public_key"], public_key_id=headers["Wechatpay-Serial"])
    wire.answer = lambda asked: Answer(200, vector["body"].encode(), headers)
    at = int(headers["Wechatpay-Timestamp"])
    assert native(Gateway(theirs, NOTIFY, wire.url, clock=lambda: at)) == "weixin://wxpay/bizpayurl?pr=JyC91EIz1"
    with pytest.raises(GatewayUnknown):
        native(Gateway(theirs, NOTIFY, wire.url, clock=lambda: at + 301))
