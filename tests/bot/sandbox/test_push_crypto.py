"""The sandbox's message encryption against vectors that others made."""

import pytest

from bot.sandbox.push_crypto import BadCipherText, PushCrypto, signature
from bot.sandbox.push_xml import BadXml, cdata, read
from tests.bot.sandbox_parts import keys, vectors


def test_the_official_signature_of_the_documentation_comes_out() -> None:
    assert signature("AAAAA", "1714037059", "486452656") == "899cf89e464efb63f54ddac96b0a0a235f53aa78"


def test_the_official_push_vectors_come_out_byte_for_byte() -> None:
    known = vectors("push/message_push_vectors.json")
    crypto = PushCrypto(known["token"], known["encoding_aes_key"], known["appid"])
    post, reply = known["safe_post"], known["safe_reply"]
    assert crypto.signed(post["msg_signature"], post["timestamp"], post["nonce"], post["Encrypt"])
    assert crypto.decrypt(post["Encrypt"]) == post["plaintext"]
    assert crypto.encrypt(post["plaintext"], start=post["random16"].encode()) == post["Encrypt"]
    assert crypto.encrypt(reply["plaintext"], start=reply["random16"].encode()) == reply["Encrypt"]
    assert crypto.sign(reply["timestamp"], reply["nonce"], reply["Encrypt"]) == reply["msg_signature"]


def test_another_library_s_vectors_decrypt() -> None:
    known = vectors("push/crypto_vectors.json")
    crypto = PushCrypto(known["token"], known["encoding_aes_key"], known["appid"])
    case, echo = known["decrypt"], known["echo"]
    assert crypto.sign(case["timestamp"], case["nonce"], case["Encrypt"]) == case["signature"]
    assert crypto.decrypt(case["Encrypt"]) == case["plaintext"]
    assert crypto.sign(echo["timestamp"], echo["nonce"], echo["echo_str"]) == echo["signature"]
    assert crypto.decrypt(echo["echo_str"]) == echo["plaintext"]


@pytest.mark.parametrize("sealed", ["", "AAAA", "%%%%", "A" * 44, "A" * 86 + "=="])
def test_what_this_key_never_made_is_refused(sealed: str) -> None:
    crypto = PushCrypto(keys().token, keys().encoding_aes_key, keys().app_id)
    with pytest.raises(BadCipherText):
        crypto.decrypt(sealed)


def test_a_message_for_another_app_id_is_refused() -> None:
    other = PushCrypto(keys().token, keys().encoding_aes_key, "wx0000000000000000")
    with pytest.raises(BadCipherText, match="another app id"):
        PushCrypto(keys().token, keys().encoding_aes_key, keys().app_id).decrypt(other.encrypt("<xml/>"))


@pytest.mark.parametrize(
    "xml",
    [
        "<xml><a>1</a><a>2</a></xml>",
        "<XML><a>1</a></XML>",
        "<xml><a b='1'>1</a></xml>",
        "<!DOCTYPE xml><xml><a>1</a></xml>",
        "<xml><a>]]></xml>",
        "<xml></xml>",
        "success",
    ],
)
def test_xml_that_is_not_a_message_is_refused(xml: str) -> None:
    with pytest.raises(BadXml):
        read(xml)


def test_cdata_keeps_what_would_end_it() -> None:
    assert read(f"<xml><a>{cdata('x]]>y<z>')}</a></xml>") == {"a": "x]]>y<z>"}
