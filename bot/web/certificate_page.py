"""/certificates/<token>.pdf: a certificate as a document."""

from __future__ import annotations

import falcon

from bot.web.services import WebServices


class CertificatePage:
    """One token, one document, or one plain sentence."""

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, token: str) -> None:
        """What the token stands for just now."""
        resp.status, headers, resp.data = self._services.certificate(token)
        for name, value in headers.items():
            resp.set_header(name, value)

    on_head = on_get  # Falcon leaves the body out
