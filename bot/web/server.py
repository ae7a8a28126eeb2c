"""Granian around the application: one line when it accepts connections, and a stop that finishes what was begun.

Granian's main process starts the workers, each of which builds the application for itself from a factory named as
"module:function". On SIGTERM or SIGINT each worker takes no new connection, answers the requests it has, and stops the
application (`Served.stop`); then the main process ends with 0.
"""

from __future__ import annotations

import errno
import gc
import http.client
import importlib
import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast
from wsgiref.types import WSGIApplication

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from bot.web.cores import OwnCores, cores_for
from bot.web.doors import Door
from bot.web.front import Front

COUNTED_TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
_COLLECT_AFTER = (20_000, 20, 20)  # new objects, and younger collections, before one collects
_STOP_FIRST = 100  # before multiprocessing's own finalizers
_LOOK_AGAIN = 0.02  # seconds
_WAKE = signal.SIGUSR1  # nobody else's; a second SIGTERM would stop Granian's stopping
_IDLE_SECONDS = 8.0  # for the headers of a request, also of the next one on the same connection
_UNREAD_SECONDS = 8.0  # for a client to make room for the rest of an answer
_BUFFER = 32 * 1024  # bytes of one request's headers, at most
_CONNECTIONS = 2048  # open at once in each worker; further ones wait to be accepted
_LONGEST_STOP = 30  # seconds; a worker that hangs is killed then


class Served(Protocol):
    """`bot.app.App`, as far as a server needs it."""

    @property
    def wsgi(self) -> WSGIApplication:
        """The application."""
        ...

    @property
    def doors(self) -> Mapping[str, Door]:
        """By path: what is checked before a body is read (`bot.web.front`)."""
        ...

    def start_background(self) -> None:
        """Begin the background work of this process."""
        ...

    def stop(self) -> None:
        """End it, and finish the turns that still run."""
        ...


class AddressTaken(Exception):
    """Another program listens there already, or the address is none of this machine's."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; port 0 picks a free one."""

    host: str = "127.0.0.1"
    port: int = 0
    threads: int = 16  # requests at once, in each worker
    workers: int = 1


def serve(
    factory: str,
    arguments: Iterable[str] = (),
    *,
    listen: Listen = Listen(),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `factory` ("module:function") is called with `arguments` in each worker.

    Says "ready http://HOST:PORT" on standard output once connections are accepted. Raises AddressTaken, and SystemExit
    with 1 where a worker ended by itself.
    """
    port = _free(listen.host, listen.port)
    listen = replace(listen, port=port)
    address = f"http://{'[' + listen.host + ']' if ':' in listen.host else listen.host}:{port}"
    server = Granian(
        factory,
        address=listen.host,
        port=port,
        interface=Interfaces.RSGI,
        workers=listen.workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(_IDLE_SECONDS * 1000), max_buffer_size=_BUFFER),
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=_LOG_TO_STDERR,
        respawn_failed_workers=listen.workers > 1,
        workers_kill_timeout=_LONGEST_STOP,
    )
    over = threading.Event()

    def announce() -> None:
        while len(server.wrks) < listen.workers and not over.is_set():
            time.sleep(_LOOK_AGAIN)  # holding no lock: the workers are being forked
        if _answers(listen.host, port, over):
            (ready or _say_ready)(address)

    server.on_startup(threading.Thread(target=announce, daemon=True).start)
    with tempfile.TemporaryDirectory(prefix="serve-") as shared:
        taken = Path(shared, "cores")
        taken.touch()
        cores = OwnCores(cores_for(listen.workers), taken)
        if listen.workers > 1:
            os.environ[COUNTED_TOGETHER] = shared  # the workers' counters: any of them tells the sums
        try:
            server.serve(target_loader=partial(load, factory, tuple(arguments), cores, listen), wrap_loader=False)
        finally:
            over.set()


def load(factory: str, arguments: tuple[str, ...], cores: OwnCores, listen: Listen) -> Callable[..., Any]:
    """Build the application in a worker, and see to it that it is stopped when the worker ends."""
    cores.take()
    module, _, name = factory.partition(":")
    served = cast(Served, getattr(importlib.import_module(module), name)(*arguments))
    multiprocessing.util.Finalize(None, served.stop, exitpriority=_STOP_FIRST)
    signal.signal(_WAKE, lambda *_: None)
    threading.Thread(target=_end_with_the_main_process, name="main-process", daemon=True).start()
    served.start_background()
    gc.collect()
    gc.freeze()  # what was built stays: a collection need not walk over it at every so many turns
    gc.set_threshold(*_COLLECT_AFTER)
    front = Front(served.wsgi, served.doors, listen.threads, partial(_give_up_on_slow_readers, listen.port))
    return cast(Callable[..., Any], front)  # Granian finds `__rsgi__`


def _give_up_on_slow_readers(port: int) -> None:
    """Have the kernel end connections whose client does not take an answer (Linux; elsewhere the proxy has to).

    Granian opens the listening socket and has no setting for this, so it is looked for among this process's files.
    Accepted connections inherit the option: tcp(7), TCP_USER_TIMEOUT.
    """
    if sys.platform != "linux":
        return
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as one:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and one.getsockname()[1] == port:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(_UNREAD_SECONDS * 1000))


def _end_with_the_main_process() -> None:
    """A main process that was killed stops no worker; one that lived on would hold the port against the next start."""
    main, me = multiprocessing.parent_process(), threading.main_thread().ident
    if main is None or me is None:
        return
    main.join()
    signal.pthread_kill(me, signal.SIGTERM)
    for _ in range(_LONGEST_STOP):  # it was seen to go on waiting until another signal came
        time.sleep(1.0)
        signal.pthread_kill(me, _WAKE)
    os._exit(1)


def _free(host: str, port: int) -> int:
    """The port, once it is known to be free: Granian's own sockets would share it with another listener."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            why = "is in use" if taken.errno == errno.EADDRINUSE else "cannot be listened on"
            raise AddressTaken(f"{host}:{port} {why}") from taken
        return int(probe.getsockname()[1])


def _answers(host: str, port: int, over: threading.Event) -> bool:
    """Wait until a worker answers; False where the server ended before."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 compared, not bound
    while not over.is_set():
        connection = http.client.HTTPConnection(target, port, timeout=5)
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
            return True
        except (OSError, http.client.HTTPException):
            time.sleep(_LOOK_AGAIN)
        finally:
            connection.close()
    return False


def _say_ready(address: str) -> None:
    sys.stdout.write(f"ready {address}\n")
    sys.stdout.flush()


_LOG_TO_STDERR: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
