"""What is taken for a secret, and what for a place where one is to be put."""

from __future__ import annotations

import pytest

from bot.settings import BadConfiguration, PaySettings, Settings, StorageSettings, WeChatSettings, require_complete
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
