"""Keys and numbers as operators paste them: read where that is harmless, else refused with the reason."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_AROUND = " \t\r\n\ufeff\u200b\"'“”‘’"


class UnusableKey(ValueError):
    """The text is not the key that is needed; the message says what it is instead."""


def trimmed(value: Any) -> Any:
    """An identifier without blanks, quotes and a byte order mark around it, full-width characters as ASCII."""
    return unicodedata.normalize("NFKC", value).strip(_AROUND) if isinstance(value, str) else value


def serial_of(value: Any) -> Any:
    """A certificate's serial number as WeChat Pay writes it: capital hexadecimal figures without separators."""
    if not isinstance(value, str):
        return value
    text = trimmed(value)
    if "<" in text:  # a placeholder stays recognizable
        return text
    return re.sub(r"[\s:]|^0[xX]", "", text).upper()


def private_key_of(text: str) -> str:
    """The merchant's RSA private key as a PKCS#8 PEM text. Raises UnusableKey."""
    label, pem = _block(text)
    if "CERTIFICATE" in label:
        raise UnusableKey("is a certificate, not the key; apiclient_key.pem is the key, apiclient_cert.pem is not")
    if "PUBLIC" in label:
        raise UnusableKey("is a public key; the merchant's private key is apiclient_key.pem")
    if "ENCRYPTED" in label or "Proc-Type" in text:
        raise UnusableKey("is protected by a password; write it without: openssl pkcs8 -topk8 -nocrypt")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey("cannot be read as a private key; it may be cut short") from None
    if not isinstance(key, RSAPrivateKey):
        raise UnusableKey("is not an RSA key")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_key_of(text: str) -> str:
    """WeChat Pay's RSA public key as a PEM text. Raises UnusableKey."""
    label, pem = _block(text)
    if "CERTIFICATE" in label:
        raise UnusableKey("is a certificate; the console's 微信支付公钥 (pub_key.pem) is needed")
    if "PRIVATE" in label:
        raise UnusableKey("is a private key; the console's 微信支付公钥 (pub_key.pem) is needed")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("cannot be read as a public key; it may be cut short") from None
    if not isinstance(key, RSAPublicKey):
        raise UnusableKey("is not an RSA key")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _block(text: str) -> tuple[str, bytes]:
    """The label and the PEM text with its line breaks put right. Raises UnusableKey."""
    text = text.replace("\\r", "").replace("\\n", "\n")
    found = _BLOCK.search(text)
    if found is None:
        raise UnusableKey("is no PEM text with its BEGIN and END lines")
    label, body = found.groups()
    letters = "".join(body.split())
    if ":" in letters:  # the headers of a key with a password
        return label, found.group(0).encode()
    try:
        base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        raise UnusableKey("has characters in it that do not belong into a PEM text") from None
    lines = "\n".join(letters[at : at + 64] for at in range(0, len(letters), 64))
    return label, f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
