"""/wechat: the address check (GET) and the messages (POST) of the official account.

Before the sender is known to be WeChat, what is wrong is refused with a 4xx. From then on every answer is a 200: WeChat
shows the citizen a failure for anything else, and sends it again (facts/wechat.md A0).
"""

from __future__ import annotations

import secrets
import time

import falcon
import structlog

from bot.web.body import TooLong, read_body
from bot.web.services import WebServices
from bot.wire.elements import Unreadable
from bot.wire.render import passive_xml
from bot.wire.sealing import Stamp, WireRefused
from bot.wire.shape import read_message, translator


class WeChatMessages:
    """The official account's server address."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._robot = translator()
        self._log = structlog.get_logger("wechat")

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The console asks whether the address is ours."""
        try:
            resp.text = self._services.keys.echo(_stamp(req), _param(req, "echostr"), self._services.clock())
        except WireRefused as refused:
            self._refuse(resp, refused.status, refused.reason)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """One message or event, sealed; the answer is sealed too, or `success`."""
        began, stamp, services = time.monotonic(), _stamp(req), self._services
        try:
            body = read_body(req)
            if _param(req, "encrypt_type") != "aes":
                raise WireRefused(415 if body.lstrip().startswith(b"{") else 403, "plain")
            xml = services.keys.open(stamp, body, services.clock())
        except TooLong:
            return self._refuse(resp, 413, "too long")
        except WireRefused as refused:
            return self._refuse(resp, refused.status, refused.reason)
        resp.text = "success"
        try:
            message = read_message(self._robot, xml)
        except Unreadable as wrong:
            services.metrics.refused("message", str(wrong))
            self._log.warning("a message of WeChat's that is none; the account must push XML", reason=str(wrong))
            return None
        try:
            answer = services.turns.handle(message.openid, message.key, message.said)
            text, outcome = answer.text, str(answer.outcome)
        except Exception as wrong:
            number = secrets.token_hex(4)
            self._log.error("message not taken", id=number, error=type(wrong).__name__)
            text, outcome = services.trouble.format(id=number), "failed"
        if text:
            now = services.clock()
            reply = passive_xml(text, to=message.openid, sender=message.account, created=int(now))
            resp.text = services.keys.seal(reply, stamp.nonce, now)
            resp.content_type = "application/xml"
        services.metrics.turn(outcome, time.monotonic() - began)
        return None

    def _refuse(self, resp: falcon.Response, status: int, reason: str) -> None:
        self._services.metrics.refused("wire", reason)
        self._log.warning("refused", status=status, reason=reason)
        resp.status = status
        resp.text = falcon.code_to_http_status(status)


def _stamp(req: falcon.Request) -> Stamp:
    return Stamp(*(_param(req, name) for name in ("timestamp", "nonce", "signature", "msg_signature")))


def _param(req: falcon.Request, name: str) -> str:
    return req.get_param(name) or ""
