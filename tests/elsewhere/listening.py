"""A plain HTTP server that hands every request on as it came over the wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """One request: the target word for word as it was sent, header names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    twice: tuple[str, ...] = ()  # headers that stand more than once

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True, strict_parsing=False)


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener:
    """Serves on a port of its own until `stop`; each request on a thread of its own."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                names = [name.lower() for name in self.headers]
                twice = tuple(sorted({name for name in names if names.count(name) > 1}))
                headers = {name.lower(): value for name, value in self.headers.items()}
                given = answer(Request(self.command, self.path, headers, body, twice))
                self.send_response_only(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                if given.status != 204:
                    self.send_header("Content-Length", str(len(given.body)))
                self.end_headers()
                self.wfile.write(given.body)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve

            def log_message(self, *_: Any) -> None:
                """Nothing is written to the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
