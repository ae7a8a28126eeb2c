"""/pay/<token>: the hand-off to WeChat's cashier."""

from __future__ import annotations

import falcon

from bot.web.services import WebServices


class PayPage:
    """One token, one hand-off, or one plain sentence."""

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, token: str) -> None:
        """What the order behind the token allows just now."""
        resp.status, headers, resp.data = self._services.hand_off(
            token, req.user_agent or "", req.get_param("failed") or ""
        )
        for name, value in headers.items():
            resp.set_header(name, value)
