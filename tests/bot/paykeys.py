"""Fresh keys for both sides of WeChat Pay, and what is sealed with them."""

import base64
import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.pay.merchant import Merchant

NOW = 1_795_000_000
API_V3_KEY = "k" * 32
PUBLIC_KEY_ID = "PUB_KEY_ID_0000000000000000000000000000000001"


@cache
def key_of(whose: str) -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def public_pem(key: RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def merchant() -> Merchant:
    private = key_of("merchant").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Merchant(
        app_id="wx1234567890abcdef",
        mch_id="1900000001",
        serial_no="MERCHANTSERIAL",
        private_key=private,
        api_v3_key=API_V3_KEY,
        public_key=public_pem(key_of("platform").public_key()),
        public_key_id=PUBLIC_KEY_ID,
    )


def signed_headers(body: bytes, key: RSAPrivateKey, at: int = NOW, serial: str = PUBLIC_KEY_ID) -> dict[str, str]:
    """What WeChat Pay puts on an answer or a callback."""
    signature = key.sign(b"%d\nanonce\n%b\n" % (at, body), PKCS1v15(), SHA256())
    return {
        "Wechatpay-Serial": serial,
        "Wechatpay-Timestamp": str(at),
        "Wechatpay-Nonce": "anonce",
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
    }


def sealed(event_type: str, inside: object, key: str = API_V3_KEY) -> bytes:
    """The body of a callback with `inside` sealed in it; bytes are sealed as they are."""
    plain = inside if isinstance(inside, bytes) else json.dumps(inside).encode()
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "original_type": "transaction",
        "associated_data": "transaction",
        "nonce": "abcdefghijkl",
        "ciphertext": base64.b64encode(AESGCM(key.encode()).encrypt(b"abcdefghijkl", plain, b"transaction")).decode(),
    }
    body = {"id": "one-id", "event_type": event_type, "resource_type": "encrypt-resource", "resource": resource}
    return json.dumps(body).encode()


def paid(out_trade_no: str = "A202611230001") -> dict[str, object]:
    """A paid charge as WeChat Pay tells it."""
    return {
        "appid": "wx1234567890abcdef",
        "mchid": "1900000001",
        "out_trade_no": out_trade_no,
        "transaction_id": "4200000000202611230000000001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "success_time": "2026-11-23T09:05:00+08:00",
        "payer": {"openid": "oPayer"},
        "amount": {"total": 50000, "payer_total": 50000, "currency": "CNY", "payer_currency": "CNY"},
    }


def refunded(status: str = "SUCCESS") -> dict[str, object]:
    """A refund as WeChat Pay's API tells it."""
    return {
        "refund_id": "50000000000000000001",
        "out_refund_no": "R1",
        "transaction_id": "4200000000202611230000000001",
        "out_trade_no": "A202611230001",
        "status": status,
        "success_time": "2026-11-23T10:00:00+08:00",
        "amount": {"total": 50000, "refund": 50000, "payer_total": 50000, "payer_refund": 50000, "currency": "CNY"},
    }
