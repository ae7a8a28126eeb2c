"""/pay/notify: WeChat Pay's callbacks. 204 once it is settled; anything else makes WeChat Pay send it again."""

from __future__ import annotations

import falcon
import structlog

from bot.pay.notify_guard import NotifyRefused
from bot.web.body import TooLong, read_body
from bot.web.services import DoesNotFit, WebServices


class PayNotifications:
    """The address WeChat Pay calls; no login, no proxy's filter (facts/wechat.md B3)."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._log = structlog.get_logger("pay.notify")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """One callback."""
        services = self._services
        try:
            notification = services.guard.read(req.headers, read_body(req), services.clock())
        except TooLong:
            return self._fail(resp, 413, "too long")
        except NotifyRefused as refused:
            self._log.warning("callback refused", reason=refused.reason, status=refused.status)
            return self._fail(resp, refused.status, "refused")
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
