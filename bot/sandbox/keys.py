"""Fresh secrets for one sandbox: those of an official account, a merchant, and WeChat Pay's own key pair."""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FILE_NAME = "sandbox-keys.json"
_WORDS = (
    "app_id",
    "original_id",
    "secret",
    "token",
    "encoding_aes_key",
    "mch_id",
    "api_v3_key",
    "merchant_serial",
    "platform_public_key_id",
)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _loaded_key(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


@dataclass(frozen=True)
class SandboxKeys:
    """What the consoles of WeChat and WeChat Pay would show, made up; worth nothing outside this machine."""

    app_id: str
    original_id: str
    secret: str
    token: str
    encoding_aes_key: str
    mch_id: str
    api_v3_key: str
    merchant_serial: str
    platform_public_key_id: str
    merchant_key: rsa.RSAPrivateKey
    platform_key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return f"SandboxKeys(app_id={self.app_id!r}, mch_id={self.mch_id!r})"

    @classmethod
    def fresh(cls) -> "SandboxKeys":
        """New secrets and two new RSA keys."""
        return cls(
            app_id="wx" + secrets.token_hex(8),
            original_id="gh_" + secrets.token_hex(6),
            secret=secrets.token_hex(16),
            token=_letters(24),
            encoding_aes_key=base64.b64encode(secrets.token_bytes(32)).decode()[:43],
            mch_id="19" + _digits(8),
            api_v3_key=_letters(32),
            merchant_serial=secrets.token_hex(20).upper(),
            platform_public_key_id="PUB_KEY_ID_" + "0" * 14 + _digits(20),
            merchant_key=_rsa_key(),
            platform_key=_rsa_key(),
        )

    @classmethod
    def kept_in(cls, folder: Path) -> "SandboxKeys":
        """The keys of an earlier start in `folder`, or fresh ones, kept there (mode 0600) for the next."""
        file = folder / FILE_NAME
        if file.exists():
            try:
                file.chmod(0o600)
                return cls._from_text(file.read_text("utf-8"))
            except (ValueError, KeyError, TypeError):
                file.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        keys = cls.fresh()
        started = folder / f"{FILE_NAME}.{secrets.token_hex(4)}"
        with open(os.open(started, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(keys._as_text())
        try:
            os.link(started, file)  # whoever is first wins; a second starter takes the first one's keys
        except FileExistsError:
            return cls._from_text(file.read_text("utf-8"))
        finally:
            started.unlink()
        return keys

    def _as_text(self) -> str:
        words = {word: getattr(self, word) for word in _WORDS}
        return json.dumps(
            words | {"merchant_key": self.merchant_key_pem, "platform_key": _private_pem(self.platform_key)}
        )

    @classmethod
    def _from_text(cls, text: str) -> "SandboxKeys":
        kept = json.loads(text)
        return cls(
            **{word: str(kept[word]) for word in _WORDS},
            merchant_key=_loaded_key(kept["merchant_key"]),
            platform_key=_loaded_key(kept["platform_key"]),
        )

    @property
    def merchant_key_pem(self) -> str:
        """The merchant's private key, PKCS8: what `[pay] private_key` is set to."""
        return _private_pem(self.merchant_key)

    @property
    def platform_public_key_pem(self) -> str:
        """WeChat Pay's public key (微信支付公钥): what `[pay] platform_public_key` is set to."""
        public = self.platform_key.public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
