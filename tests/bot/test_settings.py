"""What is taken for a secret, and what for a place where one is to be put."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from bot.settings import (
    BadConfiguration,
    PaySettings,
    SandboxSettings,
    ServerSettings,
    Settings,
    StorageSettings,
    WeChatSettings,
    require_complete,
)
from tests.bot.sandbox_parts import keys


def complete(**pay: str) -> Settings:
    made = keys()
    wechat = WeChatSettings(
        app_id=made.app_id, secret=made.secret, token=made.token, encoding_aes_key=made.encoding_aes_key
    )
    values = {
        "mch_id": made.mch_id,
        "api_v3_key": made.api_v3_key,
        "serial_no": made.merchant_serial,
        "private_key": made.merchant_key_pem,
        "platform_public_key": made.platform_public_key_pem,
        "platform_public_key_id": made.platform_public_key_id,
    }
    return Settings(wechat=wechat, pay=PaySettings.model_validate(values | pay))


def mistakes(settings: Settings) -> str:
    with pytest.raises(BadConfiguration) as caught:
        require_complete(settings)
    return str(caught.value)


def test_what_a_keys_own_letters_spell_by_chance_is_no_placeholder() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvXxXXplaceholderchangemexxxxxxxx\n-----END PRIVATE KEY-----\n"
    assert "pay.private_key: missing" not in mistakes(complete(private_key=pem))


@pytest.mark.parametrize("value", ["", "  ", "<private key>", "xxxx", "XXXXXXXXXXXX", "change-me", "请填写"])
def test_what_stands_for_a_secret_is_none(value: str) -> None:
    assert "pay.private_key: missing or a placeholder" in mistakes(complete(private_key=value))


@pytest.mark.parametrize(
    ("database", "sessions"),
    [
        ("sqlite:////data/bot.db", "sqlite:////data/bot-sessions.db"),
        ("sqlite:////data/prov.36.db?timeout=5", "sqlite:////data/prov.36-sessions.db"),
        ("postgresql+psycopg://user@host/name", "/var/sessions.db"),
    ],
)
def test_embedded_sessions_are_another_file_than_the_tables(database: str, sessions: str) -> None:
    assert Settings(storage=StorageSettings(database=database)).sessions_url.endswith(sessions)


def _private(encoding: PrivateFormat, password: bytes | None = None) -> str:
    guard = BestAvailableEncryption(password) if password else NoEncryption()
    return keys().merchant_key.private_bytes(Encoding.PEM, encoding, guard).decode()


@pytest.mark.parametrize(
    "text",
    [
        _private(PrivateFormat.TraditionalOpenSSL),
        keys().merchant_key_pem.replace("\n", "\\n"),
        keys().merchant_key_pem.replace("\n", " "),
        "\ufeff" + keys().merchant_key_pem.replace("\n", "\r\n"),
    ],
    ids=["PKCS#1", "literal line breaks", "one line", "byte order mark"],
)
def test_a_private_key_is_read_however_it_was_pasted(text: str) -> None:
    settings = complete(private_key=text)
    assert settings.merchant_key == keys().merchant_key_pem
    assert "pay." not in mistakes(settings)


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("private_key", _private(PrivateFormat.PKCS8, b"secret"), "password"),
        ("private_key", _private(PrivateFormat.TraditionalOpenSSL, b"secret"), "password"),
        ("private_key", keys().platform_public_key_pem, "is a public key"),
        ("private_key", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "is a certificate"),
        ("private_key", keys().merchant_key_pem[:400], "BEGIN and END"),
        ("platform_public_key", keys().merchant_key_pem, "is a private key"),
        ("platform_public_key", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "is a certificate"),
        ("mch_id", "19ab000001", "商户号"),
        ("platform_public_key_id", "0000000001", "PUB_KEY_ID_"),
        ("serial_no", "not a serial", "hexadecimal"),
        ("api_v3_key", "0" * 32, "guess"),
    ],
)
def test_a_key_of_the_wrong_kind_is_named_with_what_follows(key: str, text: str, says: str) -> None:
    (line,) = [one for one in mistakes(complete(**{key: text})).splitlines() if one.startswith("pay.")]
    assert line.startswith(f"pay.{key}: ")
    assert says in line


@pytest.mark.parametrize(
    "text", [" 5a:1b:2c:3d:4e:5f:60:71\n", "0x5a1b2c3d4e5f6071", "“5A1B2C3D4E5F6071”", "５Ａ1B2C3D4E5F6071"]
)
def test_a_serial_is_written_as_wechat_pay_writes_it(text: str) -> None:
    assert complete(serial_no=text).pay.serial_no == "5A1B2C3D4E5F6071"


@pytest.mark.parametrize(
    ("sandbox", "url", "is_refused"),
    [
        (True, "https://bot.example.cn", True),
        (True, "http://127.0.0.1:8000", False),
        (True, "http://[::1]:8000", False),
        (False, "http://bot.example.cn", True),
        (False, "HTTP://bot.example.cn", True),
        (False, "https://bot.example.cn", False),
    ],
)
def test_an_unsafe_public_address_is_refused(sandbox: bool, url: str, is_refused: bool) -> None:
    changes = {"server": ServerSettings(public_url=url), "sandbox": SandboxSettings(enabled=sandbox)}
    assert ("server.public_url" in mistakes(complete().model_copy(update=changes))) is is_refused


def test_a_platform_certificate_that_cannot_be_read_is_named_with_what_follows() -> None:
    settings = complete()
    pay = settings.pay.model_copy(update={"platform_certificates": ("missing.pem",)})
    assert "pay.platform_certificates: missing.pem" in mistakes(settings.model_copy(update={"pay": pay}))
