"""A Redis of the torture's own, to be restarted, flushed and paused; the machine's is never touched."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis


class NoRedis(RuntimeError):
    """There is no redis-server on this machine."""


class OwnRedis:
    """A `redis-server` that keeps nothing on disk: a restart forgets everything, as a failover without replica does."""

    def __init__(self, folder: Path) -> None:
        """Raises NoRedis."""
        binary = shutil.which("redis-server")
        if binary is None:
            raise NoRedis("redis-server is not installed")
        self._binary = binary
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process = self._start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def restart(self) -> None:
        """Kill it and start an empty one."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def flush(self) -> None:
        """Everything is forgotten while it runs."""
        with redis.Redis(port=self.port, socket_timeout=2) as client:
            client.flushall()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the block it accepts connections and answers nobody."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        words = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(  # noqa: S603 - the machine's own server
            [*words, "--dir", str(self._folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                with redis.Redis(port=self.port, socket_timeout=1) as client:
                    client.ping()
                return process
            except redis.RedisError:
                time.sleep(0.02)
        raise NoRedis("redis-server does not answer")
