"""What the tests of the sandbox share: keys made once, a fixed moment, foreign vectors, a small echo bot."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import urllib3
from werobot.crypto import MessageCrypt
from werobot.parser import parse_user_msg, parse_xml

from bot.sandbox.faults import Faults
from bot.sandbox.http import Answer, LoopbackServer, Request, Route
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.push_crypto import signature
from bot.sandbox.push_xml import cdata

NINE_O_CLOCK = 1795395600.0  # 2026-11-23 09:00 in Shanghai
VECTORS = Path(__file__).parents[2].parent / "shared" / "data" / "vectors"


@functools.cache
def keys() -> SandboxKeys:
    """One set of keys for a whole test process."""
    return SandboxKeys.fresh()


def vectors(name: str) -> Any:
    """A foreign JSON vector, read in place; skips where it is absent."""
    file = VECTORS / name
    if not file.exists():
        pytest.skip(f"foreign vectors are not on this machine: {name}")
    return json.loads(file.read_text("utf-8"))


def get(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
    """One request, without retries; POST where there is a body."""
    return urllib3.request("POST" if body is not None else "GET", url, body=body, headers=headers, retries=False)


def text_reply(openid: str, text: str) -> Callable[[Any], str]:
    """A plain XML text reply to this person."""

    def reply(message: Any) -> str:
        return (
            f"<xml><ToUserName>{cdata(openid)}</ToUserName><FromUserName>{cdata(keys().original_id)}</FromUserName>"
            f"<CreateTime>1</CreateTime><MsgType>{cdata('text')}</MsgType><Content>{cdata(text)}</Content></xml>"
        )

    return reply


class EchoBot:
    """A bot that reads with WeRoBot's own crypto and parser, keeps every message, and answers what it is told to.

    `answers` are used in turn, the last for ever: XML to encrypt, an `Answer` as it is, or a function of the message.
    """

    def __init__(self, *answers: Any) -> None:
        self.messages: list[Any] = []
        self.requests: list[Request] = []
        self.crypt = MessageCrypt(keys().token, keys().encoding_aes_key, keys().app_id)
        self._answers = list(answers) or [Answer(200, b"success")]
        routes = (Route("bot", "POST", "/wechat", self._post), Route("bot", "GET", "/wechat", self._get))
        self._server = LoopbackServer(routes, Faults())
        self.url = f"{self._server.url}/wechat"

    def __enter__(self) -> "EchoBot":
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _get(self, request: Request) -> Answer:
        self.requests.append(request)
        query = request.query
        right = query["signature"] == signature(keys().token, query["timestamp"], query["nonce"])
        return Answer(200, query["echostr"].encode() if right else b"")

    def _post(self, request: Request) -> Answer:
        self.requests.append(request)
        query = request.query
        assert query["signature"] == signature(keys().token, query["timestamp"], query["nonce"])
        sealed = parse_xml(request.body)
        xml = self.crypt.decrypt_message(query["timestamp"], query["nonce"], query["msg_signature"], sealed["Encrypt"])
        message = parse_user_msg(xml)
        self.messages.append(message)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        said = answer(message) if callable(answer) else answer
        if isinstance(said, Answer):
            return said
        return Answer(200, self.crypt.encrypt_message(said).encode())
