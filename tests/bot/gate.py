"""A gate before a service: shut, nobody reaches it; held, everybody reaches it and nobody is answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Gate:
    """Passes connections on to `target` while it is open; its own port stays the same."""

    target: tuple[str, int]
    port: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _passing: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._admit, args=(listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._passing:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._passing.clear()

    def _admit(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self._passing += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                if not self.held.is_set():
                    other.sendall(piece)
            other.shutdown(socket.SHUT_WR)


@contextmanager
def gate_to(host: str, port: int) -> Iterator[Gate]:
    """An open gate; shut at the end."""
    gate = Gate((host, port))
    gate.open()
    try:
        yield gate
    finally:
        gate.shut()
