"""Connections that stall on purpose, over real sockets: four kinds, which a server has to get rid of by itself."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

KINDS = ("no body", "dripping body", "dripping headers", "unread answer")
_DRIP_SECONDS = 0.5
_MANY = b"GET /nothing HTTP/1.1\r\nHost: bot\r\n\r\n" * 20_000  # their answers fill every buffer on the way


@dataclass
class Stalled:
    """One connection, and when its server ended it (seconds after it was opened)."""

    kind: str
    connection: socket.socket
    began: float
    ended: float | None = None
    asked: memoryview = field(default=memoryview(b""))


@dataclass
class Stalling:
    """So many connections of each kind to one address; `query` opens /wechat, as far as its address goes."""

    port: int
    query: str
    of_each: int
    all: list[Stalled] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Stalling:
        for _ in range(self.of_each):
            self.all.extend(self._open(kind) for kind in KINDS)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for one in self.all:
            one.connection.close()

    def wait(self, seconds: float) -> dict[str, float | None]:
        """Until all were ended, at most so long: the longest time of each kind, None where one is open still."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and any(one.ended is None for one in self.all):
            self._over.wait(0.1)
        longest: dict[str, float | None] = {}
        for kind in KINDS:
            times = [one.ended for one in self.all if one.kind == kind]
            longest[kind] = None if None in times else max(t for t in times if t is not None)
        return longest

    def _open(self, kind: str) -> Stalled:
        connection = socket.socket()
        if kind == "unread answer":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", self.port))
        connection.setblocking(False)
        head = f"POST /wechat?{self.query} HTTP/1.1\r\nHost: bot\r\nContent-Type: text/xml\r\n"
        asked = {
            "no body": f"{head}Content-Length: 500\r\n\r\n",
            "dripping body": f"{head}Content-Length: 500\r\n\r\n<xml>",
            "dripping headers": f"{head}X-Long: ",
            "unread answer": "",
        }[kind].encode()
        one = Stalled(kind, connection, time.monotonic(), asked=memoryview(asked or _MANY))
        self._send(one)
        return one

    def _send(self, one: Stalled) -> None:
        """As much as goes; where the server has reset the connection, it is over."""
        try:
            while one.asked:
                one.asked = one.asked[one.connection.send(one.asked) :]
        except BlockingIOError:
            pass
        except OSError:
            one.ended = one.ended or time.monotonic() - one.began

    def _keep(self) -> None:
        """Drip; and see who is still connected, without reading answers that are not to be read."""
        while not self._over.wait(_DRIP_SECONDS):
            for one in self.all:
                if one.ended is None and one.kind.startswith("dripping"):
                    one.asked = memoryview(b"a")
                if one.ended is None:
                    self._send(one)
            self._look()

    def _look(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in self.all:
                if one.ended is None and one.kind != "unread answer":
                    selector.register(one.connection, selectors.EVENT_READ, one)
            ready = selector.select(0) if selector.get_map() else []
            for key, _ in ready:
                one = key.data
                try:
                    over = not one.connection.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    over = True
                if over:
                    one.ended = time.monotonic() - one.began
        connected = _connected(self.port)
        for one in self.all:
            if one.ended is None and one.connection.getsockname()[1] not in connected:
                one.ended = time.monotonic() - one.began


def _connected(port: int) -> set[int]:
    """The client ports of the connections that the server's side of the kernel has not ended."""
    found = set()
    with open("/proc/net/tcp") as table:
        for line in table.read().splitlines()[1:]:
            _, local, remote, state = line.split()[:4]
            if int(local.rpartition(":")[2], 16) == port and state == "01":
                found.add(int(remote.rpartition(":")[2], 16))
    return found
