"""/healthz: whether this process can do its work, for a load balancer."""

from __future__ import annotations

import falcon

from bot.web.services import WebServices


class Health:
    """200 where every check is well, else 503; the body says which is not, and the consequence."""

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All checks as JSON."""
        checks = self._services.health()
        well = all(check.ok for check in checks)
        resp.status = 200 if well else 503
        resp.media = {"ok": well, "checks": {check.name: {"ok": check.ok, "says": check.says} for check in checks}}
        resp.content_type = falcon.MEDIA_JSON

    on_head = on_get  # Falcon leaves the body out
