"""The bot ours is measured against: a bare WeRoBot that keeps a session and says back what it hears."""

from __future__ import annotations

import json
import sys
from typing import Any
from wsgiref.types import WSGIApplication

import bottle  # type: ignore[import-untyped]
import redis
from werobot import WeRoBot
from werobot.contrib.bottle import make_view
from werobot.session.redisstorage import RedisStorage
from werobot.session.sqlitestorage import SQLiteStorage

from bot.web.doors import Door


class EchoBot:
    """WeRoBot as its own documentation sets it up; `bot.web.server` serves it like ours."""

    def __init__(self, wsgi: WSGIApplication) -> None:
        self.wsgi = wsgi
        self.doors: dict[str, Door] = {}

    def start_background(self) -> None:
        """It has no background work."""

    def stop(self) -> None:
        """Nothing is under way."""


def build(settings: str) -> EchoBot:
    """`settings` is JSON: token, encoding_aes_key, app_id, and sessions (a redis:// URL, or a file's path)."""
    keys = json.loads(settings)
    sessions = str(keys["sessions"])
    if sessions.startswith("redis"):
        storage: Any = RedisStorage(redis.Redis.from_url(sessions), prefix=str(keys["prefix"]))
    else:
        storage = SQLiteStorage(sessions)
    robot = WeRoBot(
        token=keys["token"],
        encoding_aes_key=keys["encoding_aes_key"],
        app_id=keys["app_id"],
        enable_session=True,
        session_storage=storage,
    )

    @robot.handler  # type: ignore[untyped-decorator, unused-ignore]
    def echo(message: Any, session: dict[str, Any]) -> str:
        session["turns"] = session.get("turns", 0) + 1
        return str(getattr(message, "content", None) or message.key)

    app = bottle.Bottle()
    app.route("/wechat", ["GET", "POST"], make_view(robot))
    return EchoBot(app)


def _under_granian(settings: str, threads: int, workers: int) -> None:
    from bot.web.server import Listen, serve

    serve("bot.bench.echo_bot:build", (settings,), listen=Listen(threads=threads, workers=workers))


def _under_gunicorn(settings: str, threads: int, workers: int) -> None:
    """As facts/performance.md has it: gthread workers, and the connections kept."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    def ready(server: Any) -> None:
        port = server.LISTENERS[0].sock.getsockname()[1]
        sys.stdout.write(f"ready http://127.0.0.1:{port}\n")
        sys.stdout.flush()

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options = {"bind": "127.0.0.1:0", "workers": workers, "threads": threads, "worker_class": "gthread"}
            for name, value in (options | {"when_ready": ready, "keepalive": 60, "loglevel": "error"}).items():
                self.cfg.set(name, value)

        def load(self) -> WSGIApplication:
            return build(settings).wsgi

    Application().run()


if __name__ == "__main__":
    run = {"granian": _under_granian, "gunicorn": _under_gunicorn}[sys.argv[1]]
    run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
