"""Who is let in at /wechat, and sealing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.push_crypto import PushCrypto, signature
from bot.wire.sealing import Stamp, WireKeys, WireRefused
from tests.bot.wechat_side import AES_KEY, APP_ID, CRYPTO, NOW, TOKEN, Side, keys, opened, sealed, text_xml

PUSH = Path(__file__).parents[4] / "shared" / "data" / "vectors" / "push"


def vectors(name: str) -> dict[str, Any]:
    if not (PUSH / name).exists():
        pytest.skip(f"no foreign vectors {name} here")
    read: dict[str, Any] = json.loads((PUSH / name).read_text())
    return read


def body_of(encrypted: str) -> bytes:
    return f"<xml><ToUserName><![CDATA[a]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


def test_the_official_push_vectors_verify_and_open() -> None:
    official = vectors("message_push_vectors.json")
    own = WireKeys(official["token"], official["encoding_aes_key"], official["appid"])
    check = official["url_verify"]
    stamp = Stamp(check["timestamp"], check["nonce"], check["signature"])
    assert own.echo(stamp, check["echostr"], float(check["timestamp"])) == check["echostr"]
    post = official["safe_post"]
    stamp = Stamp(post["timestamp"], post["nonce"], "", post["msg_signature"])
    now = float(post["timestamp"])
    assert own.open(stamp, body_of(post["Encrypt"]), now).decode() == post["plaintext"]
    assert own.open(stamp, (PUSH / "safe_mode_post.xml").read_bytes(), now).decode() == post["plaintext"]
    reply = official["safe_reply"]
    stamp = Stamp(reply["timestamp"], reply["nonce"], "", reply["msg_signature"])
    assert own.open(stamp, body_of(reply["Encrypt"]), float(reply["timestamp"])).decode() == reply["plaintext"]


def test_the_second_set_of_push_vectors_verifies_and_opens() -> None:
    other = vectors("crypto_vectors.json")
    own = WireKeys(other["token"], other["encoding_aes_key"], other["appid"])
    post = other["decrypt"]
    stamp = Stamp(post["timestamp"], post["nonce"], "", post["signature"])
    assert own.open(stamp, body_of(post["Encrypt"]), float(post["timestamp"])).decode() == post["plaintext"]


def test_the_address_check_gives_the_echo_back_only_to_who_knows_the_token() -> None:
    client = Side().client
    good = {"timestamp": "1790000000", "nonce": "n", "echostr": "4375120948345356249"}
    good["signature"] = signature(TOKEN, good["timestamp"], good["nonce"])
    result = client.simulate_get("/wechat", params=good)
    assert (result.status_code, result.text) == (200, "4375120948345356249")
    assert result.headers["content-type"].startswith("text/plain")
    for change in ({"signature": "0" * 40}, {"timestamp": "1789990000"}, {"echostr": "<script>"}, {"signature": "口"}):
        assert client.simulate_get("/wechat", params={**good, **change}).status_code == 403
    assert client.simulate_get("/wechat").status_code == 403


def test_a_sealed_message_is_answered_sealed() -> None:
    assert Side().says(text_xml("你好")) == "text|你好||"


def test_plain_xml_is_refused_in_safe_mode_whatever_the_address_says() -> None:
    side = Side()
    query, _ = sealed(text_xml("hi"))
    for encrypt_type in ("aes", "raw", ""):
        params = {**query, "encrypt_type": encrypt_type}
        refused = side.client.simulate_post("/wechat", params=params, body=text_xml("hi").encode())
        assert refused.status_code == 403
    assert side.post(text_xml("hi"), encrypt_type="raw").status_code == 403
    assert side.turning.came == []


def test_a_wrong_msg_signature_is_refused() -> None:
    side = Side()
    assert side.post(text_xml("hi"), msg_signature="0" * 40).status_code == 403
    assert side.post(text_xml("hi"), msg_signature="").status_code == 403
    assert side.post(text_xml("hi"), msg_signature="签名").status_code == 403
    assert side.turning.came == []


@pytest.mark.parametrize("away", [-301, 301])
def test_a_timestamp_more_than_five_minutes_away_is_refused(away: int) -> None:
    side = Side()
    query, body = sealed(text_xml("hi"), at=NOW + away)
    assert side.client.simulate_post("/wechat", params=query, body=body).status_code == 403
    query, body = sealed(text_xml("hi"), at=NOW + away * 299 // 301)
    assert side.client.simulate_post("/wechat", params=query, body=body).status_code == 200


def test_a_timestamp_that_is_no_number_is_refused() -> None:
    encrypted = CRYPTO.encrypt(text_xml("hi"))
    for timestamp in ("", "soon", "1e9", "１７９０００００００", "-1790000000", "9" * 40):
        stamp = Stamp(timestamp, "n", "", CRYPTO.sign(timestamp, "n", encrypted))
        with pytest.raises(WireRefused, match="timestamp"):
            keys().open(stamp, body_of(encrypted), NOW)


def test_a_body_of_one_megabyte_is_refused_unread() -> None:
    side = Side()
    query, _ = sealed(text_xml("hi"))
    result = side.client.simulate_post("/wechat", params=query, body=b"<xml>" + b"x" * 1_000_000)
    assert result.status_code == 413


def test_a_body_without_a_length_is_read_up_to_the_limit_and_no_further() -> None:
    side = Side()
    query, body = sealed(text_xml("hi"))
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    fine = side.client.simulate_post("/wechat", params=query, body=body, extras=chunked)
    assert opened(fine) == "text|hi||"
    result = side.client.simulate_post("/wechat", params=query, body=body + b" " * 70_000, extras=chunked)
    assert result.status_code == 413


def test_two_encrypt_elements_are_refused() -> None:
    side = Side()
    query, body = sealed(text_xml("hi"))
    for twice in (body + body, body.replace(b"<Encrypt>", b"<Encrypt>a</Encrypt><Encrypt>")):
        assert side.client.simulate_post("/wechat", params=query, body=twice).status_code == 403


def test_a_json_push_is_refused_politely() -> None:
    side = Side()
    query, _ = sealed(text_xml("hi"))
    body = json.dumps({"ToUserName": "gh_1", "Encrypt": CRYPTO.encrypt("{}")}).encode()
    assert side.client.simulate_post("/wechat", params=query, body=body).status_code == 415
    assert side.says('{"ToUserName":"gh_1","MsgType":"text"}') == "success"


@pytest.mark.parametrize(
    "encrypted",
    ["", "AAAA", "not base64!", "AA=A", "A" * 43 + "=", "密文"],
)
def test_what_does_not_decrypt_is_refused(encrypted: str) -> None:
    stamp = Stamp("1790000000", "n", "", CRYPTO.sign("1790000000", "n", encrypted))
    with pytest.raises(WireRefused):
        keys().open(stamp, body_of(encrypted), NOW)


@pytest.mark.parametrize(("aes_key", "app_id"), [("B" * 43, APP_ID), (AES_KEY, "wxother"), (AES_KEY, APP_ID + "x")])
def test_another_accounts_message_is_refused(aes_key: str, app_id: str) -> None:
    encrypted = PushCrypto(TOKEN, aes_key, app_id).encrypt(text_xml("hi"))
    stamp = Stamp("1790000000", "n", "", CRYPTO.sign("1790000000", "n", encrypted))
    with pytest.raises(WireRefused):
        keys().open(stamp, body_of(encrypted), NOW)


def test_an_aes_key_of_another_length_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="43"):
        WireKeys(TOKEN, "short", "wx")


@settings(deadline=None)
@given(message=st.text(st.characters(exclude_categories=["Cs"])), nonce=st.text(max_size=70))
def test_what_is_sealed_opens_again_by_another_hand(message: str, nonce: str) -> None:
    envelope = {c.tag: c.text or "" for c in ElementTree.fromstring(keys().seal(message, nonce, NOW))}
    assert CRYPTO.signed(envelope["MsgSignature"], envelope["TimeStamp"], envelope["Nonce"], envelope["Encrypt"])
    assert CRYPTO.decrypt(envelope["Encrypt"]) == message


@settings(deadline=None)
@given(message=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_another_hand_sealed_opens(message: str) -> None:
    query, body = sealed(message)
    stamp = Stamp(query["timestamp"], query["nonce"], "", query["msg_signature"])
    assert keys().open(stamp, body, NOW).decode() == message
