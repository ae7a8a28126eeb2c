"""A text as WeChat shows it: `<a href="…">` is a link, everything else is words."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.elsewhere.ground import Violations

_LINK = re.compile(r'<a href="([^"<>]*)">([^<>]*)</a>')


def links_of(text: str, violations: Violations) -> list[tuple[str, str]]:
    """Its links in order: label and address. What is neither a whole link nor plain words is a violation."""
    found = [(label, href) for href, label in _LINK.findall(text)]
    rest = _LINK.sub("", text)
    violations.unless(not re.search(r"<|>|&(amp|lt|gt|quot|#)", rest), f"a text with loose markup: {rest!r}")
    for label, href in found:
        violations.unless(label.strip(), f"a link without words: {href}")
        violations.unless(_is_good(href), f"a link WeChat does not follow: {href}")
    return found


def shown(text: str) -> str:
    """The words alone."""
    return _LINK.sub(r"\2", text)


def tapped(href: str) -> tuple[str, str] | None:
    """What a tap on a menu message sends: the words, and the id; None for a link to a page."""
    parts = urlsplit(href)
    if (parts.scheme, parts.netloc) != ("weixin", "bizmsgmenu"):
        return None
    query = dict(pair.split("=", 1) for pair in parts.query.split("&"))
    return unquote(query["msgmenucontent"], errors="strict"), unquote(query["msgmenuid"])


def _is_good(href: str) -> bool:
    if not href.isprintable() or " " in href:
        return False
    parts = urlsplit(href)
    if parts.scheme == "weixin":  # Chinese may stand in it as it is; what means something in an address may not
        query = parse_qsl(parts.query, keep_blank_values=True, errors="strict")
        return parts.netloc == "bizmsgmenu" and [name for name, value in query if value.strip()] == [
            "msgmenucontent",
            "msgmenuid",
        ]
    return href.isascii() and parts.scheme in ("http", "https") and bool(parts.netloc)
