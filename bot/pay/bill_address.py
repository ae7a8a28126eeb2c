"""Where a bill lies and how it is known: the answer to asking for one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.pay.charge import Garbled


@dataclass(frozen=True)
class BillAddress:
    """`path` with its query, word for word as WeChat Pay gave it; `sha1` is of the bill unpacked. Lives 5 minutes."""

    path: str
    sha1: str


def bill_address_of(payload: Mapping[str, object]) -> BillAddress:
    """Reads {hash_type, hash_value, download_url}. Raises Garbled."""
    url, sha1 = payload.get("download_url"), payload.get("hash_value")
    if payload.get("hash_type") != "SHA1" or not isinstance(sha1, str) or not re.fullmatch("[0-9a-fA-F]{40}", sha1):
        raise Garbled("no SHA1 for the bill")
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or len(url) > 2048:
        raise Garbled("no download_url")
    parts = urlsplit(url)
    if not parts.netloc or not parts.path.startswith("/"):
        raise Garbled("the download_url has no path")
    return BillAddress(f"{parts.path}?{parts.query}" if parts.query else parts.path, sha1.lower())
