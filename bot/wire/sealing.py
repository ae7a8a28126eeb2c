"""Who sent it, and what is inside: signatures and encryption of the official account's messages (安全模式).

Source: facts/wechat.md A1 and A2. WeRoBot's own check is never used: it takes plain XML in safe mode, compares in
variable time, knows no time window and does not look at the padding (facts/wechat.md C1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

OLDEST = 300  # seconds a timestamp may be away from now, either way

_BLOCK = 32
_NONCE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_DIGEST = re.compile(r"[0-9A-Fa-f]{40}")
_ECHO = re.compile(r"[0-9A-Za-z+/=_-]{1,512}")
_SEALED = (
    "<xml><Encrypt><![CDATA[{}]]></Encrypt><MsgSignature><![CDATA[{}]]></MsgSignature>"
    "<TimeStamp>{}</TimeStamp><Nonce><![CDATA[{}]]></Nonce></xml>"
)


class WireRefused(Exception):
    """It does not come from WeChat, or not now: `status` for the sender, `reason` for log and metrics."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the address of a request says about its sender; absent values are empty."""

    timestamp: str
    nonce: str
    signature: str = ""
    msg_signature: str = ""


class WireKeys:
    """The secrets of one official account."""

    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        """`aes_key` is the EncodingAESKey of 43 characters; raises ValueError for any other."""
        if not re.fullmatch(r"[0-9A-Za-z+/]{43}", aes_key):
            raise ValueError("EncodingAESKey must be 43 characters of 0-9 A-Z a-z")
        self._token = token
        self._app_id = app_id.encode()
        key = base64.b64decode(aes_key + "=")
        self._cipher = Cipher(AES(key), CBC(key[:16]))

    def echo(self, stamp: Stamp, echostr: str, now: float) -> str:
        """What the console's address check (GET) expects to read back: `echostr` as it is; raises WireRefused.

        Nothing is decrypted here: the account's check is plain, and who repeats the address of a captured message
        learns nothing of it.
        """
        echostr = echostr.replace(" ", "+")  # base64 that was not percent-encoded
        if not _ECHO.fullmatch(echostr):
            raise WireRefused(403, "echo")
        self._check(stamp.signature, (stamp.timestamp, stamp.nonce), stamp, now)
        return echostr

    def check_address(self, stamp: Stamp, now: float) -> None:
        """Check time and `signature` of a message before its body is read; raises WireRefused.

        WeChat sends `signature` beside `msg_signature` with every sealed message. It does not cover the body, so `open`
        decides by `msg_signature` alone (facts/wechat.md A2); but one who lacks the token cannot make a fresh one.
        """
        if not _DIGEST.fullmatch(stamp.msg_signature):
            raise WireRefused(403, "signature")
        self._check(stamp.signature, (stamp.timestamp, stamp.nonce), stamp, now)

    def open(self, stamp: Stamp, body: bytes, now: float) -> bytes:
        """The message inside a safe-mode body; raises WireRefused. Nothing is parsed before the signature holds."""
        return self._opened(stamp, _encrypted(body), now)

    def seal(self, message: str, nonce: str, now: float) -> str:
        """The encrypted reply; the request's nonce is echoed (facts/wechat.md A2)."""
        said = message.encode()
        plain = secrets.token_hex(8).encode() + len(said).to_bytes(4, "big") + said + self._app_id
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(plain + bytes((missing,)) * missing) + encryptor.finalize()
        encrypted = base64.b64encode(sealed).decode()
        timestamp = str(int(now))
        nonce = nonce if _NONCE.fullmatch(nonce) else secrets.token_hex(8)
        return _SEALED.format(encrypted, self._signature(timestamp, nonce, encrypted), timestamp, nonce)

    def _opened(self, stamp: Stamp, encrypted: str, now: float) -> bytes:
        self._check(stamp.msg_signature, (stamp.timestamp, stamp.nonce, encrypted), stamp, now)
        try:
            sealed = binascii.a2b_base64(encrypted, strict_mode=True)
        except ValueError as wrong:
            raise WireRefused(403, "base64") from wrong
        if not sealed or len(sealed) % _BLOCK:
            raise WireRefused(403, "length")
        decryptor = self._cipher.decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes((padding,)) * padding:
            raise WireRefused(403, "padding")
        end = 20 + int.from_bytes(plain[16:20], "big")
        if plain[end:-padding] != self._app_id:
            raise WireRefused(403, "app_id")
        return plain[20:end]

    def _check(self, claimed: str, parts: tuple[str, ...], stamp: Stamp, now: float) -> None:
        if not hmac.compare_digest(claimed.encode("utf-8", "replace"), self._signature(*parts).encode()):
            raise WireRefused(403, "signature")
        if not (stamp.timestamp.isascii() and stamp.timestamp.isdigit() and len(stamp.timestamp) <= 12):
            raise WireRefused(403, "timestamp")
        if abs(now - int(stamp.timestamp)) > OLDEST:
            raise WireRefused(403, "timestamp")

    def _signature(self, *parts: str) -> str:
        joined = "".join(sorted((self._token, *parts))).encode("utf-8", "replace")
        return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def _encrypted(body: bytes) -> str:
    """The one `Encrypt` of a body, cut out without a parser; raises WireRefused."""
    if body.lstrip()[:1] in (b"{", b"["):
        raise WireRefused(415, "json")
    head, opening, rest = body.partition(b"<Encrypt>")
    content, closing, tail = rest.partition(b"</Encrypt>")
    if not opening or not closing:
        raise WireRefused(403, "plain")
    if b"<Encrypt" in head or b"<Encrypt" in tail or b"<Encrypt" in content:
        raise WireRefused(403, "repeated")
    content = content.strip()
    if content.startswith(b"<![CDATA[") and content.endswith(b"]]>"):
        content = content[9:-3].strip()
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as wrong:
        raise WireRefused(403, "base64") from wrong
