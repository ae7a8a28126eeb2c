"""What citizens say in a bench, sealed as WeChat seals it, before the clock starts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.bench.people import Resident
from bot.sandbox.push_crypto import PushCrypto, signature
from bot.sandbox.push_xml import envelope, message

ORDERS_ONE_IN = 10  # conversations that go on to an order

Word = tuple[str, str]  # ("say", text) or ("click", key of the menu)


@dataclass(frozen=True, slots=True)
class Account:
    """The official account's secrets."""

    app_id: str
    original_id: str
    token: str
    encoding_aes_key: str


def conversation(one: Resident, *, orders: bool) -> list[Word]:
    """A payment as people make it: a tier changed, help asked for, an order or a second look elsewhere."""
    pension: list[Word] = [
        ("click", "pay.pension"),
        ("say", one.number),
        ("say", one.name),
        ("say", "1000"),
        ("say", "返回"),
        ("say", "500元"),
        ("say", "帮助"),
    ]
    if orders:
        return [*pension, ("say", "确认缴费"), ("say", "还没有付")]
    medical: list[Word] = [
        ("click", "pay.medical"),
        ("say", "2"),
        ("say", one.number[:-1]),
        ("say", one.number),
        ("say", one.name),
        ("say", "返回"),
    ]
    return [*pension, *medical]


def sealed_conversation(account: Account, host: str, openid: str, words: list[Word]) -> Iterator[bytes]:
    """Each word as the bytes of its HTTP request."""
    crypto = PushCrypto(account.token, account.encoding_aes_key, account.app_id)
    now = int(time.time())
    for kind, word in words:
        if kind == "click":
            xml = message(account.original_id, openid, now, "event", {"Event": "CLICK", "EventKey": word})
        else:
            number = secrets.randbits(62)
            xml = message(account.original_id, openid, now, "text", {"Content": word, "MsgId": number})
        yield request(account, crypto, host, openid, xml, now)


def request(account: Account, crypto: PushCrypto, host: str, openid: str, xml: str, now: int) -> bytes:
    """One message as WeChat POSTs it in safe mode."""
    encrypted = crypto.encrypt(xml)
    timestamp, nonce = str(now), str(secrets.randbelow(10**10))
    query = {
        "signature": signature(account.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": openid,
        "encrypt_type": "aes",
        "msg_signature": crypto.sign(timestamp, nonce, encrypted),
    }
    body = envelope(account.original_id, encrypted).encode()
    head = (
        f"POST /wechat?{urlencode(query)} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
