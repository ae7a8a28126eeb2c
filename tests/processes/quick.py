"""`Quick` is Popen for Python of this project: without the two seconds of a start that go into loading the program.

What runs is a process of its own all the same, with its own number, files, environment and end. Where the start itself
or the memory is looked at, tests use `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Loaded:
    """The process that is copied, with an environment of its own for what happens while it loads."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._orders, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.loaded", str(theirs.fileno())],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def copied(self, order: Mapping[str, object], files: Sequence[int]) -> int:
        """The number of a new process that runs what is ordered."""
        with self._lock:
            socket.send_fds(self._orders, [json.dumps(order).encode()], files)
            return int(self._orders.recv(32))

    def end(self) -> None:
        """It ends; its copies go on."""
        self._orders.shutdown(socket.SHUT_RDWR)  # what was forked from this process may hold a copy of it
        self._orders.close()
        self._process.wait()


@cache
def this_process_s() -> Loaded:
    """What most tests of one process copy."""
    loaded = Loaded({name: value for name, value in os.environ.items() if not name.startswith("BOT_")})
    atexit.register(loaded.end)
    return loaded


class Quick(subprocess.Popen[str]):
    """`[sys.executable, "run.py", ...]`, or with `"-m", module, ...` or `"-c", code`, begun as a copy of `loaded`."""

    def __init__(self, command: Sequence[str], *, loaded: Loaded | None = None, **arguments: Any) -> None:
        self._loaded = loaded
        super().__init__(command, **arguments)

    def _execute_child(self, command: Sequence[str], *more: Any) -> None:
        """As Popen calls it; a pipe that is not wanted is -1, and then the file is our own."""
        _, _, _, _, folder, environment, _, _, _, *pipes, _, _, _, _, _, session, _ = more
        order = {"words": command[1:], "folder": str(folder), "environment": environment, "session": session}
        self._end, end = os.pipe()
        files = [ours if file == -1 else file for ours, file in enumerate((pipes[0], pipes[3], pipes[5]))]
        try:
            self.pid = (self._loaded or this_process_s()).copied(order, [*files, end])
        finally:
            os.close(end)
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        self._child_created = True

    def _try_wait(self, flags: int) -> tuple[int, int]:
        looking = select.poll()
        looking.register(self._end, select.POLLIN)
        if not looking.poll(0 if flags & os.WNOHANG else None):
            return 0, 0
        status = int(os.read(self._end, 32))
        os.close(self._end)
        return self.pid, status

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        found: int | None = super()._internal_poll(  # type: ignore[misc]
            _deadstate, _waitpid=lambda _pid, flags: self._try_wait(flags)
        )
        return found
