"""Connections that stall stop nothing: real sockets against `run.py serve`."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.sandbox.push_crypto import signature
from tests.bot.served import Bot, Wire, family, installed, megabytes, sheet_of, to_the_last_look
from tests.bot.web.stalling import Stalling

OF_EACH = 100  # of four kinds
CITIZENS = 50
# Measured once on a busy machine: the slowest of 50 turns that begin together 1.15 s, a callback 0.05 s, the last
# connection ended after 9.2 s, 27 MB more memory. The limits are generous, so that a busy machine does not decide them.
TURN_SECONDS = 4.0
CALLBACK_SECONDS = 4.0
ENDED_SECONDS = 15.0
MEGABYTES = 40.0


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with installed(tmp_path_factory.mktemp("stalled")) as one:
        one.serve()
        yield one


def fresh_query(bot: Bot) -> str:
    """What one who has seen a message's address can repeat: everything but the body."""
    stamp = str(int(time.time()))
    signed = signature(bot.sandbox.keys.token, stamp, "n1")
    return f"signature={signed}&timestamp={stamp}&nonce=n1&encrypt_type=aes&msg_signature={'0' * 40}"


def test_400_stalled_connections_stop_no_turn_and_no_callback_and_are_ended(bot: Bot) -> None:
    phone = bot.sandbox.wechat.phone("oPays")
    to_the_last_look(phone)
    phone.tap("确认缴费")
    page = phone.open_link("点这里付款")
    pids = family(bot.running[0])
    before = megabytes(pids)
    wire = Wire(bot.sandbox)

    def turn(number: int) -> float:
        began = time.monotonic()
        assert "身份证" in wire.post(bot.url, wire.click(f"oStalled{number}", "pay.medical"))
        return time.monotonic() - began

    with Stalling(bot.port, fresh_query(bot), OF_EACH) as stalling, ThreadPoolExecutor(CITIZENS) as citizens:
        turns = list(citizens.map(turn, range(CITIZENS)))
        bot.sandbox.pay.checkout_jsapi(sheet_of(page.text), phone.openid).pay()
        began = time.monotonic()
        assert bot.sandbox.pay.deliver_due() == 1
        callback = time.monotonic() - began
        assert all(one.acknowledged for one in bot.sandbox.pay.callbacks.all())
        with urllib.request.urlopen(f"{bot.url}/healthz", timeout=TURN_SECONDS) as answer:
            assert answer.status == 200
        open_now = sum(one.ended is None for one in stalling.all)
        ended = stalling.wait(ENDED_SECONDS)
        grown = megabytes(pids) - before
    print(
        f"{open_now} of {4 * OF_EACH} stalled while the slowest of {CITIZENS} turns took {max(turns):.2f} s and a "
        f"callback {callback:.2f} s; ended after {ended} s; memory grew by {grown:.0f} MB"
    )
    assert open_now >= 3 * OF_EACH
    assert max(turns) < TURN_SECONDS
    assert callback < CALLBACK_SECONDS
    assert all(seconds is not None and seconds < ENDED_SECONDS for seconds in ended.values()), ended
    assert grown < MEGABYTES


def refused(bot: Bot, head: str) -> int:
    """The status of a request whose body never comes; the server has to close the connection after it."""
    with socket.create_connection(("127.0.0.1", bot.port), timeout=4.0) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        assert connection.recv(1) == b""
        return answer.status


