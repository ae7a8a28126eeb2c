"""POST /pay/notify through the whole application: what is genuine is booked once, all else changes nothing."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from typing import Any, cast

import falcon
import falcon.testing
import pytest
from sqlalchemy import update

from bot.sandbox.faults import NOTHING, Fault, Fired
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import rfc3339
from bot.sandbox.pay_sign import Platform, as_json
from storage.database import DatabaseUnavailable, writing
from storage.orders.columns import ATTEMPT, DISCREPANCY, EXPORT, LEDGER, LINE, NOTICE, ORDER, PAYMENT
from tests.bot.room import PAYER, Room, assert_paid_once, placed

Told = dict[str, Any]


def charge(room: Room, number: str, **other: Any) -> Told:
    """What WeChat Pay says of a payment, as its own query says it."""
    now = room.sandbox.clock.now()
    amount = {"total": 50000, "payer_total": 50000, "currency": "CNY", "payer_currency": "CNY"}
    told = {"appid": room.sandbox.keys.app_id, "mchid": room.sandbox.keys.mch_id, "out_trade_no": number}
    told |= {"transaction_id": "4200000001202611230000000001", "trade_type": "JSAPI", "trade_state": "SUCCESS"}
    told |= {"trade_state_desc": "支付成功", "bank_type": "OTHERS", "success_time": rfc3339(now)}
    return told | {"payer": {"openid": PAYER}, "amount": amount} | other


def callback(room: Room, told: Told, kind: str = "transaction", event: str = "TRANSACTION.SUCCESS") -> bytes:
    return as_json(
        {
            "id": secrets.token_hex(16),
            "create_time": rfc3339(room.sandbox.clock.now()),
            "event_type": event,
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
            "resource": room.pay.platform.seal(kind, told),
        }
    )


def post(
    room: Room, body: bytes, headers: dict[str, str] | None = None, fired: Fired = NOTHING
) -> falcon.testing.Result:
    """Signed by WeChat Pay unless other headers are given."""
    client = falcon.testing.TestClient(cast(falcon.App[Any, Any], room.app.wsgi))
    signed = room.pay.platform.headers(body, fired) if headers is None else headers
    return client.simulate_post("/pay/notify", body=body, headers={"Content-Type": "application/json", **signed})


def money(room: Room) -> dict[str, object]:
    tables = {"order": ORDER, "line": LINE, "attempt": ATTEMPT, "payment": PAYMENT, "ledger": LEDGER}
    tables |= {"export": EXPORT, "notice": NOTICE}
    return {name: room.counter.rows(table) for name, table in tables.items()}


@pytest.fixture
def number(room: Room) -> str:
    """The number of an attempt that can be paid."""
    return placed(room, room.counter.open(PAYER))


def order_of(number: str) -> str:
    return number.rpartition("-")[0]


def test_a_genuine_callback_is_answered_204_and_books_once(room: Room, number: str) -> None:
    answer = post(room, callback(room, charge(room, number)))
    assert (answer.status_code, answer.text) == (204, "")
    assert_paid_once(room, order_of(number))


def test_the_same_callback_twice_is_answered_204_and_booked_once(room: Room, number: str) -> None:
    body = callback(room, charge(room, number))
    headers = room.pay.platform.headers(body, NOTHING)
    assert [post(room, body, headers).status_code for _ in range(3)] == [204] * 3
    assert post(room, callback(room, charge(room, number))).status_code == 204
    assert_paid_once(room, order_of(number))
    assert room.counter.rows(DISCREPANCY) == []


Change = Callable[[Room, dict[str, str], bytes], tuple[dict[str, str], bytes]]
REFUSED: dict[str, tuple[int, Change]] = {
    "no signature at all": (400, lambda room, headers, body: ({}, body)),
    "another body under the signature": (
        401,
        lambda room, headers, body: (headers, body.replace(b"SUCCESS", b"success")),
    ),
    "another nonce": (401, lambda room, headers, body: (headers | {"Wechatpay-Nonce": "0" * 32}, body)),
    "another time": (
        401,
        lambda room, headers, body: (headers | {"Wechatpay-Timestamp": str(int(room.sandbox.clock.now()) + 1)}, body),
    ),
    "the merchant's key": (
        401,
        lambda room, headers, body: (room.pay.platform.headers(body, Fired(frozenset({Fault.WRONG_SIGNATURE}))), body),
    ),
    "the probe": (
        401,
        lambda room, headers, body: (room.pay.platform.headers(body, Fired(frozenset({Fault.SIGNTEST}))), body),
    ),
    "an unknown serial": (401, lambda room, headers, body: (headers | {"Wechatpay-Serial": "5F4E3D2C1B0A"}, body)),
    "a key id of another merchant": (
        401,
        lambda room, headers, body: (headers | {"Wechatpay-Serial": "PUB_KEY_ID_" + "9" * 34}, body),
    ),
    "cut off": (401, lambda room, headers, body: (headers, body[: len(body) // 2])),
    "v2 XML": (400, lambda room, headers, body: (headers, b"<xml><return_code>SUCCESS</return_code></xml>")),
    "nothing": (411, lambda room, headers, body: (headers, b"")),
    "a megabyte": (413, lambda room, headers, body: (headers, b"{" + b" " * 2**20)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_genuine_is_refused_without_a_call_and_changes_nothing(
    room: Room, number: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, change = REFUSED[what]
    body = callback(room, charge(room, number))
    headers, sent = change(room, room.pay.platform.headers(body, NOTHING), body)
    before = money(room)

    def calls(*_: Any) -> None:
        raise AssertionError("an outgoing call")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", calls)
        answer = post(room, sent, headers)
    assert (answer.status_code, answer.json["code"]) == (status, "FAIL")
    assert money(room) == before
    assert room.counter.rows(DISCREPANCY) == []
    assert post(room, body).status_code == 204
    assert_paid_once(room, order_of(number))


@pytest.mark.parametrize("minutes", [-10, 10])
def test_ten_minutes_away_is_refused(room: Room, number: str, minutes: int) -> None:
    body = callback(room, charge(room, number))
    headers = Platform(room.sandbox.keys, lambda: room.sandbox.clock.now() + minutes * 60).headers(body, NOTHING)
    before = money(room)
    assert post(room, body, headers).status_code == 401
    assert money(room) == before


def test_sealed_for_somebody_else_is_refused(room: Room, number: str) -> None:
    strangers = SandboxKeys.fresh()
    stranger = Platform(strangers, room.sandbox.clock.now)
    message = json.loads(callback(room, charge(room, number)))
    body = as_json(message | {"resource": stranger.seal("transaction", charge(room, number))})
    before = money(room)
    assert post(room, body).status_code == 400
    assert post(room, body, stranger.headers(body, NOTHING)).status_code == 401
    assert money(room) == before


OTHER: dict[str, tuple[str, Told]] = {
    "a smaller amount": ("amount", {"amount": {"total": 1, "currency": "CNY"}}),
    "a greater amount": ("amount", {"amount": {"total": 50001, "currency": "CNY"}}),
    "another currency": ("not_ours", {"amount": {"total": 50000, "currency": "USD"}}),
    "another mchid": ("not_ours", {"mchid": "1900000999"}),
    "another appid": ("not_ours", {"appid": "wx0000000000000000"}),
    "an unknown number": ("unknown_number", {"out_trade_no": "261123ABCDEFGH-1"}),
}


@pytest.mark.parametrize("what", OTHER)
def test_signed_rightly_but_saying_something_else_is_kept_for_a_person_and_books_nothing(
    room: Room, number: str, what: str
) -> None:
    kind, said = OTHER[what]
    before = money(room)
    for _ in range(2):
        answer = post(room, callback(room, charge(room, number, **said)))
        assert (answer.status_code, answer.json["code"]) == (400, "FAIL")  # sent again it says the same
    assert money(room) == before
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == [kind]
    assert post(room, callback(room, charge(room, number))).status_code == 204
    assert_paid_once(room, order_of(number))


UNREADABLE: dict[str, Told] = {
    "not paid": {"trade_state": "NOTPAY"},
    "no transaction": {"transaction_id": None},
    "no amount": {"amount": {}},
    "an amount of text": {"amount": {"total": "50000", "currency": "CNY"}},
    "an amount of a fraction": {"amount": {"total": 50000.5, "currency": "CNY"}},
    "a number with a path": {"out_trade_no": "../../x"},
    "no time": {"success_time": None},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_signed_rightly_but_unreadable_is_refused(room: Room, number: str, what: str) -> None:
    before = money(room)
    assert post(room, callback(room, charge(room, number, **UNREADABLE[what]))).status_code == 400
    assert money(room) == before


def test_another_transaction_for_a_paid_number_is_kept_for_a_person(room: Room, number: str) -> None:
    post(room, callback(room, charge(room, number)))
    assert post(room, callback(room, charge(room, number, transaction_id="42000000000000002"))).status_code == 400
    assert_paid_once(room, order_of(number))
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == ["second_transaction"]


def test_after_closing_it_is_settled_where_the_payable_is_still_free(room: Room, number: str) -> None:
    room.cashier.cancel(PAYER, order_of(number))
    assert room.counter.order(order_of(number)).state == "closed"
    assert post(room, callback(room, charge(room, number))).status_code == 204
    assert_paid_once(room, order_of(number))


def test_after_closing_it_is_owed_back_where_somebody_else_holds_the_payable(room: Room, number: str) -> None:
    room.cashier.cancel(PAYER, order_of(number))
    room.counter.open("oOther")
    assert post(room, callback(room, charge(room, number))).status_code == 204
    assert (room.counter.attempt(number).state, room.counter.rows(PAYMENT)) == ("refund_due", [])


def test_without_a_database_it_is_answered_500_and_booked_when_it_comes_again(
    room: Room, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = callback(room, charge(room, number))

    def gone(*_: Any) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr("storage.orders.settling.writing", gone)
        answer = post(room, body)
        assert (answer.status_code, answer.json["code"]) == (500, "FAIL")
    assert post(room, body).status_code == 204
    assert_paid_once(room, order_of(number))


def test_a_callback_of_a_kind_nobody_knows_is_taken_and_changes_nothing(room: Room, number: str) -> None:
    before = money(room)
    body = callback(room, {"echo": "x"}, kind="security", event="SECURITY_ECHO.SUCCESS")
    assert post(room, body).status_code == 200
    assert money(room) == before


# -- refunds


def refund(room: Room, number: str, **other: Any) -> Told:
    told = {"mchid": room.sandbox.keys.mch_id, "out_trade_no": number, "out_refund_no": f"{number}-R"}
    told |= {"transaction_id": "4200000001202611230000000001", "refund_id": "50300000001", "refund_status": "SUCCESS"}
    told |= {"success_time": rfc3339(room.sandbox.clock.now()), "user_received_account": "支付用户零钱"}
    amount = {"total": 50000, "refund": 50000, "payer_total": 50000, "payer_refund": 50000}
    return cast(Told, told) | {"amount": amount} | other


def told_of_a_refund(room: Room, told: Told) -> int:
    return post(room, callback(room, told, "refund", f"REFUND.{told['refund_status']}")).status_code


@pytest.fixture
def owing(room: Room, number: str) -> str:
    """The number of an attempt whose money has to go back."""
    room.cashier.cancel(PAYER, order_of(number))
    room.counter.open("oOther")
    post(room, callback(room, charge(room, number)))
    return number


def test_a_refund_is_booked_once_however_often_it_is_told(room: Room, owing: str) -> None:
    assert [told_of_a_refund(room, refund(room, owing)) for _ in range(3)] == [204] * 3
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert room.counter.attempt(owing).state == "refunded"


@pytest.mark.parametrize(
    "said",
    [
        {"mchid": "1900000999"},
        {"transaction_id": "42000000000000002"},
        {"amount": {"total": 50000, "refund": 1}},
        {"amount": {"total": 1, "refund": 50000}},
        {"out_trade_no": "261123ABCDEFGH-1"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_refund_that_is_not_word_for_word_ours_is_not_booked(room: Room, owing: str, said: Told) -> None:
    before = money(room)
    assert told_of_a_refund(room, refund(room, owing, **said)) == 204
    assert money(room) == before


@pytest.mark.parametrize("name", ["{}-R", "261123ABCDEFGH-1-R", "5030000000120261123", "a|b*c@d"])
def test_a_refund_that_did_not_begin_here_is_booked_whatever_its_number(room: Room, number: str, name: str) -> None:
    post(room, callback(room, charge(room, number)))
    said = refund(room, number, out_refund_no=name.format(number))
    assert [told_of_a_refund(room, said) for _ in range(3)] == [204] * 3
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert (room.counter.order(order_of(number)).state, room.counter.rows(PAYMENT)[0].status) == ("refunded",) * 2


def test_money_that_was_owed_and_went_back_under_another_number_is_owed_no_more(room: Room, owing: str) -> None:
    assert told_of_a_refund(room, refund(room, owing, out_refund_no="5030000000120261123")) == 204
    assert [row.amount for row in room.counter.rows(LEDGER)] == [50000, -50000]
    assert room.counter.attempt(owing).state == "refunded"
    room.wait(600)
    assert room.pay.refunds.all() == []


def test_a_refund_that_the_console_tells_of_in_xml_is_refused_and_changes_nothing(room: Room, number: str) -> None:
    """v2: what it is about is sealed with a key this bot has not got. The bill tells of it the next morning."""
    post(room, callback(room, charge(room, number)))
    before = money(room)
    body = b"<xml><return_code>SUCCESS</return_code><appid><![CDATA[wx1]]></appid><req_info>TWl6</req_info></xml>"
    assert post(room, body, {}).status_code == 400
    assert post(room, body).status_code == 400
    assert money(room) == before


@pytest.mark.parametrize("status", ["ABNORMAL", "CLOSED"])
def test_a_refund_that_failed_is_kept_for_a_person(room: Room, owing: str, status: str) -> None:
    told = {name: value for name, value in refund(room, owing, refund_status=status).items() if name != "success_time"}
    assert told_of_a_refund(room, told) == 204
    assert [row.kind for row in room.counter.rows(DISCREPANCY)] == ["refund"]
    assert len(room.counter.rows(LEDGER)) == 1


def test_old_words_of_a_refund_change_nothing(room: Room, owing: str) -> None:
    told_of_a_refund(room, refund(room, owing))
    with writing(room.app.engine) as connection:
        connection.execute(update(ORDER).values(due_at=None))
    before = money(room)
    assert told_of_a_refund(room, refund(room, owing, refund_status="ABNORMAL")) == 204
    assert money(room) == before
