"""A bill on its way to the disk: unpacked where it is packed, its SHA1 taken of what comes out."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.reconciling.refusal import BillRefused

GZIP = b"\x1f\x8b"
MOST_BYTES = 8 << 30  # thirty million rows; more is no bill
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A bill as plain text, and the SHA1 of its bytes in hex."""

    path: Path
    sha1: str


def unpack(parts: Iterable[bytes], target: Path) -> Unpacked:
    """Write the parts to `target`, unpacked. Raises BillRefused for a file cut off, and what `parts` raises."""
    sha1, size = hashlib.sha1(usedforsecurity=False), 0
    with target.open("xb") as file:
        for part in _plain(part for part in parts if part):
            size += len(part)
            if size > MOST_BYTES:
                raise BillRefused("账单大得不像账单")
            sha1.update(part)
            file.write(part)
    return Unpacked(target, sha1.hexdigest())


def unpack_file(source: Path, target: Path) -> Unpacked:
    """The same for a file on the disk, packed or not. Raises BillRefused."""
    try:
        with source.open("rb") as file:
            return unpack(iter(lambda: file.read(CHUNK), b""), target)
    except OSError as error:
        raise BillRefused(f"文件 {source.name} 读不出来") from error


def _plain(parts: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    while len(first) < len(GZIP) and (part := next(parts, b"")):
        first += part
    if not first.startswith(GZIP):
        yield first
        yield from parts
        return
    unpacker = zlib.decompressobj(wbits=31)
    try:
        yield unpacker.decompress(first)
        for part in parts:
            yield unpacker.decompress(part)
    except zlib.error:
        raise BillRefused("压缩包坏了") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BillRefused("压缩包不完整")
