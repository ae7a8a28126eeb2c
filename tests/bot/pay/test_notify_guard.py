"""What may come in at /pay/notify, and that nothing else does."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID

from bot.pay.merchant import wechatpay
from bot.pay.notify_guard import NotifyGuard, NotifyRefused, certificates_by_serial
from bot.pay.sealed import open_resource
from tests.bot.answering import Answer, Answering
from tests.bot.paykeys import NOW, key_of, merchant, paid, refunded, sealed, signed_headers
from tests.bot.vectors import foreign, foreign_json

PAID = sealed("TRANSACTION.SUCCESS", paid())


@pytest.fixture(scope="module")
def guard() -> NotifyGuard:
    return NotifyGuard(merchant())


def refused(guard: NotifyGuard, headers: dict[str, str], body: bytes, now: float = NOW) -> NotifyRefused:
    with pytest.raises(NotifyRefused) as caught:
        guard.read(headers, body, now)
    assert caught.value.status in (400, 401)
    return caught.value


def genuine(body: bytes, **how: Any) -> dict[str, str]:
    return signed_headers(body, key_of("platform"), **how)


def test_a_payment_is_read_whole(guard: NotifyGuard) -> None:
    told = guard.read(genuine(PAID), PAID, NOW)
    assert (told.id, told.event_type, told.kind, told.refund) == ("one-id", "TRANSACTION.SUCCESS", "payment", None)
    assert told.charge
    assert (told.charge.out_trade_no, told.charge.amount, told.charge.mchid) == ("A202611230001", 50000, "1900000001")


def test_a_refund_is_read_whole(guard: NotifyGuard) -> None:
    inside = {**refunded(), "mchid": "1900000001", "refund_status": "SUCCESS"}
    del inside["status"]
    body = sealed("REFUND.SUCCESS", inside)
    told = guard.read(genuine(body), body, NOW)
    assert told.kind == "refund"
    assert told.refund
    assert (told.refund.mchid, told.refund.refund.state, told.refund.refund.amount) == ("1900000001", "SUCCESS", 50000)


def test_another_event_is_let_in_as_other(guard: NotifyGuard) -> None:
    body = sealed("SECURITY_ECHO.SUCCESS", {"anything": 1})
    told = guard.read(genuine(body), body, NOW)
    assert (told.kind, told.charge, told.refund) == ("other", None, None)


@pytest.mark.parametrize("spelling", [str.upper, str.lower, str.title])
def test_headers_are_found_however_they_are_spelled(guard: NotifyGuard, spelling: Callable[[str], str]) -> None:
    headers = {spelling(name): value for name, value in genuine(PAID).items()}
    assert guard.read({**headers, "Content-Type": "application/json"}, PAID, NOW).kind == "payment"


def test_the_signature_type_may_be_named_and_must_be_the_known_one(guard: NotifyGuard) -> None:
    named = {**genuine(PAID), "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}
    assert guard.read(named, PAID, NOW).kind == "payment"
    assert refused(guard, {**named, "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, PAID).status == 401


def test_a_forged_signature_is_refused(guard: NotifyGuard) -> None:
    assert refused(guard, signed_headers(PAID, key_of("forger")), PAID).reason == "wrong signature"


def test_an_altered_body_is_refused(guard: NotifyGuard) -> None:
    assert refused(guard, genuine(PAID), PAID.replace(b"one-id", b"two-id")).reason == "wrong signature"


@pytest.mark.parametrize("name", ["Wechatpay-Timestamp", "Wechatpay-Nonce"])
def test_an_altered_timestamp_or_nonce_is_refused(guard: NotifyGuard, name: str) -> None:
    assert refused(guard, {**genuine(PAID), name: str(NOW + 1)}, PAID).reason == "wrong signature"


@pytest.fixture
def elsewhere() -> Iterator[Answering]:
    with Answering() as answering:
        answering.answer = lambda asked: Answer(404)
        yield answering


def test_an_unknown_serial_is_refused_without_a_call_which_the_library_alone_would_make(elsewhere: Answering) -> None:
    headers = {**genuine(PAID, serial="0A1B2C"), "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}
    library = wechatpay(merchant(), "https://bot.example/pay/notify")
    library._core._gate_way = elsewhere.url
    library.callback(headers, PAID)
    assert [asked.path for asked in elsewhere.asked] == ["/v3/certificates"]
    elsewhere.asked.clear()
    guard = NotifyGuard(merchant())
    guard._opener._core._gate_way = elsewhere.url
    assert refused(guard, headers, PAID).reason == "unknown Wechatpay-Serial"
    assert elsewhere.asked == []


def test_the_library_inside_the_guard_could_not_sign_a_call(guard: NotifyGuard) -> None:
    assert guard._opener._core._private_key is None


def test_wechat_pays_own_probe_is_refused(guard: NotifyGuard) -> None:
    headers = genuine(PAID)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]
    assert refused(guard, headers, PAID).reason == "WeChat Pay's own signature probe"


@pytest.mark.parametrize("late", [-301, 301, 600])
def test_a_callback_of_another_time_is_refused_though_well_signed(guard: NotifyGuard, late: int) -> None:
    assert refused(guard, genuine(PAID), PAID, NOW + late).reason == "Wechatpay-Timestamp is not of now"
    assert guard.read(genuine(PAID), PAID, NOW + 300).kind == "payment"


@pytest.mark.parametrize(
    "moment", ["", "now", "-5", "1e9", "１７９５００００００", "1_795_000_000", " 1795000000", "9" * 500]
)
def test_a_timestamp_that_is_no_number_is_refused(guard: NotifyGuard, moment: str) -> None:
    refused(guard, {**genuine(PAID), "Wechatpay-Timestamp": moment}, PAID)


@pytest.mark.parametrize("name", ["Serial", "Signature", "Timestamp", "Nonce"])
@pytest.mark.parametrize("value", [None, "", "é", "a\nb", "x" * 2000])
def test_a_missing_or_strange_header_is_refused(guard: NotifyGuard, name: str, value: str | None) -> None:
    headers = {key: kept for key, kept in genuine(PAID).items() if not key.endswith(name)}
    refused(guard, headers if value is None else {**headers, f"Wechatpay-{name}": value}, PAID)


def test_two_different_headers_of_one_name_are_refused(guard: NotifyGuard) -> None:
    headers = genuine(PAID)
    assert refused(guard, {**headers, "wechatpay-serial": "0A1B"}, PAID).status == 400
    assert guard.read({**headers, "wechatpay-serial": headers["Wechatpay-Serial"]}, PAID, NOW)


def test_another_api_v3_key_is_told_apart_from_a_forgery(guard: NotifyGuard) -> None:
    body = sealed("TRANSACTION.SUCCESS", paid(), key="K" * 32)
    assert "api_v3_key" in refused(guard, genuine(body), body).reason


def test_a_body_over_64_kib_is_refused_before_anything_is_computed(guard: NotifyGuard) -> None:
    body = b"{" + b" " * (64 * 1024)
    assert refused(guard, genuine(body), body).reason == "body too long"


def resealed(**change: object) -> bytes:
    message = json.loads(PAID)
    message["resource"].update(change)
    return json.dumps(message).encode()


def with_surrogate() -> bytes:
    plain = json.dumps({**paid(), "attach": "\ud800"}).encode()
    return sealed("TRANSACTION.SUCCESS", plain)


STRANGE = {
    "empty": b"",
    "a list": b"[]",
    "not JSON": b"{not json",
    "no resource": b"{}",
    "not UTF-8": b'{"id":"\xff\xfe"}',
    "UTF-16": PAID.decode().encode("utf-16"),
    "deep": b'{"a":' * 10_000,
    "10,000 digits": b'{"id":' + b"9" * 10_000 + b"}",
    "resource is a list": json.dumps({**json.loads(PAID), "resource": []}).encode(),
    "resource type": json.dumps({**json.loads(PAID), "resource_type": "plain"}).encode(),
    "id is a number": json.dumps({**json.loads(PAID), "id": 5}).encode(),
    "id is missing": json.dumps({key: kept for key, kept in json.loads(PAID).items() if key != "id"}).encode(),
    "event is missing": json.dumps({**json.loads(PAID), "event_type": None}).encode(),
    "half a surrogate pair in the id": json.dumps({**json.loads(PAID), "id": "\ud800"}).encode(),
    "nonce short": resealed(nonce="short"),
    "nonce a number": resealed(nonce=5),
    "nonce missing": resealed(nonce=None),
    "algorithm": resealed(algorithm="AEAD_SM4_GCM"),
    "ciphertext not base64": resealed(ciphertext="!!!"),
    "ciphertext too short": resealed(ciphertext="AAAA"),
    "associated data a list": resealed(associated_data=["x"]),
    "sealed list": sealed("TRANSACTION.SUCCESS", []),
    "sealed text": sealed("TRANSACTION.SUCCESS", "paid"),
    "sealed bytes": sealed("TRANSACTION.SUCCESS", b"\xff\xfe"),
    "sealed surrogate": with_surrogate(),
    "not paid": sealed("TRANSACTION.SUCCESS", {**paid(), "trade_state": "NOTPAY"}),
    "amount a text": sealed("TRANSACTION.SUCCESS", {**paid(), "amount": {"total": "1", "currency": "CNY"}}),
    "amount missing": sealed("TRANSACTION.SUCCESS", {**paid(), "amount": None}),
    "number with a space": sealed("TRANSACTION.SUCCESS", paid("A 2026")),
    "number with NUL": sealed("TRANSACTION.SUCCESS", paid("A2026\x00")),
    "refund without mchid": sealed("REFUND.SUCCESS", refunded()),
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE.keys())
def test_strange_bodies_are_refused_even_when_well_signed(guard: NotifyGuard, body: bytes) -> None:
    assert "wrong signature" not in refused(guard, genuine(body), body).reason


@pytest.fixture(scope="module")
def foreign_guard() -> NotifyGuard:
    vector = foreign_json("notify_go.json")
    keyed = replace(merchant(), api_v3_key=vector["apiv3_key"])
    return NotifyGuard(keyed, {vector["cert_serial"]: vector["certificate"]})


def test_the_foreign_notification_signed_by_a_certificate_is_let_in(foreign_guard: NotifyGuard) -> None:
    vector = foreign_json("notify_go.json")
    told = foreign_guard.read(vector["headers"], vector["body"].encode(), 1624523846)
    assert (told.id, told.kind) == ("3119dfba-e649-5eec-ab1e-3412bc4d2e17", "other")
    assert told.event_type == "PAYSCORE.USER_OPEN_SERVICE"
    resource = json.loads(vector["body"])["resource"]
    assert open_resource(vector["apiv3_key"], resource) == json.loads(vector["plaintext"])


def test_the_foreign_notification_is_refused_altered_late_or_without_its_certificate(
    guard: NotifyGuard, foreign_guard: NotifyGuard
) -> None:
    vector = foreign_json("notify_go.json")
    headers, body = vector["headers"], vector["body"].encode()
    assert refused(guard, headers, body, 1624523846).reason == "unknown Wechatpay-Serial"
    assert refused(foreign_guard, headers, body.replace(b"3119", b"3118"), 1624523846).reason == "wrong signature"
    assert refused(foreign_guard, headers, body, 1624523846 + 301).status == 401
    other_key = NotifyGuard(merchant(), {vector["cert_serial"]: vector["certificate"]})
    assert "api_v3_key" in refused(other_key, headers, body, 1624523846).reason


def test_a_certificate_with_another_serial_inside_is_told_at_the_start() -> None:
    certificate = foreign_json("notify_go.json")["certificate"]
    with pytest.raises(ValueError, match="another serial"):
        NotifyGuard(merchant(), {"D7CE59D1F522D702": certificate})


def test_the_public_key_still_works_beside_a_certificate() -> None:
    vector = foreign_json("notify_go.json")
    both = NotifyGuard(merchant(), {vector["cert_serial"]: vector["certificate"]})
    assert both.read(genuine(PAID), PAID, NOW).kind == "payment"


def test_the_foreign_resource_opens() -> None:
    vector = foreign_json("aesgcm_go.json")
    cipher = AESGCM(vector["apiv3_key"].encode())
    sealed_text = base64.b64decode(vector["ciphertext"])
    opened = cipher.decrypt(vector["nonce"].encode(), sealed_text, vector["associated_data"].encode())
    assert opened.decode() == vector["plaintext"]
    with pytest.raises(json.JSONDecodeError):  # it opens, and holds no object
        open_resource(vector["apiv3_key"], {**vector, "algorithm": "AEAD_AES_256_GCM"})


@pytest.mark.parametrize(
    "name",
    [
        "wechatpay-php__paysuccess.notification.sample.xml",
        "wechatpay-php__refund.notification.req_info.sample.xml",
        "wechatpay-php__fragment_injection.sample.xml",
        "wechatpay-php__invalid.bad_entity.sample.xml",
        "wechatpay-php__invalid.xxe_injection.sample.xml",
        "wechatpay-java__wechat_pay_notification.json",
    ],
)
def test_foreign_xml_and_half_notifications_are_refused_signed_or_not(guard: NotifyGuard, name: str) -> None:
    body = foreign(name)
    refused(guard, {}, body)
    assert refused(guard, genuine(body), body).status == 400


def platform_certificate(begins: datetime, ends: datetime) -> str:
    """A platform certificate with the serial number 5157F09EFDC096DE15EBE81A47057A7232F1B8E1, of a key of its own."""
    name = Name([NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    key = key_of("platform certificate")
    made = CertificateBuilder(name, name, key.public_key(), int(SERIAL, 16), begins, ends).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode()


SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
DAY = timedelta(days=1)


def test_while_keys_are_changed_callbacks_signed_by_either_are_let_in() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    guard = NotifyGuard(merchant(), certificates_by_serial([platform_certificate(now - DAY, now + DAY)]))
    by_certificate = signed_headers(PAID, key_of("platform certificate"), serial=SERIAL)
    guard.check_headers(by_certificate, NOW)
    assert guard.read(by_certificate, PAID, NOW).kind == "payment"
    assert guard.read(genuine(PAID), PAID, NOW).kind == "payment"
    forged = signed_headers(PAID, key_of("somebody"), serial=SERIAL)
    assert refused(guard, forged, PAID).reason == "wrong signature"


def test_a_certificate_that_has_run_out_lets_nothing_in() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    guard = NotifyGuard(merchant(), certificates_by_serial([platform_certificate(now - 2 * DAY, now - DAY)]))
    by_certificate = signed_headers(PAID, key_of("platform certificate"), serial=SERIAL)
    assert refused(guard, by_certificate, PAID).reason == "the platform certificate has run out"


def test_what_is_no_certificate_is_not_taken_for_one() -> None:
    with pytest.raises(ValueError):
        certificates_by_serial(["-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----"])
