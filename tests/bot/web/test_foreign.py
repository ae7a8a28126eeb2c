"""Foreign samples through the whole application: nothing hostile gets a 500, nothing foreign is believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import falcon.testing
import pytest

from bot.app import App, build
from bot.sandbox.push_crypto import PushCrypto, signature
from bot.sandbox.push_xml import envelope
from bot.settings import read
from bot.web.routes import build_wsgi
from bot.wire.sealing import WireKeys
from storage.orders.columns import DISCREPANCY, LEDGER
from storage.sealing import FieldSeal
from tests.bot.sandbox_parts import keys

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "vectors"
PUSH = VECTORS / "push" / "message_push_vectors.json"
HOSTILE = sorted((VECTORS / "pay").glob("*.xml"))
KEYS = keys()


def application(folder: Path, account: dict[str, str], now: float) -> App:
    """A bot of our keys at WeChat Pay, and of this account's; nobody listens where it would call."""
    FieldSeal.create(folder / "field.key")
    (folder / "bot.toml").write_text("")
    nowhere = "http://127.0.0.1:9"
    pay = {
        "mch_id": KEYS.mch_id,
        "api_v3_key": KEYS.api_v3_key,
        "serial_no": KEYS.merchant_serial,
        "private_key": KEYS.merchant_key_pem,
        "platform_public_key": KEYS.platform_public_key_pem,
        "platform_public_key_id": KEYS.platform_public_key_id,
        "api_base": nowhere,
    }
    settings = read(
        folder / "bot.toml",
        {
            "wechat": {"secret": KEYS.secret, "api_base": nowhere, **account},
            "pay": pay,
            "storage": {"database": f"sqlite:///{folder / 'bot.db'}", "field_key": "field.key"},
        },
    )
    return build(settings, clock=lambda: now, wakes=False)


@pytest.fixture
def ours(tmp_path: Path, migrated_file: Path) -> Iterator[App]:
    shutil.copyfile(migrated_file, tmp_path / "bot.db")
    account = {"app_id": KEYS.app_id, "token": KEYS.token, "encoding_aes_key": KEYS.encoding_aes_key}
    app = application(tmp_path, account, 1_790_000_000)
    yield app
    app.stop()


def nothing_is_booked(app: App) -> bool:
    with app.engine.connect() as connection:
        return not [*connection.execute(LEDGER.select()), *connection.execute(DISCREPANCY.select())]


def test_the_five_hostile_and_v2_samples_are_here() -> None:
    if not HOSTILE:
        pytest.skip("no foreign pay samples here")
    assert len(HOSTILE) == 5


@pytest.mark.parametrize("sample", HOSTILE, ids=lambda path: path.stem)
def test_a_hostile_sample_at_pay_notify_is_refused_and_books_nothing(ours: App, sample: Path) -> None:
    client = falcon.testing.TestClient(ours.wsgi)
    signed = {
        "Wechatpay-Serial": KEYS.platform_public_key_id,
        "Wechatpay-Timestamp": "1790000000",
        "Wechatpay-Nonce": "nonce",
        "Wechatpay-Signature": "c2lnbmVkIGJ5IG5vYm9keQ==",
    }
    for headers in ({}, signed):
        answer = client.simulate_post("/pay/notify", body=sample.read_bytes(), headers=headers)
        assert answer.status_code in (400, 401)
        assert answer.json["code"] == "FAIL"
    assert nothing_is_booked(ours)


@pytest.mark.parametrize("sample", HOSTILE, ids=lambda path: path.stem)
def test_a_hostile_sample_at_wechat_is_refused_plain_and_answered_success_sealed(ours: App, sample: Path) -> None:
    client = falcon.testing.TestClient(ours.wsgi)
    assert client.simulate_post("/wechat", body=sample.read_bytes()).status_code == 403
    crypto = PushCrypto(KEYS.token, KEYS.encoding_aes_key, KEYS.app_id)
    encrypted = crypto.encrypt(sample.read_text("utf-8"))
    query = {
        "timestamp": "1790000000",
        "nonce": "nonce1",
        "signature": signature(KEYS.token, "1790000000", "nonce1"),
        "encrypt_type": "aes",
        "msg_signature": crypto.sign("1790000000", "nonce1", encrypted),
    }
    body = envelope(KEYS.original_id, encrypted).encode()
    answer = client.simulate_post("/wechat", params=query, body=body)
    assert (answer.status_code, answer.text) == (200, "success")


@pytest.fixture
def official() -> dict[str, dict[str, str]]:
    if not PUSH.exists():
        pytest.skip("no foreign push vectors here")
    found: dict[str, dict[str, str]] = json.loads(PUSH.read_text("utf-8"))
    return found


def test_the_official_json_push_in_safe_mode_is_answered_politely(
    tmp_path: Path, official: dict[str, dict[str, str]]
) -> None:
    post = official["safe_post"]
    account = {name: str(official[there]) for name, there in _NAMES.items()}
    own = {"app_id": KEYS.app_id, "token": KEYS.token, "encoding_aes_key": KEYS.encoding_aes_key}
    app = application(tmp_path, own, float(post["timestamp"]))
    # The sample's token is AAAAA, with which no installation starts: only the keys of the wire are the sample's.
    theirs = WireKeys(account["token"], account["encoding_aes_key"], account["app_id"])
    client = falcon.testing.TestClient(build_wsgi(replace(app.services, keys=theirs)))
    query = {name: post[name] for name in ("timestamp", "nonce", "signature", "msg_signature")}
    query |= {"encrypt_type": "aes"}
    xml = (PUSH.parent / "safe_mode_post.xml").read_bytes()
    inside = client.simulate_post("/wechat", params=query, body=xml)
    assert (inside.status_code, inside.text) == (200, "success")  # it is WeChat's, and no message we know
    around = json.dumps({"ToUserName": post["ToUserName"], "Encrypt": post["Encrypt"]}).encode()
    outside = client.simulate_post("/wechat", params=query, body=around)
    assert outside.status_code == 415
    app.stop()


_NAMES = {"app_id": "appid", "token": "token", "encoding_aes_key": "encoding_aes_key"}
