"""Reads a request's body up to a limit, whatever its Content-Length says."""

from __future__ import annotations

import falcon

LONGEST = 64 * 1024  # bytes


class TooLong(Exception):
    """More bytes than any message or callback has."""


def read_body(req: falcon.Request) -> bytes:
    """The body; raises TooLong without reading on. Without Content-Length the server must end the input by itself."""
    length = req.content_length
    if length is None:
        if not req.env.get("wsgi.input_terminated"):
            return b""
        body = req.stream.read(LONGEST + 1)
    elif length > LONGEST:
        raise TooLong
    else:
        body = req.bounded_stream.read(LONGEST + 1)
    if len(body) > LONGEST:
        raise TooLong
    return bytes(body)
