"""What a connection meets first: a request that is not whole, or need not be read, never reaches a thread.

Granian (RSGI) gives each request to the event loop of the worker. There the door of its address refuses what is wrong
without the body; the body of the rest is awaited, for `BODY_SECONDS` in all. Messages are answered by their door on the
loop (the turn runs on the threads of turns); everything else by the WSGI application on a thread, with its whole body.
So a body that does not come, a slow reader or an idle connection costs a little memory and no thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from io import BytesIO
from typing import Any, Protocol
from wsgiref.types import WSGIApplication, WSGIEnvironment

import structlog
from granian.rsgi import ProtocolClosed, ProtocolError, Scope  # type: ignore[attr-defined]

from bot.web.doors import LONGEST, SECURE_HEADERS, Door, HttpAnswer

BODY_SECONDS = 5.0  # for a whole body, however many parts it comes in
_CLOSE = ("connection", "close")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CALLBACK_THREADS = 4  # of their own: pages that wait for WeChat Pay do not keep callbacks waiting


class Exchange(Protocol):
    """What Granian gives beside the scope: the body, whole or in parts, and the answer."""

    async def __call__(self) -> bytes:
        """The whole body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in parts."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""
        ...


class Front:
    """The RSGI application around a WSGI application and its doors."""

    def __init__(
        self, wsgi: WSGIApplication, doors: Mapping[str, Door], threads: int, listening: Callable[[], None]
    ) -> None:
        """`threads` answer requests at once; `listening` is called when connections are accepted."""
        self._wsgi = wsgi
        self._doors = doors
        self._listening = listening
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._door_threads = ThreadPoolExecutor(_CALLBACK_THREADS, thread_name_prefix="callback")
        self._log = structlog.get_logger("web")

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Granian calls it just before it listens: what waits on the loop runs after that."""
        loop.call_soon(self._listening)

    async def __rsgi__(self, scope: Scope, protocol: Exchange) -> None:
        """One request."""
        headers = _joined(scope)
        door = self._doors.get(scope.path) if scope.method == "POST" else None
        if door:
            refusal = door.refuse(scope.query_string, headers)
            if refusal:
                return _send(protocol, refusal, close=True)
        try:
            body = await _body(protocol, headers) if scope.method in _WITH_BODY else b""
        except _TooLong:
            return _send(protocol, _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE), close=True)
        except TimeoutError:
            self._log.warning("a body did not come in time", path=scope.path if door else "other")
            return _send(protocol, _plain(HTTPStatus.REQUEST_TIMEOUT), close=True)
        except (ProtocolError, ProtocolClosed, OSError):  # the sender has gone
            return _send(protocol, _plain(HTTPStatus.BAD_REQUEST), close=True)
        if door:
            answer = await door.answer(scope.query_string, body)
            if answer:
                return _send(protocol, answer)
        begun = _Begun()
        loop = asyncio.get_running_loop()
        threads = self._door_threads if door else self._threads
        said = await loop.run_in_executor(threads, self._run, _environ(scope, headers, body), begun)
        protocol.response_bytes(begun.status, begun.headers, said)
        return None

    def _run(self, environ: WSGIEnvironment, begun: _Begun) -> bytes:
        parts = self._wsgi(environ, begun)
        try:
            return b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()


class _TooLong(Exception):
    """A body of more bytes than any address takes."""


async def _body(protocol: Exchange, headers: Mapping[str, str]) -> bytes:
    """The whole body; raises TimeoutError, _TooLong."""
    length = headers.get("content-length", "0" if "transfer-encoding" not in headers else "")
    if length and int(length) > LONGEST:  # the server has refused what is no number
        raise _TooLong
    async with asyncio.timeout(BODY_SECONDS):
        if length:
            return bytes(await protocol()) if length != "0" else b""
        parts, size = [], 0
        async for part in protocol:
            parts.append(bytes(part))
            size += len(part)
            if size > LONGEST:
                raise _TooLong
        return b"".join(parts)


def _joined(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name; of one that comes twice both values, as WSGI has them."""
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _send(protocol: Exchange, answer: HttpAnswer, *, close: bool = False) -> None:
    headers = [("content-type", answer.content_type), *_SECURE]
    if close:
        headers.append(_CLOSE)
    protocol.response_bytes(answer.status, headers, answer.body.encode())


def _plain(status: HTTPStatus) -> HttpAnswer:
    return HttpAnswer(status.value, f"{status.value} {status.phrase}")


_SECURE = [(name.lower(), value) for name, value in SECURE_HEADERS.items()]


def _environ(scope: Scope, headers: Mapping[str, str], body: bytes) -> WSGIEnvironment:
    host, _, port = scope.server.rpartition(":")
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if "_" not in name}
    return given | {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),  # the server has unquoted it
        "QUERY_STRING": scope.query_string,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


class _Begun:
    """`start_response`: keeps what the application says before the body."""

    status = 500
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], wrong: Any = None, /) -> Any:
        self.status = int(status.partition(" ")[0])
        self.headers = headers
