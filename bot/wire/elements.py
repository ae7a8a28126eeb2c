"""A guarded XML reader: one `<xml>` with each element once, no DTD, no entities, names as WeChat spells them."""

from __future__ import annotations

import re
from typing import TypeAlias
from xml.parsers import expat

Elements: TypeAlias = "dict[str, str | Elements | list[str | Elements]]"

_DEEPEST = 8
_MOST = 400  # elements of one message
# WeChat's names begin with a capital, with this one exception. All else is dropped:
# WeRoBot would take a <source> for who wrote it.
_NAME = re.compile(r"[A-Z][0-9A-Za-z_]{0,63}")
_ALSO = frozenset({"bizmsgmenuid"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")


class Unreadable(Exception):
    """WeChat sent it, and it is no message: not XML, a repeated element, a DTD. Its text is a word for the log."""


def read_elements(xml: bytes) -> Elements:
    """The elements below `<xml>`, texts stripped; raises Unreadable.

    What no XML may hold (NUL, control characters, lone surrogates) is taken out of a text that cannot be read with it.
    """
    try:
        return _Reader().read(xml)
    except expat.ExpatError:
        pass
    try:
        return _Reader().read(_repaired(xml))
    except expat.ExpatError as wrong:
        raise Unreadable("not well-formed") from wrong


def _repaired(xml: bytes) -> bytes:
    text = _FORBIDDEN.sub("", xml.decode("utf-8", "ignore"))
    return _REFERENCE.sub(_allowed, text).encode("utf-8", "ignore")


def _allowed(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if allowed else ""


class _Reader:
    """Expat's handlers for one message."""

    def __init__(self) -> None:
        self._open: list[Elements] = []  # the elements we are in, each as far as it is read
        self._text: list[str] = []
        self._count = 0
        self._root: Elements | None = None

    def read(self, xml: bytes) -> Elements:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.ExternalEntityRefHandler = _refuse_reference
        parser.Parse(xml.strip(), True)
        if self._root is None:
            raise Unreadable("empty")
        return self._root

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST or len(self._open) >= _DEEPEST:
            raise Unreadable("too many elements")
        if not self._open and name != "xml":
            raise Unreadable("root")
        self._text.clear()
        self._open.append({})

    def _end(self, name: str) -> None:
        inner = self._open.pop()
        value = inner or "".join(self._text).strip()
        self._text.clear()
        if not self._open:
            self._root = inner
        elif _NAME.fullmatch(name) or name in _ALSO or len(self._open) > 1:
            self._store(name, value)

    def _store(self, name: str, value: str | Elements) -> None:
        around = self._open[-1]
        if name not in around:
            around[name] = value
        elif len(self._open) == 1:
            raise Unreadable("repeated element")
        else:  # lists of pictures and the like
            before = around[name]
            around[name] = [*before, value] if isinstance(before, list) else [before, value]


def _refuse(*_: object) -> None:
    raise Unreadable("DTD")


def _refuse_reference(*_: object) -> int:
    raise Unreadable("DTD")
