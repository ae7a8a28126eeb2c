"""What a phone shows: one bubble, and the links a finger can press in it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_LINK = re.compile(r'<a\s+(?:[^>]*?\s)?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_TAPPABLE = "weixin://bizmsgmenu?"
_NUMBERED = re.compile(r"[0-9]+[.、]?\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Link:
    """One `<a href>`: an option (bizmsgmenu) or an address."""

    text: str
    href: str

    @property
    def option(self) -> tuple[str, str] | None:
        """(msgmenucontent, msgmenuid), decoded; None for other links, and where either is empty (WeChat ignores it)."""
        if not self.href.startswith(_TAPPABLE):
            return None
        asked = dict(parse_qsl(self.href[len(_TAPPABLE) :], keep_blank_values=True))
        content, menu_id = asked.get("msgmenucontent", ""), asked.get("msgmenuid", "")
        return (content, menu_id) if content and menu_id else None

    @property
    def is_address(self) -> bool:
        """Whether it opens in WeChat's browser."""
        return self.href.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Bubble:
    """One message from the account; `kind` is text, image or template, `at` is in unix seconds."""

    kind: str
    text: str
    links: tuple[Link, ...]
    media_id: str
    at: float
    pushed: bool

    @property
    def shown(self) -> str:
        """The text as read: links by their words. Markup that WeChat would not understand stays visible."""
        return _LINK.sub(lambda found: found.group(2), self.text)

    @property
    def options(self) -> tuple[Link, ...]:
        """The links that answer in the chat."""
        return tuple(link for link in self.links if link.option is not None)


def links_in(text: str) -> tuple[Link, ...]:
    """Every link of a text, in order."""
    return tuple(Link(words, href) for href, words in _LINK.findall(text))


def pick(links: tuple[Link, ...], label: str) -> Link | None:
    """The link a person means by `label`: the same words, then the same without its number, then words within.

    Raises LookupError where several fit equally well.
    """
    for fits in (_same, _same_without_number, _within):
        found = [link for link in links if fits(link.text.strip(), label)]
        if len(found) > 1 and len({link.href for link in found}) > 1:
            raise LookupError(f"{label!r} fits several: {', '.join(link.text for link in found)}")
        if found:
            return found[0]
    return None


def _same(words: str, label: str) -> bool:
    return words == label


def _same_without_number(words: str, label: str) -> bool:
    numbered = _NUMBERED.fullmatch(words)
    return numbered is not None and numbered.group(1) == label


def _within(words: str, label: str) -> bool:
    return label in words
