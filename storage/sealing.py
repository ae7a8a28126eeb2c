"""Sealed fields: ID numbers and names are stored encrypted, and found by a keyed hash.

AES-256-GCM with the key's id in front, so that keys can be rotated: a new line at the end of the key file seals from
then on, earlier lines still open what they sealed. The look-up hash comes from the first line for ever, because a
look-up key is a primary key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class BadKeyFile(ValueError):
    """The field key file is missing or does not hold 32 bytes in base64 on each line; says which line."""


class NotSealedByUs(ValueError):
    """A sealed value was altered, or its key is not in the key file."""


@dataclass(frozen=True)
class FieldSeal:
    """Seals and opens single fields, and computes look-up keys. `keys` are 32 bytes each, oldest first."""

    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"FieldSeal({len(self.keys)} keys)"

    @classmethod
    def read(cls, path: Path) -> FieldSeal:
        """The keys of a key file; raises BadKeyFile."""
        try:
            lines = path.read_text("ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise BadKeyFile(f"{path.name}: {type(error).__name__}") from error
        keys = []
        for number, line in enumerate(lines, 1):
            try:
                key = base64.b64decode(line, validate=True)
            except binascii.Error as error:
                raise BadKeyFile(f"{path.name}, line {number}: not base64") from error
            if len(key) != 32:
                raise BadKeyFile(f"{path.name}, line {number}: {len(key)} bytes, not 32")
            keys.append(key)
        if not keys:
            raise BadKeyFile(f"{path.name}: empty")
        return cls(tuple(keys))

    @staticmethod
    def create(path: Path) -> None:
        """A fresh key file, readable by its owner only; never overwrites."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(32)) + b"\n")

    def seal(self, text: str) -> str:
        """`keyid.base64(nonce + ciphertext)`; never the same twice."""
        key = self.keys[-1]
        nonce = os.urandom(12)
        sealed = _cipher(key).encrypt(nonce, text.encode(), b"")
        return f"{_key_id(key)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str) -> str:
        """What was sealed; raises NotSealedByUs."""
        key_id, _, body = sealed.partition(".")
        for key in self.keys:
            if _key_id(key) == key_id:
                try:
                    raw = base64.urlsafe_b64decode(body)
                    return _cipher(key).decrypt(raw[:12], raw[12:], b"").decode()
                except (InvalidTag, binascii.Error, ValueError) as error:
                    raise NotSealedByUs(key_id) from error
        raise NotSealedByUs(key_id)

    def look_up_key(self, text: str) -> str:
        """The keyed hash under which a document is found: 32 hex digits."""
        return hmac.new(_derived(self.keys[0], b"look-up"), text.encode(), hashlib.sha256).hexdigest()[:32]

    def signing_key(self, purpose: str) -> bytes:
        """A key of its own for signed tokens of one purpose."""
        return _derived(self.keys[0], b"sign:" + purpose.encode())


@cache
def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, purpose, hashlib.sha256).digest()


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(_derived(key, b"seal"))


@cache
def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key-id" + key).hexdigest()[:6]
