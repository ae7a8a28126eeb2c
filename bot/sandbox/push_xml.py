"""The XML between WeChat and the bot: messages as WeChat builds them, replies read as strictly as WeChat reads them."""

import re
from collections.abc import Mapping
from xml.parsers import expat

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
Tree = dict[str, "str | Tree"]


class BadXml(ValueError):
    """Not an XML message as WeChat wants it."""


def cdata(text: str) -> str:
    """A CDATA section; `]]>` inside is split over two, signs that XML forbids are left out."""
    return "<![CDATA[" + _FORBIDDEN.sub("", text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def message(to: str, openid: str, created_at: int, kind: str, parts: Mapping[str, "str | int"]) -> str:
    """One message or event in WeChat's own order; strings become CDATA, numbers stand bare."""
    head: dict[str, str | int] = {"ToUserName": to, "FromUserName": openid, "CreateTime": created_at, "MsgType": kind}
    written = (
        f"<{name}>{value if isinstance(value, int) else cdata(value)}</{name}>"
        for name, value in {**head, **parts}.items()
    )
    return "<xml>" + "\n".join(written) + "\n</xml>"


def envelope(to: str, encrypted: str) -> str:
    """What is POSTed in safe mode."""
    return f"<xml>\n    <ToUserName>{cdata(to)}</ToUserName>\n    <Encrypt>{cdata(encrypted)}</Encrypt>\n</xml>\n"


class _Reader:
    def __init__(self) -> None:
        self.root: Tree = {}
        self._path: list[str] = []
        self._open: list[Tree] = [self.root]
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if attributes:
            raise BadXml(f"<{name}> has attributes")
        if len(self._path) == 0 and name != "xml":
            raise BadXml(f"the root is <{name}>")
        if name in self._open[-1]:
            raise BadXml(f"<{name}> occurs twice")
        self._path.append(name)
        inner: Tree = {}
        self._open[-1][name] = inner
        self._open.append(inner)
        self._text.append("")

    def text(self, piece: str) -> None:
        if self._text:
            self._text[-1] += piece

    def end(self, name: str) -> None:
        inner, text = self._open.pop(), self._text.pop()
        self._path.pop()
        if not inner:
            self._open[-1][name] = text
        elif text.strip():
            raise BadXml(f"text beside the elements of <{name}>")

    def refuse(self, *_: object) -> None:
        raise BadXml("a document type or an entity")


def read(xml: str) -> Tree:
    """The elements below `<xml>`, each once; raises BadXml for attributes, repeats, entities or broken XML."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(xml.encode(), True)
    except expat.ExpatError as wrong:
        raise BadXml(str(wrong)) from wrong
    inside = reader.root.get("xml")
    if not isinstance(inside, dict):
        raise BadXml("<xml> is empty")
    return inside


def text_of(tree: Tree, name: str) -> str:
    """The text of an element that must be there and hold no others."""
    value = tree.get(name)
    if not isinstance(value, str):
        raise BadXml(f"<{name}> is missing")
    return value
