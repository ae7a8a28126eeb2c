"""The addresses of the bot (design 11), and what every answer has in common."""

from __future__ import annotations

import secrets

import falcon
import structlog

from bot.web.certificate_page import CertificatePage
from bot.web.doors import SECURE_HEADERS, Door
from bot.web.healthz import Health
from bot.web.metrics_page import MetricsPage
from bot.web.pay_notify import NotifyDoor, PayNotifications
from bot.web.pay_page import PayPage
from bot.web.services import WebServices
from bot.web.wechat import PushedMessages, WeChatMessages


class SecureHeaders:
    """Headers for every answer that does not set its own."""

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Falcon calls it last."""
        for name, value in SECURE_HEADERS.items():
            if resp.get_header(name) is None:
                resp.set_header(name, value)


def build_wsgi(services: WebServices) -> falcon.App[falcon.Request, falcon.Response]:
    """The WSGI application."""
    app = falcon.App(media_type="text/plain; charset=utf-8", middleware=[SecureHeaders()])
    app.set_error_serializer(_plainly)
    app.add_error_handler(Exception, _unexpected)
    app.add_route("/wechat", WeChatMessages(PushedMessages(services)))
    app.add_route("/pay/notify", PayNotifications(services))
    app.add_route("/pay/{token}", PayPage(services))
    app.add_route("/certificates/{token}.pdf", CertificatePage(services))
    app.add_route("/healthz", Health(services))
    app.add_route("/metrics", MetricsPage(services))
    return app


def build_doors(services: WebServices) -> dict[str, Door]:
    """The addresses that take a body, by path, for `bot.web.front`."""
    return {"/wechat": PushedMessages(services), "/pay/notify": NotifyDoor(services)}


def _plainly(req: falcon.Request, resp: falcon.Response, wrong: falcon.HTTPError) -> None:
    resp.text = falcon.code_to_http_status(wrong.status)
    resp.content_type = "text/plain; charset=utf-8"


def _unexpected(req: falcon.Request, resp: falcon.Response, wrong: Exception, params: dict[str, object]) -> None:
    """No stack trace leaves the house; the id finds it in the log."""
    number = secrets.token_hex(4)
    log = structlog.get_logger("web")
    log.error("request failed", id=number, error=type(wrong).__name__, method=req.method, route=req.uri_template)
    resp.status = 500
    resp.text = f"500 {number}"
    resp.content_type = "text/plain; charset=utf-8"