def test_what_the_address_shows_to_be_wrong_is_refused_before_the_body(bot: Bot) -> None:
    good = fresh_query(bot)
    xml, length = "Host: bot\r\nContent-Type: text/xml", "Content-Length: 500"
    old = signature(bot.sandbox.keys.token, "1700000000", "n1")

    def wechat(query: str, headers: str = f"{xml}\r\n{length}") -> int:
        return refused(bot, f"POST /wechat?{query} HTTP/1.1\r\n{headers}")

    assert wechat("") == 403
    assert wechat(good.replace("signature=", "signature=0", 1)) == 403
    assert wechat(good.replace("nonce=n1", "nonce=n2")) == 403
    assert wechat(good.replace("encrypt_type=aes", "encrypt_type=raw")) == 403
    assert wechat(good.partition("&msg_signature")[0]) == 403
    assert wechat(good.partition("&")[2]) == 403  # without `signature`
    assert wechat(f"{good}&nonce=n1") == 403  # twice
    assert wechat(f"signature={old}&timestamp=1700000000&nonce=n1&encrypt_type=aes&msg_signature={'0' * 40}") == 403
    assert wechat(good, f"{xml}\r\nContent-Length: 70000") == 413
    assert wechat(good, xml) == 411
    assert wechat(good, f"Host: bot\r\nContent-Type: application/json\r\n{length}") == 415


def test_a_callback_that_its_headers_show_to_be_wrong_is_refused_before_the_body(bot: Bot) -> None:
    now = str(int(time.time()))
    serial = bot.sandbox.keys.platform_public_key_id
    good = {
        "Host": "bot",
        "Content-Type": "application/json",
        "Content-Length": "500",
        "Wechatpay-Serial": serial,
        "Wechatpay-Timestamp": now,
        "Wechatpay-Nonce": "nonce",
        "Wechatpay-Signature": "c2lnbmVk",
    }

    def notify(**changed: str) -> int:
        headers = good | {name.replace("_", "-"): value for name, value in changed.items()}
        lines = "\r\n".join(f"{name}: {value}" for name, value in headers.items() if value)
        return refused(bot, f"POST /pay/notify HTTP/1.1\r\n{lines}")

    for missing in ("Wechatpay_Serial", "Wechatpay_Timestamp", "Wechatpay_Nonce", "Wechatpay_Signature"):
        assert notify(**{missing: ""}) == 400
    assert notify(Wechatpay_Serial="PUB_KEY_ID_0000000000000000000000000000") == 401
    assert notify(Wechatpay_Timestamp="1700000000") == 401
    assert notify(Content_Length="70000") == 413
    assert notify(Content_Type="text/xml") == 415


def test_a_head_is_a_get_without_its_body(bot: Bot) -> None:
    for path in ("/healthz", "/certificates/unknown.pdf"):
        answers = []
        for method in ("GET", "HEAD"):
            connection = http.client.HTTPConnection("127.0.0.1", bot.port, timeout=10)
            connection.request(method, path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.headers["content-type"], answer.headers["content-length"]))
            body = answer.read()
            connection.close()
            assert bool(body) == (method == "GET")
        assert answers[0] == answers[1]


def test_http_2_is_not_spoken(bot: Bot) -> None:
    with socket.create_connection(("127.0.0.1", bot.port), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        said = connection.recv(65536)
        assert b"\x00\x00\x00" not in said[:9]  # no SETTINGS frame
        assert not said or said.startswith(b"HTTP/1.1 400")


def test_odd_requests_are_answered_and_never_a_500(bot: Bot) -> None:
    for head in (
        "GET /%E4%BD%A0%FF HTTP/1.1\r\nHost: bot",
        "GET /pay/%00%2F HTTP/1.1\r\nHost: bot",
        "GET /healthz HTTP/1.1\r\nHost: bot\r\nX-Odd: \xff\xfe",
        "POST /nothing HTTP/1.1\r\nHost: bot\r\nContent-Length: 0",
        "DELETE /wechat HTTP/1.1\r\nHost: bot\r\nContent-Length: 0",
        "OPTIONS * HTTP/1.1\r\nHost: bot",
        "POST /wechat HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\nContent-Length: 7",
    ):
        with socket.create_connection(("127.0.0.1", bot.port), timeout=10) as connection:
            connection.sendall(head.encode("latin-1") + b"\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status < 500, (head, json.dumps(answer.read().decode("latin-1")))
