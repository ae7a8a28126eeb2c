"""What is let in at /pay/notify: checked before wechatpayv3 sees it, read strictly after."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate

from bot.pay.charge import Charge, Garbled, RefundNotice, charge_of, refund_notice_of
from bot.pay.merchant import Merchant, wechatpay
from bot.pay.sealed import open_resource, signed_by
from bot.pay.transport import CLOCK_SKEW_SECONDS, SIGNATURE_TYPE, SIGNED_HEADERS

LONGEST_BODY = 64 * 1024
LONGEST_HEADER = 1024
PROBE = "WECHATPAY/SIGNTEST/"
_EVENT = re.compile(r"[0-9A-Za-z_.\-]{1,64}")


class NotifyRefused(Exception):
    """A callback that changes nothing: answer `status` (400, 401) with FAIL. The reason is for the log."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True)
class Notification:
    """A genuine callback. Whether its number, mchid, appid and amount are ours is for `settle` to say."""

    id: str
    event_type: str
    kind: Literal["payment", "refund", "other"]
    charge: Charge | None
    refund: RefundNotice | None


@dataclass(frozen=True)
class _Signed:
    """The headers a callback is signed with."""

    serial: str
    signature: str
    timestamp: str
    nonce: str


class NotifyGuard:
    """Opens callbacks signed by the platform public key or by one of the platform `certificates` (serial: PEM).

    Both kinds arrive while a merchant is switched over to the public key (facts/wechat.md B2). The guard makes no call,
    whatever comes in: a serial it does not know is refused, and its wechatpayv3 has no private key to sign a call with.
    The constructor raises ValueError for a key or certificate it cannot read.
    """

    def __init__(self, merchant: Merchant, certificates: Mapping[str, str] | None = None) -> None:
        self._merchant = merchant
        self._opener = wechatpay(replace(merchant, private_key=""), notify_url="")
        self._public_key = cast(RSAPublicKey, load_pem_public_key(merchant.public_key.encode()))
        self._certificates = {serial.upper(): _certificate(serial, pem) for serial, pem in (certificates or {}).items()}

    def check_headers(self, headers: Mapping[str, str], now: float) -> None:
        """Check what can be checked before the body is read; raises NotifyRefused.

        One of each signing header, of now (`now` in seconds since 1970), by a key that is known.
        """
        signed = _signed(headers, now)
        if signed.serial != self._merchant.public_key_id and signed.serial.upper() not in self._certificates:
            raise NotifyRefused("unknown Wechatpay-Serial", 401)

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notification:
        """The notification in this raw body; `now` in seconds since 1970. Raises NotifyRefused, and nothing else."""
        try:
            return _notification(self._opened(_signed(headers, now), body, now))
        except NotifyRefused:
            raise
        except Garbled as garbled:
            raise NotifyRefused(f"unreadable: {garbled}", 400) from None
        except Exception as broken:  # wechatpayv3 and json raise whatever the sender makes them raise
            raise NotifyRefused(f"unreadable: {type(broken).__name__}", 400) from None

    def _opened(self, signed: _Signed, body: bytes, now: float) -> dict[str, Any]:
        if len(body) > LONGEST_BODY:
            raise NotifyRefused("body too long", 400)
        if not body.lstrip().startswith(b"{"):
            raise NotifyRefused("not a JSON object", 400)  # v2 XML from the merchant console ends here
        if signed.serial == self._merchant.public_key_id:
            key, opened = self._public_key, self._open_by_library(signed, body)
        elif certificate := self._certificates.get(signed.serial.upper()):
            key = _key_of(certificate, now)
            opened = self._open_by_hand(key, signed, body)
        else:
            raise NotifyRefused("unknown Wechatpay-Serial", 401)
        if opened is None:
            if signed_by(key, signed.timestamp, signed.nonce, body, signed.signature):
                raise NotifyRefused("signed by WeChat Pay, but api_v3_key does not open it", 400)
            raise NotifyRefused("wrong signature", 401)
        return opened

    def _open_by_library(self, signed: _Signed, body: bytes) -> dict[str, Any] | None:
        values = (signed.serial, signed.signature, signed.timestamp, signed.nonce)
        spelled = dict(
            zip(SIGNED_HEADERS, values, strict=True)
        )  # the library knows three spellings and asks for the type
        opened = self._opener.callback({**spelled, "Wechatpay-Signature-Type": SIGNATURE_TYPE}, body)
        return opened if isinstance(opened, dict) else None

    def _open_by_hand(self, key: RSAPublicKey, signed: _Signed, body: bytes) -> dict[str, Any] | None:
        if not signed_by(key, signed.timestamp, signed.nonce, body, signed.signature):
            return None
        message = json.loads(body.decode("utf-8"))
        resource = open_resource(self._merchant.api_v3_key, message["resource"])
        return None if resource is None else {**message, "resource": resource}


