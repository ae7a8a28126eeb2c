"""Brings one encrypted message to the bot as WeChat does: three tries of five seconds, a strict look at the reply."""

import secrets
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

import urllib3

from bot.sandbox.bubbles import Bubble, links_in
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.media import Media
from bot.sandbox.push_crypto import BadCipherText, PushCrypto, signature
from bot.sandbox.push_xml import BadXml, envelope, read, text_of
from bot.sandbox.refusals import Refused

TRIES = 3
TEXT_BYTES = 2048


class Account(Protocol):
    """What a delivery needs of the account it comes from."""

    keys: SandboxKeys
    clock: MovableClock
    faults: Faults
    crypto: PushCrypto
    media: Media
    bot_url: str
    answer_within: float
    wire: urllib3.PoolManager


class BadReply(ValueError):
    """A reply for which WeChat would show the citizen its failure toast."""


@dataclass(frozen=True)
class Delivered:
    """What became of a message: the bubbles of the reply, or why each try failed."""

    bubbles: tuple[Bubble, ...]
    failures: tuple[str, ...]
    answered: bool


def deliver(account: Account, openid: str, xml: str) -> Delivered:
    """POST one message until the bot gives an answer WeChat understands, three times at most.

    The second try is the first one again, byte for byte; the third is encrypted anew. Which of the two WeChat does is
    not documented, so a bot has to bear both.
    """
    failures: list[str] = []
    url, body = _sealed(account, openid, xml)
    for attempt in range(TRIES):
        if attempt == 2:
            url, body = _sealed(account, openid, xml)
        try:
            return Delivered(_once(account, openid, url, body), tuple(failures), answered=True)
        except (BadReply, BadXml, BadCipherText, urllib3.exceptions.HTTPError) as wrong:
            failures.append(f"{type(wrong).__name__}: {wrong}")
    return Delivered((), tuple(failures), answered=False)


def verify_address(account: Account) -> bool:
    """What the console does when the address is saved: GET with an echostr, which must come back as it is."""
    echo = str(secrets.randbelow(10**19))
    url = f"{account.bot_url}?{urlencode({**_signed(account), 'echostr': echo})}"
    answer = account.wire.request("GET", url, timeout=urllib3.Timeout(account.answer_within), redirect=False)
    return answer.status == 200 and answer.data == echo.encode()


def _signed(account: Account) -> dict[str, str]:
    timestamp, nonce = str(int(account.clock.now())), str(secrets.randbelow(10**10))
    return {"signature": signature(account.keys.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}


def _sealed(account: Account, openid: str, xml: str) -> tuple[str, bytes]:
    encrypted = account.crypto.encrypt(xml)
    asked = _signed(account) | {"openid": openid, "encrypt_type": "aes"}
    asked["msg_signature"] = account.crypto.sign(asked["timestamp"], asked["nonce"], encrypted)
    return f"{account.bot_url}?{urlencode(asked, quote_via=quote)}", envelope(
        account.keys.original_id, encrypted
    ).encode()


def _once(account: Account, openid: str, url: str, body: bytes) -> tuple[Bubble, ...]:
    fired = account.faults.take("push")
    if Fault.LATENCY in fired:
        time.sleep(fired.seconds)
    if Fault.DROP_BEFORE in fired:
        raise BadReply("lost on the way to the bot")
    if Fault.WRONG_SIGNATURE in fired:
        url = url[:-1] + ("0" if url[-1] != "0" else "1")
    answer = account.wire.request(
        "POST",
        url,
        body=body[: len(body) // 2] if Fault.GARBLED in fired else body,
        headers={"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Accept": "*/*", "Pragma": "no-cache"},
        timeout=urllib3.Timeout(total=account.answer_within),
        redirect=False,
    )
    if Fault.DROP_AFTER in fired:
        raise BadReply("lost on the way from the bot")
    if answer.status != 200:
        raise BadReply(f"HTTP {answer.status}")
    if answer.data in (b"", b"success"):
        return ()
    return (_bubble(account, openid, answer.data),)


def _bubble(account: Account, openid: str, data: bytes) -> Bubble:
    try:
        sealed = read(data.decode())
    except UnicodeDecodeError as wrong:
        raise BadReply("not UTF-8") from wrong
    encrypted, timestamp, nonce = (text_of(sealed, name) for name in ("Encrypt", "TimeStamp", "Nonce"))
    if not timestamp.isdigit() or not account.crypto.signed(
        text_of(sealed, "MsgSignature"), timestamp, nonce, encrypted
    ):
        raise BadReply("the reply's signature is wrong")
    reply = read(account.crypto.decrypt(encrypted))
    if text_of(reply, "ToUserName") != openid or text_of(reply, "FromUserName") != account.keys.original_id:
        raise BadReply("the reply is for somebody else")
    if not text_of(reply, "CreateTime").isdigit():
        raise BadReply("CreateTime is not a number of seconds")
    kind = text_of(reply, "MsgType")
    text, media_id = "", ""
    if kind == "text":
        text = text_of(reply, "Content")
        if not text.strip():
            raise BadReply("an empty text")
        if len(text.encode()) > TEXT_BYTES:
            raise BadReply(f"a text of {len(text.encode())} bytes")
    elif kind == "image":
        picture = reply.get("Image")
        try:
            media_id = account.media.picture(text_of(picture if isinstance(picture, dict) else {}, "MediaId")).media_id
        except Refused as wrong:
            raise BadReply(str(wrong)) from wrong
    else:
        raise BadReply(f"a reply of kind {kind!r}")
    return Bubble(kind, text, links_in(text), media_id, account.clock.now(), pushed=False)
