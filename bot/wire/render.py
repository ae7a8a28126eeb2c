"""A `Reply` as texts WeChat shows, and a text as the XML of a passive answer.

Source: facts/wechat.md A0 (bizmsgmenu links) and A2 (2,048 bytes). Every character that came from a person or a file is
escaped, so only the links made here are links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from werobot.replies import TextReply

from dialogs.said import Reply, Shown

LONGEST = 2048  # UTF-8 bytes WeChat takes, markup included
AIM = 1800  # bytes a text is filled up to: some clients were seen to fail earlier

_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_ANGLES = str.maketrans("<>", "＜＞")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = {code: f"%{code:02X}" for code in range(128) if chr(code) not in _UNRESERVED}
_ADDRESS = {ord(sign): f"%{ord(sign):02X}" for sign in "\"'<>` \n\t"}


def reply_texts(reply: Reply) -> list[str]:
    """The reply as one text or more, in order, each at most AIM bytes of UTF-8 with its markup."""
    pages: list[str] = []
    page: list[str] = []
    size = 0
    for line in _lines(reply):
        more = len(line.encode()) + 1
        if page and size + more > AIM + 1:
            pages.append("\n".join(page))
            page, size = [], 0
        page.append(line)
        size += more
    pages.append("\n".join(page))
    return [text for page_text in pages if (text := page_text.strip("\n"))]


def passive_xml(text: str, *, to: str, sender: str, created: int) -> str:
    """The passive answer with this text, markup and all; `created` in seconds."""
    content = _UNSPEAKABLE.sub("", text).replace("]]>", "]]＞")
    xml: str = TextReply(target=to, source=sender, time=created, content=content).render()
    return xml.strip()


def escaped(text: str) -> str:
    """Words that are shown as they are: no markup, nothing XML cannot hold."""
    return _UNSPEAKABLE.sub("", text).translate(_ANGLES)


def _lines(reply: Reply) -> Iterator[str]:
    for block in reply.text:
        yield from _text_lines(block)
    for option in reply.options:
        link = _option(option)
        if len(link.encode()) <= AIM:
            yield link
        else:  # still to be chosen by its number
            yield from _text_lines(option.line)
    for block in reply.after:
        yield from _text_lines(block)


def _text_lines(block: str) -> Iterator[str]:
    for line in escaped(block).split("\n"):
        yield from _pieces(line)


def _pieces(line: str) -> Iterator[str]:
    """A line in pieces of at most AIM bytes, no character cut."""
    while len(raw := line.encode()) > AIM:
        piece = raw[:AIM].decode("utf-8", "ignore")
        yield piece
        line = line[len(piece) :]
    yield line


def _option(option: Shown) -> str:
    label = _UNSPEAKABLE.sub("", option.label).replace("\n", " ")
    identity = _UNSPEAKABLE.sub("", option.id)
    line = escaped(option.line).replace("\n", " ")
    if option.url:
        return f'<a href="{_UNSPEAKABLE.sub("", option.url).translate(_ADDRESS)}">{line}</a>'
    if not label.strip() or not identity:  # WeChat ignores a tap without either
        return line
    return (
        f'<a href="weixin://bizmsgmenu?msgmenucontent={_percent_encoded(label)}'
        f'&msgmenuid={identity.translate(_PERCENT)}">{line}</a>'
    )


@lru_cache(maxsize=4096)
def _percent_encoded(label: str) -> str:
    """Labels come back turn after turn."""
    return label.translate(_PERCENT)