def _signed(headers: Mapping[str, str], now: float) -> _Signed:
    """The signing headers, however they are spelled: one of each, plain, of now, and not WeChat Pay's own probe."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if found.setdefault(name.lower(), value) != value:
            raise NotifyRefused(f"two different {name[:40]} headers", 400)
    values = [found.get(name.lower(), "") for name in SIGNED_HEADERS]
    for name, value in zip(SIGNED_HEADERS, values, strict=True):
        if not (value and value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER):
            raise NotifyRefused(f"{name} is missing or strange", 400)
    signed = _Signed(*values)
    # the merchant page lists four headers, the library asks for this fifth (facts/wechat.md C3, E)
    if found.get("wechatpay-signature-type", SIGNATURE_TYPE) != SIGNATURE_TYPE:
        raise NotifyRefused("unknown Wechatpay-Signature-Type", 401)
    if signed.signature.startswith(PROBE):
        raise NotifyRefused("WeChat Pay's own signature probe", 401)
    if not re.fullmatch(r"[0-9]{1,12}", signed.timestamp) or abs(int(signed.timestamp) - now) > CLOCK_SKEW_SECONDS:
        raise NotifyRefused("Wechatpay-Timestamp is not of now", 401)
    return signed


def _notification(opened: dict[str, Any]) -> Notification:
    json.dumps(opened, ensure_ascii=False).encode("utf-8")  # half a surrogate pair would break the database later
    number, event, resource = opened.get("id"), opened.get("event_type"), opened.get("resource")
    if not (isinstance(number, str) and _EVENT.fullmatch(number)):
        raise Garbled("id is missing or strange")
    if not (isinstance(event, str) and _EVENT.fullmatch(event)):
        raise Garbled("event_type is missing or strange")
    if not isinstance(resource, dict):
        raise Garbled("the resource is not an object")
    if event == "TRANSACTION.SUCCESS":
        charge = charge_of(resource)
        if charge.state != "SUCCESS":
            raise Garbled("TRANSACTION.SUCCESS with another trade_state")
        return Notification(number, event, "payment", charge, None)
    if event.startswith("REFUND."):
        return Notification(number, event, "refund", None, refund_notice_of(resource))
    return Notification(number, event, "other", None, None)


def certificates_by_serial(pems: Iterable[str]) -> dict[str, str]:
    """Platform certificates by the serial number that stands in each. Raises ValueError for what is no certificate."""
    return {f"{load_pem_x509_certificate(pem.encode()).serial_number:X}": pem for pem in pems}


def _certificate(serial: str, pem: str) -> Certificate:
    certificate = load_pem_x509_certificate(pem.encode())
    if f"{certificate.serial_number:X}" != serial.upper().lstrip("0"):
        raise ValueError(f"platform certificate {serial} has another serial number inside")
    if not isinstance(certificate.public_key(), RSAPublicKey):
        raise ValueError(f"platform certificate {serial} is not of RSA")
    return certificate


def _key_of(certificate: Certificate, now: float) -> RSAPublicKey:
    if not certificate.not_valid_before_utc <= datetime.fromtimestamp(now, UTC) <= certificate.not_valid_after_utc:
        raise NotifyRefused("the platform certificate has run out", 401)
    return cast(RSAPublicKey, certificate.public_key())
