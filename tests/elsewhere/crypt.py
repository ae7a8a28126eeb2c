"""WeChat's cryptography, written anew: message encryption (AES-CBC), WeChat Pay's signatures (RSA) and seals (AES-GCM).

Rules: facts/wechat.md A1 (messages), B2 and B3 (payments).
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import string
from xml.etree import ElementTree

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_LETTERS = string.ascii_letters + string.digits


def word(length: int) -> str:
    """So many letters and digits nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


class Messages:
    """安全模式 of one official account: `token`, EncodingAESKey of 43 letters, AppID."""

    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        self.token = token
        self.app_id = app_id
        self._key = base64.b64decode(aes_key + "=")
        assert len(self._key) == 32

    def sign(self, *parts: str) -> str:
        """sha1 over token and parts, sorted and joined."""
        return hashlib.sha1("".join(sorted([self.token, *parts])).encode(), usedforsecurity=False).hexdigest()

    def encrypt(self, text: str) -> str:
        """Base64 of AES-256-CBC over 16 random bytes, length, text, AppID, padded to 32."""
        raw = text.encode()
        plain = os.urandom(16) + len(raw).to_bytes(4, "big") + raw + self.app_id.encode()
        padder = padding.PKCS7(256).padder()
        encryptor = self._cipher().encryptor()
        return base64.b64encode(
            encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
        ).decode()

    def decrypt(self, sealed: str) -> str:
        """What is inside; ValueError for a wrong padding, length or AppID."""
        raw = base64.b64decode(sealed, validate=True)
        decryptor, unpadder = self._cipher().decryptor(), padding.PKCS7(256).unpadder()
        plain = unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()
        length = int.from_bytes(plain[16:20], "big")
        if plain[20 + length :] != self.app_id.encode():
            raise ValueError("another AppID inside")
        return plain[20 : 20 + length].decode("utf-8")

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


class SigningKey:
    """An RSA key of 2,048 bits, fresh for every run."""

    def __init__(self) -> None:
        self._key: RSAPrivateKey = generate_private_key(65537, 2048)

    @property
    def private_pem(self) -> str:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def public_pem(self) -> str:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def public(self) -> RSAPublicKey:
        return self._key.public_key()

    def sign(self, *lines: str) -> str:
        """Base64 of SHA256-RSA (PKCS#1 v1.5) over the lines, a line end after each."""
        signed = self._key.sign(_joined(lines), rsa_padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signed).decode()


def verified(key: RSAPublicKey, signature: str, *lines: str) -> bool:
    """Whether the signature is this key's, over the lines, a line end after each."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, _joined(lines), rsa_padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def sealed_resource(api_v3_key: str, plain: bytes, original_type: str) -> dict[str, str]:
    """The `resource` of a callback."""
    nonce, associated = word(12), original_type
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plain, associated.encode())
    return {
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated,
        "nonce": nonce,
    }


def elements(xml: str) -> dict[str, str]:
    """The texts right below `<xml>`; ValueError where one stands twice or is not a plain text."""
    root = ElementTree.fromstring(xml)
    found: dict[str, str] = {}
    if root.tag != "xml" or (root.text or "").strip():
        raise ValueError("the root is not <xml>")
    for child in root:
        if child.tag in found or len(child) or child.attrib:
            raise ValueError(f"{child.tag} stands twice or is not a plain text")
        found[child.tag] = child.text or ""
    return found


def _joined(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
