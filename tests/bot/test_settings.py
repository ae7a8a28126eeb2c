"""What is taken for a secret, and what for a place where one is to be put."""

from __future__ import annotations

import pytest

from bot.sandbox.keys import SandboxKeys
from bot.settings import BadConfiguration, PaySettings, Settings, WeChatSettings, require_complete


def complete(**pay: str) -> Settings:
    keys = SandboxKeys.fresh()
    wechat = WeChatSettings(
        app_id=keys.app_id, secret=keys.secret, token=keys.token, encoding_aes_key=keys.encoding_aes_key
    )
    values = {
        "mch_id": keys.mch_id,
        "api_v3_key": keys.api_v3_key,
        "serial_no": keys.merchant_serial,
        "private_key": keys.merchant_key_pem,
        "platform_public_key": keys.platform_public_key_pem,
        "platform_public_key_id": keys.platform_public_key_id,
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
