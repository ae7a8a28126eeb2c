"""The bot's processes under torture: started, killed with SIGKILL, and started again by whoever watches them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired

ROOT = Path(__file__).parents[2]
LONGEST_END = 5.0  # seconds until the last of a killed group is gone


@dataclass
class Bot:
    """One place for a process (`serve` or `worker`), and the process that stands there now."""

    what: str
    config: Path
    environment: Mapping[str, str]
    log: Path
    kills: int = 0
    starts: int = 0
    died_by_itself: int = 0
    complaints: Counter[str] = field(default_factory=Counter)  # its log's errors, by event
    ready: threading.Event = field(default_factory=threading.Event)
    _process: Popen[str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, **more: str) -> None:
        """Start it, in a process group of its own; `more` is laid over the environment."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "TORTURE_"))}
        command = [sys.executable, "-m", "bot.torture.child", self.what, "--config", str(self.config)]
        self.ready.clear()
        self.starts += 1
        self._process = Popen(  # noqa: S603 - ourselves
            command,
            cwd=ROOT,
            env=clean | dict(self.environment) | more,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            start_new_session=True,
        )
        for watched in (self._watch_ready, self._watch_log):
            threading.Thread(target=watched, args=(self._process,), daemon=True).start()

    def kill(self) -> None:
        """`kill -9` of it and its children."""
        with self._lock:
            if self.alive:
                self.kills += 1
                self._end()
                self._process = None

    def buried(self) -> bool:
        """Whether it is gone, killed or by itself (at a fault point, say), and its port free."""
        with self._lock:
            if self._process is None:
                return True
            if self.alive:
                return False
            self._end()  # a worker that outlived its main process
            self._process, self.died_by_itself = None, self.died_by_itself + 1
            return True

    def stop(self) -> bool:
        """End it as an operator would; False where it had to be killed or did not end with 0."""
        if self._process is None:
            return True
        self._process.send_signal(signal.SIGTERM)
        try:
            well = self._process.wait(40) == 0
        except TimeoutExpired:
            self.kill()
            well = False
        self._process = None
        return well

    def _end(self) -> None:
        """SIGKILL to the whole group, and wait until its port is free."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            ends = time.monotonic() + LONGEST_END
            while time.monotonic() < ends:
                os.killpg(self._process.pid, 0)
                time.sleep(0.01)
        except ProcessLookupError:
            return

    def _watch_ready(self, process: Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("ready"):
                self.ready.set()

    def _watch_log(self, process: Popen[str]) -> None:
        """Drain what it logs: a pipe is never full of a disk that is."""
        assert process.stderr
        with self.log.open("a") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()
                if '"level": "error"' in line:
                    try:
                        said = json.loads(line)
                    except ValueError:
                        continue
                    self.complaints[f"{said.get('event')} {said.get('error', said.get('why', ''))}".strip()] += 1
