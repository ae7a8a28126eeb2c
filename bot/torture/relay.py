"""A TCP relay that misbehaves on command: the balancer in front of `serve`, and the wire to PostgreSQL.

It can cut every connection, refuse new ones for a while (a server that restarts), and cut the next connection that
commits, before the commit reaches the server or after it took place but before the answer is back (a failover).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

COMMIT = b"COMMIT\x00"  # as PostgreSQL's simple query says it
PATIENCE = 3.0  # seconds in which some upstream has to answer
_LOOK_AGAIN = 0.05


class Relay:
    """Listens on a free loopback port and goes on to the upstreams in turn, from a thread of its own."""

    def __init__(self, upstreams: Sequence[tuple[str, int]], patience: float = PATIENCE) -> None:
        self.commits_cut = 0
        self._upstreams = list(upstreams)
        self._patience = patience
        self._next = 0
        self._refusing_until = 0.0
        self._cut_commit = ""
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Close every connection there is."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def refuse(self, seconds: float) -> None:
        """Cut, and let nobody in for so long."""
        self._refusing_until = time.monotonic() + seconds
        self.cut()

    def cut_next_commit(self, side: str) -> None:
        """`before` or `after` the server has heard of it; "" changes one's mind."""
        self._cut_commit = side

    def heal(self) -> None:
        """No more faults."""
        self._refusing_until, self._cut_commit = 0.0, ""

    def stop(self) -> None:
        """Close everything."""

        async def close() -> None:
            self._server.close()
            self._abort_all()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _abort_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = None if time.monotonic() < self._refusing_until else await self._upstream()
        if found is None:
            writer.transport.abort()
            return
        behind_reader, behind_writer = found
        both = {writer, behind_writer}
        self._open |= both
        try:
            down = asyncio.ensure_future(self._pump(behind_reader, writer))
            await self._upwards(reader, behind_reader, behind_writer, down)
        finally:
            for one in both:
                one.transport.abort()
            self._open -= both

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        ends = time.monotonic() + self._patience
        while True:
            for _ in self._upstreams:
                self._next = (self._next + 1) % len(self._upstreams)
                with suppress(OSError):
                    return await asyncio.open_connection(*self._upstreams[self._next])
            if time.monotonic() > ends:
                return None
            await asyncio.sleep(_LOOK_AGAIN)

    async def _upwards(
        self,
        reader: asyncio.StreamReader,
        behind_reader: asyncio.StreamReader,
        behind: asyncio.StreamWriter,
        down: asyncio.Future[None],
    ) -> None:
        with suppress(OSError):
            while not down.done():
                read: asyncio.Future[bytes] = asyncio.ensure_future(reader.read(65536))
                either: set[asyncio.Future[Any]] = {read, down}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not read.done():
                    read.cancel()
                    return
                part = read.result()
                if not part:
                    break
                if self._cut_commit and part.endswith(COMMIT):
                    side, self._cut_commit = self._cut_commit, ""
                    self.commits_cut += 1
                    if side == "after":
                        down.cancel()
                        with suppress(asyncio.CancelledError):
                            await down
                        behind.write(part)
                        await behind_reader.read(65536)  # it took place; nobody will hear of it
                    return
                behind.write(part)
                await behind.drain()
        down.cancel()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await reader.read(65536):
                writer.write(part)
                await writer.drain()
