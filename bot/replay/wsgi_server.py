"""A small threaded WSGI server on a free loopback port; its application can be exchanged: a restart keeps the port."""

from __future__ import annotations

import sys
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import unquote
from wsgiref.types import WSGIApplication, WSGIEnvironment

from bot.sandbox.http import Answer, HttpServer


class LoopbackWsgi(HttpServer):
    """Serves `application`, once there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.application: WSGIApplication | None = None
        self.start()

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        """The application's."""
        if self.application is None:
            return Answer(503)
        begun = _Begun()
        said = b"".join(self.application(self._environ(method, target, headers, body), begun))
        return Answer(begun.status, said, begun.headers)

    def _environ(self, method: str, target: str, headers: Message, body: bytes) -> WSGIEnvironment:
        path, _, query = target.partition("?")
        host, _, port = self.url.removeprefix("http://").partition(":")
        told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.raw_items()}
        return told | {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": host,
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": host,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


class _Begun:
    """`start_response`: keeps what the application says ahead of the body. The server itself says how long that is."""

    status = 500
    headers: dict[str, str]

    def __call__(self, status: str, headers: list[tuple[str, str]], wrong: Any = None, /) -> Any:
        self.status = int(status.partition(" ")[0])
        self.headers = {name: value for name, value in headers if name.lower() != "content-length"}
