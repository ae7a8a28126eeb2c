"""/wechat: the address check (GET) and the messages (POST) of the official account.

Before the sender is known to be WeChat, what is wrong is refused with a 4xx. From then on every answer is a 200: WeChat
shows the citizen a failure for anything else, and sends it again (facts/wechat.md A0).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

import falcon
import structlog

from bot.turns.values import Answer
from bot.web.doors import XML, HttpAnswer, Refused, check_length_and_kind, lower_case_headers, read_body
from bot.web.services import WebServices
from bot.wire.elements import Unreadable
from bot.wire.render import passive_xml
from bot.wire.sealing import Stamp, WireRefused
from bot.wire.shape import Message, read_message, translator

_SUCCESS = HttpAnswer(200, "success")


class PushedMessages:
    """What WeChat posts to /wechat: let in by its address, opened, turned, answered. A `bot.web.doors.Door`."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._robot = translator()
        self._log = structlog.get_logger("wechat")

    def refuse(self, query: str, headers: Mapping[str, str]) -> HttpAnswer | None:
        """Without the body: length and kind, and that time and `signature` are of one who knows the token."""
        try:
            check_length_and_kind(headers, XML)
            asked = _asked(query)
            if asked.get("encrypt_type") != "aes":
                raise WireRefused(403, "plain")
            self._services.keys.check_address(_stamp(asked), self._services.clock())
        except (Refused, WireRefused) as refused:
            return self.refusal(refused)
        return None

    async def answer(self, query: str, body: bytes) -> HttpAnswer:
        """One message or event, sealed; the answer is sealed too, or `success`. Occupies no thread while it waits."""
        began, stamp = time.monotonic(), _stamp(_asked(query))
        message = self._read(stamp, body)
        if isinstance(message, HttpAnswer):
            return message
        try:
            answer = await self._services.turns.answer(message.openid, message.key, message.said)
        except Exception as wrong:
            answer = self._trouble(wrong)
        return self._reply(message, answer, stamp, began)

    def answer_here(self, query: str, body: bytes) -> HttpAnswer:
        """The same, on the caller's thread."""
        began, stamp = time.monotonic(), _stamp(_asked(query))
        message = self._read(stamp, body)
        if isinstance(message, HttpAnswer):
            return message
        try:
            answer = self._services.turns.handle(message.openid, message.key, message.said)
        except Exception as wrong:
            answer = self._trouble(wrong)
        return self._reply(message, answer, stamp, began)

    def echo(self, query: str) -> HttpAnswer:
        """The console asks whether the address is ours."""
        try:
            asked = _asked(query)
            return HttpAnswer(
                200, self._services.keys.echo(_stamp(asked), asked.get("echostr", ""), self._services.clock())
            )
        except WireRefused as refused:
            return self.refusal(refused)

    def refusal(self, refused: Refused | WireRefused) -> HttpAnswer:
        """Counted and logged."""
        self._services.metrics.refused("wire", refused.reason)
        self._log.warning("refused", status=refused.status, reason=refused.reason)
        return HttpAnswer(refused.status, falcon.code_to_http_status(refused.status))

    def _read(self, stamp: Stamp, body: bytes) -> Message | HttpAnswer:
        """The message inside, or the answer to what is none."""
        services = self._services
        try:
            xml = services.keys.open(stamp, body, services.clock())
        except WireRefused as refused:
            return self.refusal(refused)
        try:
            return read_message(self._robot, xml)
        except Unreadable as wrong:
            services.metrics.refused("message", str(wrong))
            self._log.warning("a message of WeChat's that is none; the account must push XML", reason=str(wrong))
            return _SUCCESS

    def _trouble(self, wrong: Exception) -> Answer:
        number = secrets.token_hex(4)
        self._log.error("message not taken", id=number, error=type(wrong).__name__)
        return Answer(self._services.trouble.format(id=number), "failed")

    def _reply(self, message: Message, answer: Answer, stamp: Stamp, began: float) -> HttpAnswer:
        services, http = self._services, _SUCCESS
        if answer.text:
            now = services.clock()
            reply = passive_xml(answer.text, to=message.openid, sender=message.account, created=int(now))
            http = HttpAnswer(200, services.keys.seal(reply, stamp.nonce, now), "application/xml")
        services.metrics.turn(str(answer.outcome), time.monotonic() - began)
        return http


class WeChatMessages:
    """The same address as a resource of Falcon."""

    def __init__(self, pushed: PushedMessages) -> None:
        self._pushed = pushed

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The address check."""
        _say(resp, self._pushed.echo(req.query_string))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """One message or event."""
        refusal = self._pushed.refuse(req.query_string, lower_case_headers(req))
        if refusal is None:
            try:
                refusal = self._pushed.answer_here(req.query_string, read_body(req))
            except Refused as refused:
                refusal = self._pushed.refusal(refused)
        _say(resp, refusal)


def _say(resp: falcon.Response, answer: HttpAnswer) -> None:
    resp.status, resp.text, resp.content_type = answer.status, answer.body, answer.content_type


def _asked(query: str) -> Mapping[str, str]:
    """The parameters of the address; raises WireRefused where one is repeated, which WeChat never does."""
    asked: dict[str, str] = {}
    for name, value in falcon.uri.parse_query_string(query).items():
        if not isinstance(value, str):
            raise WireRefused(403, "repeated")
        asked[name] = value
    return asked


def _stamp(asked: Mapping[str, str]) -> Stamp:
    return Stamp(*(asked.get(name, "") for name in ("timestamp", "nonce", "signature", "msg_signature")))
