"""What is checked before the body of a request is read, and the body itself: its length, its kind, its end.

Anybody can open a connection. So an address that takes a body refuses at once what its address and headers already show
to be wrong, and waits for the body of the rest only for a fixed time (`bot.web.front`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import falcon

LONGEST = 64 * 1024  # bytes of a body; no message and no callback is longer
_ANY = frozenset({"", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"})
XML = _ANY | {"text/xml", "application/xml"}
JSON = _ANY | {"application/json"}

SECURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class Refused(Exception):
    """A request that is not accepted: `status` for the sender, `reason` (a few fixed words) for log and metrics."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer to a request."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Door(Protocol):
    """An address that takes a body, as the server sees it."""

    def refuse(self, query: str, headers: Mapping[str, str]) -> HttpAnswer | None:
        """The refusal of a request, before its body is read; None lets it in. `headers` has lower-case names."""
        ...

    async def answer(self, query: str, body: bytes) -> HttpAnswer | None:
        """The answer, without occupying a thread; None: the application answers it on a thread."""
        ...


def check_length_and_kind(headers: Mapping[str, str], kinds: frozenset[str]) -> None:
    """Raise Refused for a body that is too long, empty, or of a kind that is never sent to this address."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise Refused(415, "kind")
    length = headers.get("content-length", "")
    if not length:
        if "transfer-encoding" not in headers:
            raise Refused(411, "no length")
    elif not (length.isascii() and length.isdigit()):
        raise Refused(400, "length")
    elif len(length) > 9 or int(length) > LONGEST:
        raise Refused(413, "too long")


def lower_case_headers(req: falcon.Request) -> dict[str, str]:
    """The headers of a request that Falcon has taken, as a door wants them."""
    headers = {name.lower(): value for name, value in req.headers.items()}
    if req.env.get("wsgi.input_terminated") and not headers.get("content-length"):
        headers["transfer-encoding"] = "chunked"
    return headers


def read_body(req: falcon.Request) -> bytes:
    """The body; raises Refused without reading on. Without Content-Length the server must end the input by itself."""
    length = req.content_length
    if length is None:
        if not req.env.get("wsgi.input_terminated"):
            return b""
        body = req.stream.read(LONGEST + 1)
    elif length > LONGEST:
        raise Refused(413, "too long")
    else:
        body = req.bounded_stream.read(LONGEST + 1)
    if len(body) > LONGEST:
        raise Refused(413, "too long")
    return bytes(body)
