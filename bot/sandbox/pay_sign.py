"""WeChat Pay v3 signatures: who asked is checked, what is answered is signed, what is called back is sealed."""

import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from bot.sandbox.faults import Fault, Fired
from bot.sandbox.http import Answer, Request
from bot.sandbox.keys import SandboxKeys

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300
WRONG_SECONDS = 1200  # of Fault.WRONG_TIME
_AUTHORIZATION = re.compile(rf'{SCHEME} (\w+="[^"]*"(?:,\w+="[^"]*")*)')
_MEMBER = re.compile(r'(\w+)="([^"]*)"')
_MEMBERS = ["mchid", "nonce_str", "serial_no", "signature", "timestamp"]


class PayRefused(Exception):
    """A 4xx of WeChat Pay: HTTP status, code, message. Such answers carry no signature."""

    def __init__(self, status: int, code: str, message: str, **detail: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def answer(self) -> Answer:
        """The error body {"code", "message", "detail"}."""
        said: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.detail:
            said["detail"] = self.detail
        return Answer(self.status, as_json(said), {"Content-Type": "application/json; charset=utf-8"})


def as_json(value: Mapping[str, Any]) -> bytes:
    """JSON as WeChat Pay writes it: UTF-8, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signed(text: str | bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether `signature` (base64) is the RSA-SHA256 signature of `text`."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, text.encode() if isinstance(text, str) else text, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True


def sign(text: str | bytes, key: RSAPrivateKey) -> str:
    """The RSA-SHA256 signature of `text`, base64."""
    return base64.b64encode(key.sign(text.encode() if isinstance(text, str) else text, PKCS1v15(), SHA256())).decode()


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The five lines a merchant signs; `target` is path and query as they go over the wire."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The three lines WeChat Pay signs, for answers and callbacks alike."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


class Merchants:
    """Checks that a request comes from the one merchant there is."""

    def __init__(self, keys: SandboxKeys, now: Callable[[], float]) -> None:
        """`now` is the machine's clock: clients of WeChat Pay stamp their requests with theirs."""
        self._keys = keys
        self._now = now
        self._public_key = keys.merchant_key.public_key()
        self._seen: dict[tuple[str, str], float] = {}
        self._swept_at = now()
        self._lock = threading.Lock()

    def check(self, request: Request, *, signed_answer: bool = True) -> None:
        """401 SIGN_ERROR for a bad Authorization, 400 for missing headers (facts/wechat.md B2)."""
        if not request.headers.get("User-Agent") or not request.headers.get("Accept"):
            raise PayRefused(400, "INVALID_REQUEST", "Http头缺少Accept或User-Agent")
        found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        members = dict(_MEMBER.findall(found.group(1))) if found else {}
        if sorted(members) != _MEMBERS:
            raise PayRefused(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        timestamp, nonce = members["timestamp"], members["nonce_str"]
        if not re.fullmatch(r"[0-9]{10}", timestamp) or abs(self._now() - int(timestamp)) > SKEW_SECONDS:
            raise PayRefused(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        if members["mchid"] != self._keys.mch_id or members["serial_no"] != self._keys.merchant_serial:
            raise PayRefused(401, "SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
        text = request_text(request.method, request.target, timestamp, nonce, request.body)
        if not re.fullmatch(r"[0-9A-Za-z]{1,32}", nonce) or not signed(text, members["signature"], self._public_key):
            raise PayRefused(401, "SIGN_ERROR", "签名错误，请检查后再试")
        self._once(nonce, timestamp)
        if signed_answer and request.headers.get("Wechatpay-Serial") != self._keys.platform_public_key_id:
            raise PayRefused(400, "INVALID_REQUEST", "Http头Wechatpay-Serial不是有效的微信支付公钥ID")
        if request.method == "POST" and request.headers.get_content_type() != "application/json":
            raise PayRefused(415, "PARAM_ERROR", "不支持的媒体类型，请使用application/json")

    def _once(self, nonce: str, timestamp: str) -> None:
        with self._lock:
            now = self._now()
            if now - self._swept_at > SKEW_SECONDS:
                self._seen = {key: at for key, at in self._seen.items() if now - at <= 2 * SKEW_SECONDS}
                self._swept_at = now
            if (nonce, timestamp) in self._seen:
                raise PayRefused(401, "SIGN_ERROR", "nonce_str重复，请求被重放")
            self._seen[nonce, timestamp] = now


class Platform:
    """WeChat Pay's own signature and seal."""

    def __init__(self, keys: SandboxKeys, now: Callable[[], float]) -> None:
        self._keys = keys
        self._now = now

    def headers(self, body: bytes, fired: Fired) -> dict[str, str]:
        """The five signature headers over this body, or those of a fault."""
        slow = WRONG_SECONDS if Fault.WRONG_TIME in fired else 0
        timestamp, nonce = str(int(self._now()) - slow), secrets.token_hex(16)
        signature = sign(answer_text(timestamp, nonce, body), self._keys.platform_key)
        if Fault.WRONG_SIGNATURE in fired:
            signature = sign(answer_text(timestamp, nonce, body), self._keys.merchant_key)
        if Fault.SIGNTEST in fired:
            signature = "WECHATPAY/SIGNTEST/" + signature[len("WECHATPAY/SIGNTEST/") :]
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Serial": self._keys.platform_public_key_id,
        }

    def answer(self, value: Mapping[str, Any] | None, fired: Fired) -> Answer:
        """A signed 200 with JSON, or a signed, empty 204 for None."""
        body = b"" if value is None else as_json(value)
        headers = self.headers(body, fired) | {"Request-ID": secrets.token_hex(16).upper()}
        if value is None:
            return Answer(204, b"", headers)
        return Answer(200, body, headers | {"Content-Type": "application/json; charset=utf-8"})

    def seal(self, kind: str, value: Mapping[str, Any]) -> dict[str, str]:
        """A callback's `resource`: AES-256-GCM under the merchant's API v3 key."""
        nonce = secrets.token_hex(6)
        return {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": seal(self._keys.api_v3_key, nonce, kind, as_json(value)),
            "associated_data": kind,
            "nonce": nonce,
        }


def seal(api_v3_key: str, nonce: str, associated: str, plain: bytes) -> str:
    """Base64 of ciphertext and tag; nonce and associated data are taken as raw UTF-8."""
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plain, associated.encode())
    return base64.b64encode(sealed).decode()
