"""The addresses around /wechat: callbacks, the hand-off, health, metrics, and what all answers have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from bot.pay.notify_guard import Notification, NotifyRefused
from bot.turns.values import Answer
from bot.web.services import Check
from dialogs.said import Said
from tests.bot.wechat_side import NOW, OPENID, Side, Turning, event_xml, text_xml

ROOT = Path(__file__).parents[3]
KINDS: dict[bytes, Literal["payment", "refund", "other"]] = {
    b"payment": "payment",
    b"refund": "refund",
    b"other": "other",
}


class Guard:
    """Takes any body that names the kind of notification."""

    def check_headers(self, headers: Mapping[str, str], now: float) -> None:
        assert now == NOW
        if headers.get("wechatpay-serial") != "known":
            raise NotifyRefused("unknown Wechatpay-Serial", 401)

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notification:
        assert now == NOW
        return Notification("EV-1", "SOME.EVENT", KINDS[body], None, None)


def notify(side: Side, body: bytes, serial: str = "known") -> tuple[int, str]:
    result = side.client.simulate_post("/pay/notify", body=body, headers={"Wechatpay-Serial": serial})
    return result.status_code, result.text


@pytest.mark.parametrize("kind", ["payment", "refund"])
def test_a_settled_callback_is_answered_204(kind: str) -> None:
    settled: list[Notification] = []
    side = Side(others={"guard": Guard(), "settle": settled.append})
    assert notify(side, kind.encode()) == (204, "")
    assert [each.kind for each in settled] == [kind]


def test_a_refused_callback_changes_nothing_and_says_fail() -> None:
    settled: list[Notification] = []
    side = Side(others={"guard": Guard(), "settle": settled.append})
    status, text = notify(side, b"payment", serial="forged")
    assert (status, json.loads(text)["code"]) == (401, "FAIL")
    status, text = notify(side, b"x" * 100_000)
    assert (status, json.loads(text)["code"]) == (413, "FAIL")
    assert settled == []


def test_a_callback_that_cannot_be_settled_is_sent_again() -> None:
    def broken(notification: Notification) -> None:
        raise RuntimeError("secret database trouble")

    status, text = notify(Side(others={"guard": Guard(), "settle": broken}), b"payment")
    assert (status, json.loads(text)["code"]) == (500, "FAIL")
    assert "secret" not in text


def test_a_callback_of_an_unknown_kind_is_taken_and_not_settled() -> None:
    settled: list[Notification] = []
    side = Side(others={"guard": Guard(), "settle": settled.append})
    assert notify(side, b"other")[0] == 200
    assert settled == []
    assert 'bot_pay_notified_total{outcome="other"} 1.0' in side.services.metrics.page().decode()


def test_the_pay_address_answers_what_the_hand_off_says() -> None:
    def hand_off(token: str, agent: str, failed: str) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {"Content-Type": "text/html", "Content-Security-Policy": "own"}, f"{token} {agent}".encode()

    client = Side(others={"hand_off": hand_off}).client
    result = client.simulate_get("/pay/abc", headers={"User-Agent": "MicroMessenger"})
    assert result.text == "abc MicroMessenger"
    assert result.headers["content-security-policy"] == "own"
    assert client.simulate_get("/pay/a/b").status_code == 404
    assert client.simulate_post("/pay/abc").status_code == 405
    assert client.simulate_get("/pay/notify").status_code == 405


def test_health_is_503_where_one_check_fails_and_says_which() -> None:
    well = Side().client.simulate_get("/healthz")
    assert (well.status_code, well.json["ok"]) == (200, True)
    checks = [Check("database", ok=True), Check("worker", ok=False, says="no notices are sent")]
    ill = Side(others={"health": lambda: checks}).client.simulate_get("/healthz")
    assert ill.status_code == 503
    assert ill.json["checks"]["worker"] == {"ok": False, "says": "no notices are sent"}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 404),
        ("::1", {}, 404),
        ("10.0.0.7", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", {"Authorization": "Bearer s3cret"}, 200),
        ("10.0.0.7", {"Authorization": "Bearer s3cret"}, 200),
        ("10.0.0.7", {"Authorization": "Bearer wrong"}, 404),
        ("10.0.0.7", {"Authorization": "Bearer "}, 404),
        ("", {}, 404),
    ],
)
def test_metrics_want_their_token_whenever_one_is_set(address: str, headers: dict[str, str], status: int) -> None:
    client = Side(others={"metrics_token": "s3cret"}).client
    result = client.simulate_get("/metrics", headers=headers, remote_addr=address, extras={"REMOTE_ADDR": address})
    assert result.status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_without_a_token_the_loopback_reads_the_metrics_unless_a_proxy_asks_for_another(header: str) -> None:
    client = Side().client
    loopback = {"remote_addr": "127.0.0.1", "extras": {"REMOTE_ADDR": "127.0.0.1"}}
    assert client.simulate_get("/metrics", **loopback).status_code == 200
    assert client.simulate_get("/metrics", headers={header: "1.1 proxy"}, **loopback).status_code == 404


def test_without_a_token_no_token_opens_the_metrics() -> None:
    for header in ("Bearer ", "Bearer", ""):
        result = Side().client.simulate_get("/metrics", headers={"Authorization": header}, remote_addr="10.0.0.7")
        assert result.status_code == 404


def test_turns_and_refusals_are_counted() -> None:
    side = Side()
    side.says(text_xml("a"))
    side.says(event_xml("VIEW"))
    side.post(text_xml("a"), msg_signature="")
    side.says("<xml/>")
    page = side.client.simulate_get("/metrics", remote_addr="127.0.0.1").text
    assert 'bot_turns_total{outcome="answered"} 1.0' in page
    assert 'bot_turns_total{outcome="quiet"} 1.0' in page
    assert 'bot_refused_total{reason="signature",where="wire"} 1.0' in page
    assert 'bot_refused_total{reason="FromUserName",where="message"} 1.0' in page
    assert "bot_turn_seconds_count 2.0" in page


def test_every_answer_has_the_safe_headers() -> None:
    client = Side().client
    for path in ("/wechat", "/nothing", "/healthz", "/pay/x"):
        headers = client.simulate_get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_an_unknown_address_is_a_plain_404() -> None:
    result = Side().client.simulate_get("/admin")
    assert (result.status_code, result.text) == (404, "404 Not Found")
    assert result.headers["content-type"].startswith("text/plain")


def test_no_stack_trace_leaves_the_house() -> None:
    def broken(token: str, agent: str) -> tuple[int, Mapping[str, str], bytes]:
        raise RuntimeError("secret")

    result = Side(others={"hand_off": broken}).client.simulate_get("/pay/x")
    assert result.status_code == 500
    assert result.text.startswith("500 ")
    assert "secret" not in result.text


def test_a_message_is_answered_200_even_where_the_turn_cannot_be_begun() -> None:
    def broken(openid: str, message: str, said: Said) -> Answer:
        raise RuntimeError("secret")

    told = Side(Turning(broken)).says(text_xml("a"))
    assert told.startswith("trouble ")


def test_a_turn_gets_openid_key_and_what_was_said() -> None:
    side = Side()
    side.says(text_xml("甲", number=7))
    assert side.turning.came == [(OPENID, f"{OPENID}:1790000000:7", Said("text", "甲"))]


def test_an_answer_without_words_is_success_unsealed() -> None:
    result = Side().post(event_xml("unsubscribe"))
    assert (result.status_code, result.text) == (200, "success")


COUNTING = """
from bot.web.metrics import Metrics

metrics = Metrics()
for _ in range(150):
    metrics.turn("answered", 0.01)
metrics.notified("settled")
print(metrics.page().decode())
"""


def test_the_workers_of_one_serve_count_together(tmp_path: Path) -> None:
    pages = []
    for _ in range(2):
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", COUNTING], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        pages.append(done.stdout)
    assert 'bot_turns_total{outcome="answered"} 150.0' in pages[0]
    assert 'bot_turns_total{outcome="answered"} 300.0' in pages[1]
    assert 'bot_pay_notified_total{outcome="settled"} 2.0' in pages[1]
    assert "bot_turn_seconds_count 300.0" in pages[1]
