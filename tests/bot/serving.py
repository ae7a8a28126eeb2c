"""A tiny application for the server's tests, built in Granian's worker."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from bot.web.doors import Door
from bot.web.server import Listen, serve


class Tiny:
    """Notes what happens in a folder; /slow answers once the file `go` is there."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.stopping = threading.Event()
        self.doors: dict[str, Door] = {}

    @property
    def wsgi(self) -> WSGIApplication:
        return self.answer

    def answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            (self.folder / "begun").touch()
            while not (self.folder / "go").exists():
                threading.Event().wait(0.01)
        start("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    def start_background(self) -> None:
        (self.folder / "background").touch()

    def stop(self) -> None:
        (self.folder / "stopped").touch()


def broken(folder: str) -> Tiny:
    raise RuntimeError(f"no configuration in {Path(folder).name}")


if __name__ == "__main__":
    serve(sys.argv[1], (sys.argv[2],), listen=Listen(port=int(sys.argv[3]), threads=4))
