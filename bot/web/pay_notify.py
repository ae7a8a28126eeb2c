"""/pay/notify: WeChat Pay's callbacks. 204 once it is settled; anything else makes WeChat Pay send it again."""

from __future__ import annotations

import json
from collections.abc import Mapping

import falcon
import structlog

from bot.pay.notify_guard import NotifyRefused
from bot.web.doors import JSON, HttpAnswer, Refused, check_length_and_kind, lower_case_headers, read_body
from bot.web.services import DoesNotFit, WebServices


class NotifyDoor:
    """What is known of a callback before its body: length and kind, the four headers, the serial, the time."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._log = structlog.get_logger("pay.notify")

    def refuse(self, query: str, headers: Mapping[str, str]) -> HttpAnswer | None:
        """The refusal; None where the callback may be WeChat Pay's."""
        del query  # the address of callbacks has none
        try:
            check_length_and_kind(headers, JSON)
            self._services.guard.check_headers(headers, self._services.clock())
        except (Refused, NotifyRefused) as refused:
            return self.refusal(refused)
        return None

    async def answer(self, query: str, body: bytes) -> HttpAnswer | None:
        """Settled on a thread of the application: it writes to the database."""
        return None

    def refusal(self, refused: Refused | NotifyRefused) -> HttpAnswer:
        """Counted and logged."""
        outcome = "too long" if refused.status == 413 else "refused"
        self._log.warning("callback refused", reason=refused.reason, status=refused.status)
        self._services.metrics.notified(outcome)
        body = {"code": "FAIL", "message": falcon.code_to_http_status(refused.status)}
        return HttpAnswer(refused.status, json.dumps(body), falcon.MEDIA_JSON)


class PayNotifications:
    """The address WeChat Pay calls; no login, no proxy's filter (facts/wechat.md B3)."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._door = NotifyDoor(services)
        self._log = structlog.get_logger("pay.notify")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """One callback."""
        services = self._services
        refusal = self._door.refuse("", lower_case_headers(req))
        if refusal is None:
            try:
                notification = services.guard.read(req.headers, read_body(req), services.clock())
            except (Refused, NotifyRefused) as refused:
                refusal = self._door.refusal(refused)
        if refusal is not None:
            resp.status, resp.text, resp.content_type = refusal.status, refusal.body, refusal.content_type
            return None
        if notification.kind == "other":
            self._log.warning("callback of an unknown kind", kind=notification.event_type, notification=notification.id)
            services.metrics.notified("other")
            resp.status = 200
            return None
        try:
            services.settle(notification)
        except DoesNotFit:
            self._log.error("callback does not fit", notification=notification.id)
            return self._fail(resp, 400, "discrepancy")
        except Exception as wrong:  # it is sent again, and the sweep asks too
            self._log.error("callback not settled", notification=notification.id, error=type(wrong).__name__)
            return self._fail(resp, 500, "failed")
        services.metrics.notified("settled")
        resp.status = 204
        return None

    def _fail(self, resp: falcon.Response, status: int, outcome: str) -> None:
        self._services.metrics.notified(outcome)
        resp.status = status
        resp.media = {"code": "FAIL", "message": falcon.code_to_http_status(status)}
        resp.content_type = falcon.MEDIA_JSON
