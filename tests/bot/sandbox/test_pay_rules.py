"""What the WeChat Pay stand-in refuses: each header, each line of the signature, each field."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.pay import PayStandIn
from bot.sandbox.pay_orders import rfc3339
from bot.sandbox.pay_sign import answer_text, request_text, seal, sign, signed
from tests.bot.sandbox_parts import NINE_O_CLOCK, get, keys, vectors

JSAPI = "/v3/pay/transactions/jsapi"


class Caller:
    """A merchant that signs by hand, so that it can sign wrongly."""

    def __init__(self, pay: PayStandIn) -> None:
        self._pay = pay
        self._count = 0

    def headers(self, method: str, target: str, body: bytes, **changed: str) -> dict[str, str]:
        self._count += 1
        said = {"mchid": keys().mch_id, "nonce_str": f"N{self._count:031}", "timestamp": str(int(NINE_O_CLOCK))}
        said |= {"serial_no": keys().merchant_serial} | changed
        text = request_text(method, target, said["timestamp"], said["nonce_str"], body)
        said["signature"] = changed.get("signature") or sign(text, keys().merchant_key)
        return {
            "Authorization": "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{said[name]}"' for name in said),
            "Wechatpay-Serial": keys().platform_public_key_id,
            "User-Agent": "test",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def send(self, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        answer = get(self._pay.url + target, body, headers)
        if answer.status >= 400:
            assert not any(name.lower().startswith("wechatpay-") for name in answer.headers)
        told = answer.json() if answer.data else {}
        return answer.status, told.get("code", "")

    def post(self, value: object, target: str = JSAPI, **changed: str) -> tuple[int, str]:
        body = json.dumps(value).encode()
        return self.send(target, body, self.headers("POST", target, body, **changed))


@pytest.fixture
def caller() -> Iterator[Caller]:
    clock = MovableClock(NINE_O_CLOCK)
    pay = PayStandIn(keys(), clock, Faults(), knows=lambda openid: openid == "oKnown", machine_clock=clock.now).start()
    yield Caller(pay)
    pay.stop()


def order(**changed: object) -> dict[str, Any]:
    """A good JSAPI order, or one with changes; None takes a field away."""
    good: dict[str, object] = {
        "appid": keys().app_id,
        "mchid": keys().mch_id,
        "description": "城乡居民医疗保险 2027年",
        "out_trade_no": "ORDER-0001",
        "notify_url": "http://127.0.0.1:1/pay/notify",
        "time_expire": rfc3339(NINE_O_CLOCK + 1800),
        "amount": {"total": 40000, "currency": "CNY"},
        "payer": {"openid": "oKnown"},
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def test_a_good_order_is_taken(caller: Caller) -> None:
    assert caller.post(order()) == (200, "")


@pytest.mark.parametrize(
    "changed",
    [
        {"mchid": "1900000001"},
        {"serial_no": "00"},
        {"timestamp": str(int(NINE_O_CLOCK) - 301)},
        {"timestamp": str(int(NINE_O_CLOCK) + 301)},
        {"timestamp": "now"},
        {"nonce_str": "x" * 33},
        {"signature": "AAAA"},
        {"extra": "1"},
    ],
    ids=str,
)
def test_a_wrong_authorization_is_401(caller: Caller, changed: dict[str, str]) -> None:
    assert caller.post(order(), **changed) == (401, "SIGN_ERROR")


def test_five_minutes_of_skew_are_borne(caller: Caller) -> None:
    assert caller.post(order(), timestamp=str(int(NINE_O_CLOCK) - 300)) == (200, "")


def test_a_request_that_is_sent_twice_is_401_the_second_time(caller: Caller) -> None:
    body = json.dumps(order()).encode()
    headers = caller.headers("POST", JSAPI, body)
    assert caller.send(JSAPI, body, headers) == (200, "")
    assert caller.send(JSAPI, body, headers) == (401, "SIGN_ERROR")


def test_the_signature_covers_method_path_query_and_body(caller: Caller) -> None:
    body = json.dumps(order()).encode()
    assert caller.send(JSAPI, body + b" ", caller.headers("POST", JSAPI, body))[0] == 401
    assert caller.send(JSAPI, body, caller.headers("GET", JSAPI, body))[0] == 401
    query = f"/v3/pay/transactions/out-trade-no/ORDER-0001?mchid={keys().mch_id}"
    assert caller.send(query, None, caller.headers("GET", query.partition("?")[0], b""))[0] == 401
    assert caller.send(query, None, caller.headers("GET", query, b"")) == (404, "ORDER_NOT_EXIST")


@pytest.mark.parametrize(
    ("header", "value", "refusal"),
    [
        ("Authorization", None, (401, "SIGN_ERROR")),
        ("Authorization", "WECHATPAY2-SHA256-RSA2048", (401, "SIGN_ERROR")),
        ("Accept", "", (400, "INVALID_REQUEST")),
        ("User-Agent", "", (400, "INVALID_REQUEST")),
        ("Wechatpay-Serial", None, (400, "INVALID_REQUEST")),
        ("Wechatpay-Serial", "PUB_KEY_ID_0", (400, "INVALID_REQUEST")),
        ("Content-Type", "text/plain", (415, "PARAM_ERROR")),
    ],
)
def test_a_missing_or_wrong_header_is_refused(
    caller: Caller, header: str, value: str | None, refusal: tuple[int, str]
) -> None:
    body = json.dumps(order()).encode()
    headers = {**caller.headers("POST", JSAPI, body), header: value}
    assert caller.send(JSAPI, body, {name: said for name, said in headers.items() if said is not None}) == refusal


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"appid": "wx0"}, (400, "APPID_MCHID_NOT_MATCH")),
        ({"mchid": "1900000001"}, (400, "MCH_NOT_EXISTS")),
        ({"mchid": None}, (400, "PARAM_ERROR")),
        ({"out_trade_no": "12345"}, (400, "PARAM_ERROR")),
        ({"out_trade_no": "x" * 33}, (400, "PARAM_ERROR")),
        ({"out_trade_no": "ORDER 0001"}, (400, "PARAM_ERROR")),
        ({"description": "字" * 128}, (400, "PARAM_ERROR")),
        ({"description": ""}, (400, "PARAM_ERROR")),
        ({"attach": "x" * 129}, (400, "PARAM_ERROR")),
        ({"notify_url": "http://127.0.0.1/pay/notify?a=1"}, (400, "PARAM_ERROR")),
        ({"notify_url": "/pay/notify"}, (400, "PARAM_ERROR")),
        ({"amount": {"total": 0, "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"total": 400.0, "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"total": "40000", "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"total": 40000}}, (400, "PARAM_ERROR")),
        ({"payer": {"openid": "oStranger"}}, (400, "PARAM_ERROR")),
        ({"payer": None}, (400, "PARAM_ERROR")),
        ({"time_expire": rfc3339(NINE_O_CLOCK + 59)}, (400, "PARAM_ERROR")),
        ({"time_expire": rfc3339(NINE_O_CLOCK + 7 * 86400 + 1)}, (400, "PARAM_ERROR")),
        ({"time_expire": "2026-11-23 10:00:00"}, (400, "PARAM_ERROR")),
        ({"time_expire": "2026-13-23T10:00:00+08:00"}, (400, "PARAM_ERROR")),
        ({"invented": 1}, (400, "PARAM_ERROR")),
    ],
    ids=str,
)
def test_a_wrong_field_is_refused(caller: Caller, changed: dict[str, object], refusal: tuple[int, str]) -> None:
    assert caller.post(order(**changed)) == refusal


@pytest.mark.parametrize(
    "changed",
    [
        {"time_expire": rfc3339(NINE_O_CLOCK + 60)},
        {"time_expire": None},
        {"description": "字" * 127, "attach": "x" * 128},
        {"out_trade_no": "a|*-_9", "amount": {"total": 1, "currency": "CNY"}},
    ],
    ids=str,
)
def test_a_field_at_its_limit_is_taken(caller: Caller, changed: dict[str, object]) -> None:
    assert caller.post(order(**changed)) == (200, "")


def test_a_native_order_names_no_payer(caller: Caller) -> None:
    native = "/v3/pay/transactions/native"
    assert caller.post(order(), native) == (400, "PARAM_ERROR")
    assert caller.post(order(payer=None), native) == (200, "")


def test_a_body_that_is_no_object_or_says_a_thing_twice_is_refused(caller: Caller) -> None:
    for body in (b"[]", b"{", b'{"mchid":"1","mchid":"2"}', b"\xff"):
        assert caller.send(JSAPI, body, caller.headers("POST", JSAPI, body)) == (400, "PARAM_ERROR")


def test_unknown_addresses_and_methods_are_empty_404_and_405(caller: Caller) -> None:
    assert caller.send("/v3/nothing", None, {}) == (404, "")
    assert caller.send(JSAPI, None, {}) == (405, "")


def test_there_are_no_platform_certificates(caller: Caller) -> None:
    path = "/v3/certificates"
    assert caller.send(path, None, caller.headers("GET", path, b"")) == (404, "RESOURCE_NOT_EXISTS")


def _public(pem: str) -> RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, RSAPublicKey)
    return key


def test_the_official_request_signatures_verify() -> None:
    known = vectors("pay/official_request_sign.json")
    build: Callable[[dict[str, str]], bytes] = lambda case: request_text(  # noqa: E731
        case["method"], case["url"], case["timestamp"], case["nonce_str"], case.get("body", "").encode()
    )
    verified = [case for case in known["cases"] if case.get("verified")]
    assert verified
    for case in verified:
        assert signed(build(case), case["signature"], _public(known["public_key"]))
        assert not signed(build({**case, "url": case["url"] + "?"}), case["signature"], _public(known["public_key"]))


def test_the_official_answer_signature_verifies() -> None:
    known = vectors("pay/official_response_verify.json")
    headers = known["headers"]
    text = answer_text(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], known["body"].encode())
    assert signed(text, headers["Wechatpay-Signature"], _public(known["public_key"]))


def test_the_seal_of_another_library_comes_out() -> None:
    known = vectors("pay/aesgcm_go.json")
    sealed = seal(known["apiv3_key"], known["nonce"], known["associated_data"], known["plaintext"].encode())
    assert sealed == known["ciphertext"]
