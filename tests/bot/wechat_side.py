"""WeChat's side of /wechat for tests: seals with the sandbox's own crypto, posts, opens the answer."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

import falcon.testing
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.pay.notify_guard import Notification
from bot.sandbox.push_crypto import PushCrypto, signature
from bot.turns.values import Answer
from bot.web.metrics import Metrics
from bot.web.routes import build_wsgi
from bot.web.services import Check, WebServices
from bot.wire.sealing import WireKeys
from dialogs.said import Said

TOKEN, AES_KEY, APP_ID = "sometoken", base64.b64encode(bytes(range(32))).decode()[:43], "wx0123456789abcdef"
NOW = 1_790_000_000.0
OPENID = "oABCDEFGHIJKLMNOPQRSTUVWXYZ12"
CRYPTO = PushCrypto(TOKEN, AES_KEY, APP_ID)


def keys() -> WireKeys:
    return WireKeys(TOKEN, AES_KEY, APP_ID)


def text_xml(content: str, *, number: int = 1, openid: str = OPENID, more: str = "") -> str:
    """A text message; `content` is put between the tags as it is."""
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>1790000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>{content}</Content>"
        f"<MsgId>{number}</MsgId>{more}</xml>"
    )


def event_xml(event: str, more: str = "") -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>"
        f"<CreateTime>1790000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>"
        f"{more}</xml>"
    )


def sealed(xml: str | bytes, *, at: float = NOW, nonce: str = "nonce1") -> tuple[dict[str, str], bytes]:
    """The query and the body WeChat would send in safe mode."""
    encrypted = _encrypt_bytes(xml) if isinstance(xml, bytes) else CRYPTO.encrypt(xml)
    timestamp = str(int(at))
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "signature": signature(TOKEN, timestamp, nonce),
        "openid": OPENID,
        "encrypt_type": "aes",
        "msg_signature": CRYPTO.sign(timestamp, nonce, encrypted),
    }
    body = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return query, body.encode()


def _encrypt_bytes(raw: bytes) -> str:
    """Also for what is no UTF-8, which the sandbox's crypto does not take."""
    key = base64.b64decode(AES_KEY + "=")
    plain = b"r" * 16 + len(raw).to_bytes(4, "big") + raw + APP_ID.encode()
    missing = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()).decode()


def opened(result: falcon.testing.Result) -> str:
    """The Content of a sealed text answer, its signature and its nonce checked; "success" as it is."""
    if result.text == "success":
        return "success"
    envelope = {child.tag: child.text or "" for child in ElementTree.fromstring(result.content)}
    assert envelope["Nonce"] == "nonce1"
    assert CRYPTO.signed(envelope["MsgSignature"], envelope["TimeStamp"], envelope["Nonce"], envelope["Encrypt"])
    reply = {child.tag: child.text or "" for child in ElementTree.fromstring(CRYPTO.decrypt(envelope["Encrypt"]))}
    assert reply["MsgType"] == "text"
    assert reply["FromUserName"]
    return reply["Content"]


def shown(markup: str) -> str:
    """What a phone shows of a text."""
    return re.sub(r'<a href="[^"]*">(.*?)</a>', r"\1", markup)


def echo(openid: str, message: str, said: Said) -> Answer:
    """Turns that say what they were told."""
    if said.kind in ("quiet", "unsubscribe"):
        return Answer("", "quiet")
    return Answer(f"{said.kind}|{said.text}|{said.option}|{said.key}", "answered")


@dataclass
class Turning:
    """A `TakesMessages` that notes what comes in."""

    reply: Callable[[str, str, Said], Answer] = echo
    came: list[tuple[str, str, Said]] = field(default_factory=list)

    def handle(self, openid: str, message: str, said: Said) -> Answer:
        self.came.append((openid, message, said))
        return self.reply(openid, message, said)

    async def answer(self, openid: str, message: str, said: Said) -> Answer:
        return self.handle(openid, message, said)


class NoCallbacks:
    def check_headers(self, headers: Mapping[str, str], now: float) -> None:
        raise AssertionError("no callback is expected here")

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notification:
        raise AssertionError("no callback is expected here")


def services(turning: Turning, **others: object) -> WebServices:
    """The web's services with nothing behind them but `turning`."""

    def well() -> Sequence[Check]:
        return [Check("database", ok=True)]

    values: dict[str, object] = {
        "keys": keys(),
        "turns": turning,
        "trouble": "trouble {id}",
        "clock": lambda: NOW,
        "guard": NoCallbacks(),
        "settle": lambda notification: None,
        "certificate": lambda token: (404, {"Content-Type": "text/html; charset=utf-8"}, b"unknown"),
        "hand_off": lambda token, agent, failed: (404, {"Content-Type": "text/html; charset=utf-8"}, b"unknown"),
        "health": well,
        "metrics": Metrics(),
        **others,
    }
    return WebServices(**values)  # type: ignore[arg-type]


@dataclass
class Side:
    """WeChat's servers, and the bot they talk to."""

    turning: Turning = field(default_factory=Turning)
    others: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = services(self.turning, **self.others)
        self.client = falcon.testing.TestClient(build_wsgi(self.services))

    def post(self, xml: str | bytes, **query: str) -> falcon.testing.Result:
        """Deliver a message sealed; `query` replaces what stands in the address."""
        own, body = sealed(xml)
        return self.client.simulate_post("/wechat", params={**own, **query}, body=body)

    def says(self, xml: str | bytes) -> str:
        """The text answered, or "success"; the status must be 200."""
        result = self.post(xml)
        assert result.status_code == 200
        return opened(result)
