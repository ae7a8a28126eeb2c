"""WeChat's message encryption (安全模式), written apart from the bot's own, so that each checks the other.

Source: facts/wechat.md A1. AES-256-CBC with the key's first 16 bytes as IV, PKCS7 in blocks of 32; the plaintext is
16 random bytes, the message's length (4 bytes, big-endian), the message, the app id.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32


class BadCipherText(ValueError):
    """What was to be decrypted is not what this account's key would have made."""


def signature(token: str, *parts: str) -> str:
    """SHA-1 over the sorted parts: `signature` over (timestamp, nonce), `msg_signature` over those and Encrypt."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode(), usedforsecurity=False).hexdigest()


class PushCrypto:
    """Encrypts and decrypts for one official account."""

    def __init__(self, token: str, encoding_aes_key: str, app_id: str) -> None:
        if len(encoding_aes_key) != 43:
            raise ValueError("EncodingAESKey has 43 characters")
        self._token = token
        self._key = base64.b64decode(encoding_aes_key + "=")
        self._app_id = app_id.encode()

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """The msg_signature of an encrypted message."""
        return signature(self._token, timestamp, nonce, encrypted)

    def signed(self, claimed: str, timestamp: str, nonce: str, encrypted: str) -> bool:
        """Whether `claimed` is the msg_signature of this encrypted message."""
        return hmac.compare_digest(claimed.encode(), self.sign(timestamp, nonce, encrypted).encode())

    def encrypt(self, message: str, *, start: bytes | None = None) -> str:
        """Base64 of the encrypted message; `start` replaces the 16 random bytes (for known vectors)."""
        said = message.encode()
        plain = (start or secrets.token_hex(8).encode()) + struct.pack(">I", len(said)) + said + self._app_id
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        """The message inside; raises BadCipherText for any other length, padding, app id or encoding."""
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise BadCipherText("Encrypt is not base64") from wrong
        if not sealed or len(sealed) % _BLOCK:
            raise BadCipherText("Encrypt is not whole blocks of 32 bytes")
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise BadCipherText("wrong padding")
        content = plain[16:-padding]
        if len(content) < 4:
            raise BadCipherText("too short")
        (length,) = struct.unpack(">I", content[:4])
        if content[4 + length :] != self._app_id:
            raise BadCipherText("another app id, or a wrong length")
        try:
            return content[4 : 4 + length].decode()
        except UnicodeDecodeError as wrong:
            raise BadCipherText("not UTF-8") from wrong

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
