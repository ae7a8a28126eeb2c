"""The fault points, laid over the bot from outside: every commit, every call outwards, every answer to a request.

A point is `name:before` or `name:after`, reached before the thing is done and after it was done but before anybody
heard of it: `commit settling.settle/_settle`, `pay.close`, `wechat.send`, `sessions.save`, `http POST /wechat`.
Production code holds no hook: its edges are replaced while a fault test runs.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from functools import cache
from types import FrameType
from typing import Any
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy.engine.default import DefaultDialect

import bot.app
from bot.pay.transport import Transport
from bot.web.doors import HttpAnswer
from bot.web.wechat import PushedMessages
from bot.wechat.account_client import AccountClient
from storage.sessions.embedded import EmbeddedTurnStore
from storage.sessions.embedded_shared import EmbeddedSharedStore
from storage.sessions.on_redis import RedisTurnStore
from storage.sessions.on_redis_shared import RedisSharedStore

Reached = Callable[[str], None]

_NOT_THE_CALLER = ("sqlalchemy", "contextlib", "storage.database", "bot.torture", "unittest")
_STORES: dict[type, tuple[str, ...]] = {
    EmbeddedTurnStore: ("claim", "save", "take_push"),
    RedisTurnStore: ("claim", "save", "take_push"),
    EmbeddedSharedStore: ("put", "lease"),
    RedisSharedStore: ("put", "lease"),
}


def install(reached: Reached) -> ExitStack:
    """Have `reached` told of every point from now on; closing what is returned takes the points away again.

    Before the application is built: its web edge is laid on as it is put together.
    """
    stack = ExitStack()
    _around(stack, DefaultDialect, "do_commit", lambda *_: f"commit {_committer()}", reached)
    _around(stack, Transport, "request", lambda _, path, method=None, *__: pay_call(path, method), reached)
    _around(stack, AccountClient, "_send", lambda _, __, endpoint: f"wechat.{endpoint.split('/')[-1]}", reached)
    for store, names in _STORES.items():
        for name in names:
            _around(stack, store, name, lambda *_, name=name: f"sessions.{name}", reached)
    build_wsgi = vars(bot.app)["build_wsgi"]
    stack.enter_context(patch.object(bot.app, "build_wsgi", lambda services: _web(build_wsgi(services), reached)))
    stack.enter_context(patch.object(PushedMessages, "answer", _message(PushedMessages.answer, reached)))
    return stack


def pay_call(path: str, method: object = None) -> str:
    """The short name of a call to WeChat Pay: pay.jsapi, pay.close, pay.refund, ..."""
    path = path.partition("?")[0]
    word = path.rpartition("/")[2]
    if word in ("jsapi", "native", "close", "tradebill", "fundflowbill"):
        return f"pay.{word}"
    if "/refund/" in path:
        return "pay.refund" if word == "refunds" else "pay.refund_query"
    return "pay.query"


def _around(stack: ExitStack, owner: type, name: str, naming: Callable[..., str], reached: Reached) -> None:
    inner = getattr(owner, name)

    def around(self: Any, *arguments: Any, **more: Any) -> Any:
        point = naming(self, *arguments)
        reached(f"{point}:before")
        result = inner(self, *arguments, **more)
        reached(f"{point}:after")
        return result

    stack.enter_context(patch.object(owner, name, around))


def _web(inner: WSGIApplication, reached: Reached) -> WSGIApplication:
    def around(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/pay/") and path != "/pay/notify":
            path = "/pay/<token>"
        point = f"http {environ.get('REQUEST_METHOD')} {path}"
        reached(f"{point}:before")
        answer = inner(environ, start_response)
        reached(f"{point}:after")
        return answer

    return around


def _message(
    inner: Callable[[PushedMessages, str, bytes], Awaitable[HttpAnswer]], reached: Reached
) -> Callable[[PushedMessages, str, bytes], Awaitable[HttpAnswer]]:
    """The same point where a message does not take the way through the WSGI application."""

    async def around(self: PushedMessages, query: str, body: bytes) -> HttpAnswer:
        reached("http POST /wechat:before")
        answer = await inner(self, query, body)
        reached("http POST /wechat:after")
        return answer

    return around


def _committer() -> str:
    """Who commits, and what: `till._place/mark_called`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_NOT_THE_CALLER):
        frame = frame.f_back
    if frame is None:
        return "?"
    code = frame.f_code
    module = str(frame.f_globals.get("__name__", "")).rpartition(".")[2]
    act = _acts(code.co_filename).get(frame.f_lineno, "")
    return f"{module}.{code.co_name}{'/' if act else ''}{act}"


@cache
def _acts(file: str) -> dict[int, str]:
    """For each `with` of a source file, by its line: the first thing its block does with the connection."""
    found = {}
    for node in ast.walk(ast.parse("".join(linecache.getlines(file)))):
        if isinstance(node, ast.With):
            found[node.lineno] = next(filter(None, map(_act, ast.walk(ast.Module(node.body, [])))), "")
    return found


def _act(node: ast.AST) -> str:
    if not isinstance(node, ast.Call) or not any(isinstance(one, ast.Name) for one in node.args):
        return ""
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
    names = {one.id for one in node.args if isinstance(one, ast.Name)}
    return str(name) if "connection" in names else ""
