"""A small threaded HTTP/1.1 server on the loopback, with named routes, raw request targets, and faults."""

import re
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from bot.sandbox.faults import NOTHING, Fault, Faults, Fired

MAX_BODY = 16 * 1024 * 1024
_IDLE_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    target: str  # path and query, untouched: signatures are made over it
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)  # what the route's {names} stood for
    fired: Fired = NOTHING


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """A named endpoint; `pattern` may hold {names}, each standing for one path segment."""

    name: str
    method: str
    pattern: str
    answer: Callable[[Request], Answer]

    def match(self, path: str) -> dict[str, str] | None:
        """What the {names} stand for in this path, or None where it is another path."""
        found = self._shape.fullmatch(path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None

    @cached_property
    def _shape(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.pattern)))


class HttpServer(ABC):
    """Answers on 127.0.0.1, on a free port, from its own threads: one for each connection, which clients may keep."""

    def __init__(self) -> None:
        self._server = _Server(self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to answer; the port is bound already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._server.accept, name="loopback-http", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening and close every open connection."""
        if self._thread is not None:
            self._server.accept_no_more()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server.close_connections()

    @abstractmethod
    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        """The answer to one request; None: close the connection without a word."""


class LoopbackServer(HttpServer):
    """Serves routes, with faults."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        faults: Faults,
        failure: Callable[[int], Answer] = lambda status: Answer(status),
    ) -> None:
        """`failure` makes the answer for the faults that answer with a status."""
        super().__init__()
        self._routes = routes
        self._faults = faults
        self._failure = failure

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        """The route's answer, or that of a fault."""
        path, _, query = target.partition("?")
        found = [(route, params) for route in self._routes if (params := route.match(path)) is not None]
        if not found:
            return Answer(404)
        chosen = next(((route, params) for route, params in found if route.method == method), None)
        if chosen is None:
            return Answer(405)
        route, params = chosen
        fired = self._faults.take(route.name)
        if Fault.LATENCY in fired:
            time.sleep(fired.seconds)
        if Fault.DROP_BEFORE in fired:
            return None
        if fired.status is not None:
            return self._failure(fired.status)
        pairs = parse_qsl(query, keep_blank_values=True)
        if len({name for name, _ in pairs}) != len(pairs):
            return Answer(400)  # a repeated parameter: which one counts is a question nobody should have to ask
        answer = route.answer(Request(method, target, path, dict(pairs), headers, body, params, fired))
        if Fault.DROP_AFTER in fired:
            return None
        if Fault.GARBLED in fired:
            return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, owner: HttpServer) -> None:
        self.owner = owner
        self._over = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def accept(self) -> None:
        """Take connections until `accept_no_more`; `serve_forever` would look every few milliseconds."""
        while not self._over:
            self.handle_request()

    def accept_no_more(self) -> None:
        """End `accept`, which a last connection wakes up."""
        self._over = True
        socket.create_connection(("127.0.0.1", self.server_address[1])).close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is its own business; anything else is printed by the standard library."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._lock:
            open_now = list(self._open)
        for connection in open_now:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: _Server

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._write(Answer(411))
            return
        body = self.rfile.read(int(length))
        answer = self.server.owner.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            return
        self._write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve

    def _write(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('', ''))[0]}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.status != 204:
            lines.append(f"Content-Length: {len(answer.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the stand-ins keep their own records."""
