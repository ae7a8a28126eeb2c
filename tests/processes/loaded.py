"""A process that has loaded the whole program and forks one that runs it as often as it is told; see `quick`.

Each order comes with four files: standard input, output and error of the new process, and where its end is to be told.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import socket
import sys
from collections.abc import Sequence
from typing import Any

PROGRAM = ("bot.commands", "bot.app", "bot.web.server", "bot.torture.child", "storage.demo", "psycopg")
LONGEST_ORDER = 1 << 18


def main(orders: socket.socket) -> None:
    """Take orders until nobody gives them any more. Returns in a new process as well, when the program has run."""
    gc.disable()  # until everything is loaded: nothing of it is garbage
    for module in PROGRAM:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    while True:
        order, files, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 4)
        _bury()
        if not order:
            return
        heard, said = os.pipe()
        if not os.fork():
            if _is_the_new_one(said, files[3], [heard, orders.fileno(), *files[:3]]):
                _become(json.loads(order), files[:3])
            return
        orders.sendall(os.read(heard, 32))
        for file in (heard, said, *files):
            os.close(file)


def _is_the_new_one(said: int, end: int, files: Sequence[int]) -> bool:
    """The parent of the new process says its number, waits for its end, and tells it; in the new one, returns."""
    if not (pid := os.fork()):
        return True
    os.write(said, str(pid).encode())
    for file in (*files, 0, 1, 2):
        os.close(file)
    _, status = os.waitpid(pid, 0)
    os.write(end, str(status).encode())
    os._exit(0)


def _become(order: dict[str, Any], files: Sequence[int]) -> None:
    """Be the program, as Python does that is started with these words in this environment."""
    for place, file in enumerate(files):
        os.dup2(file, place)
    if order["session"]:
        os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    match order["words"]:
        case ["-m", module, *words]:
            sys.argv = [module, *words]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code]:
            sys.argv = ["-c"]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case [script, *words]:
            sys.argv = [script, *words]
            runpy.run_path(script, run_name="__main__")


def _bury() -> None:
    """Those whose end was told already."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
