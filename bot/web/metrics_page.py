"""/metrics: for who has the token; where none is set, for this machine's own collector."""

from __future__ import annotations

import hmac
import ipaddress

import falcon
from prometheus_client import CONTENT_TYPE_LATEST

from bot.web.services import WebServices

_FORWARDED = ("X-FORWARDED-FOR", "FORWARDED", "X-REAL-IP", "VIA")


class MetricsPage:
    """404 for everybody else, like an address that is not there."""

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The counters in Prometheus' text format."""
        is_allowed = self._has_token(req) if self._services.metrics_token else _from_loopback(req)
        if not is_allowed:
            raise falcon.HTTPNotFound
        resp.data = self._services.metrics.page()
        resp.content_type = CONTENT_TYPE_LATEST

    def _has_token(self, req: falcon.Request) -> bool:
        token = self._services.metrics_token
        claimed = (req.auth or "").encode("utf-8", "replace")
        return bool(token) and hmac.compare_digest(claimed, f"Bearer {token}".encode())


def _from_loopback(req: falcon.Request) -> bool:
    """A proxy on this machine comes from the loopback too: then it says for whom."""
    if any(req.get_header(name) for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(req.env.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
