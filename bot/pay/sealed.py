"""WeChat Pay's two seals, opened by ourselves: its RSA signature over a message, and the AES-GCM resource inside."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM = "AEAD_AES_256_GCM"


def signed_by(key: RSAPublicKey, timestamp: str, nonce: str, body: bytes, signature: str) -> bool:
    """Whether `key` signed this timestamp, nonce and raw body."""
    try:
        key.verify(
            b64decode(signature, validate=True),
            b"%b\n%b\n%b\n" % (timestamp.encode(), nonce.encode(), body),
            PKCS1v15(),
            SHA256(),
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def open_resource(api_v3_key: str, resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """The object inside a sealed resource; None where the key does not fit. Another form raises what it raises."""
    if resource["algorithm"] != ALGORITHM:
        raise ValueError("unknown algorithm")
    try:
        plain = AESGCM(api_v3_key.encode()).decrypt(
            resource["nonce"].encode(),
            b64decode(resource["ciphertext"], validate=True),
            (resource.get("associated_data") or "").encode(),
        )
    except InvalidTag:
        return None
    opened = json.loads(plain)
    if not isinstance(opened, dict):
        raise TypeError("the resource is not an object")
    return opened
