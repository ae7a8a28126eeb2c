"""The load: keep-alive connections that each hold one conversation after another, in a process of its own."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bot.bench.people import Resident
from bot.bench.words import Account, conversation, sealed_conversation


@dataclass(frozen=True, slots=True)
class Load:
    """One round. `most` is a bound on turns a second: so many messages are sealed beforehand."""

    host: str
    port: int
    seconds: float
    connections: int
    orders_one_in: int
    account: Account
    people: list[Resident]
    first: int  # of the people, so that no two rounds speak of the same
    tag: str  # part of every openid
    most: int = 4000


@dataclass(slots=True)
class Measured:
    """What came of a round: seconds of each turn, answers that were none, and the last answer of some conversations."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    samples: dict[str, bytes] = field(default_factory=dict)  # by openid
    conversations: int = 0
    ran_out: bool = False


@dataclass(slots=True)
class _Line:
    socket: socket.socket
    talks: Iterator[tuple[str, list[bytes]]]
    openid: str = ""
    left: list[bytes] = field(default_factory=list)
    sent_at: float = 0.0
    got: bytes = b""


def drive(load: Load) -> Measured:
    """Run it; called in a process of its own, so that the server's stand-ins do not slow it."""
    talks = _prepared(load)
    measured = Measured()
    with selectors.DefaultSelector() as selector:
        for _ in range(load.connections):
            line = _Line(socket.create_connection((load.host, load.port)), talks)
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(line.socket, selectors.EVENT_READ, line)
        lines = [key.data for key in selector.get_map().values()]
        begin = time.perf_counter()
        talking = sum(_say_next(line, measured, over=False) for line in lines)
        while talking:
            for key, _ in selector.select(10) or _silence():
                if _hear(key.data, measured):
                    talking -= not _say_next(key.data, measured, over=time.perf_counter() - begin > load.seconds)
        measured.seconds = time.perf_counter() - begin
        for line in lines:
            line.socket.close()
    return measured


def _silence() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("the server did not answer for 10 seconds")


def _prepared(load: Load) -> Iterator[tuple[str, list[bytes]]]:
    found: list[tuple[str, list[bytes]]] = []
    wanted = int(load.most * load.seconds)
    host = f"{load.host}:{load.port}"
    for number in count():
        if wanted <= 0:
            return iter(found)
        openid = f"o{load.tag}{number:07}"
        person = load.people[(load.first + number) % len(load.people)]
        words = conversation(person, orders=bool(load.orders_one_in) and number % load.orders_one_in == 0)
        found.append((openid, list(sealed_conversation(load.account, host, openid, words))[::-1]))
        wanted -= len(words)
    raise AssertionError


def _say_next(line: _Line, measured: Measured, *, over: bool) -> bool:
    """Send the next word of this connection; False where the round is over for it."""
    if not line.left:
        if over:
            return False
        line.openid, line.left = next(line.talks, ("", []))
        if not line.left:
            measured.ran_out = True
            return False
        line.left = list(line.left)
        measured.conversations += 1
    elif over:
        return False
    line.sent_at = time.perf_counter()
    line.socket.sendall(line.left.pop())
    return True


def _hear(line: _Line, measured: Measured) -> bool:
    """Take what has arrived; True once the answer is whole."""
    arrived = line.socket.recv(65536)
    if not arrived:
        raise ConnectionError("the server closed a connection")
    line.got += arrived
    head, end, body = line.got.partition(b"\r\n\r\n")
    if not end:
        return False
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    if len(body) < length:
        return False
    measured.latencies.append(time.perf_counter() - line.sent_at)
    if not head.startswith(b"HTTP/1.1 200") or b"<Encrypt>" not in body:
        measured.failed += 1
    if not line.left and len(measured.samples) < 200:
        measured.samples[line.openid] = body
    line.got = b""
    return True
