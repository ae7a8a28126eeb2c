"""A certificate's pages, its font and what is told of it, bound as one PDF file: small, and the same bytes each time.

fpdf2 draws the pages; as it writes a file, nothing but pages is compressed, and a font carries tables that say which
character it was in the whole font. Written after PDF 1.7 (ISO 32000-1): 7.5.7 and 7.5.8 (streams of objects and of
places), 9.7 (composite fonts), 9.10.3 (which characters stand there), 12.8 (signatures).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol

from bot.certificate.outlines import SQUARE, font_program

FIELD = "Seal"  # of the form, where a reader looks for signatures
_BYTE_RANGE, _BYTE_RANGE_ROOM = "/ByteRange", 32
_CATALOG, _PAGES, _INFO, _FONT, _GLYPHS, _DESCRIPTOR = range(1, 7)
_LARGEST_RANGE = 100  # characters told in one go; all of a range have the same first byte


@dataclass(frozen=True)
class Facts:
    """What a reader shows of the document."""

    title: str
    author: str
    subject: str
    made_at: datetime


@dataclass(frozen=True)
class Letters:
    """The font of a document: characters numbered from 1, widths and measures in thousandths of the size."""

    name: str
    signs: Sequence[str]
    widths: Sequence[int]
    outlines: Sequence[bytes]
    ascent: int
    descent: int
    capitals: int
    box: tuple[int, int, int, int]


class Signing(Protocol):
    """How a document is signed while it is bound."""

    @property
    def name(self) -> str:
        """By whom."""
        ...

    @property
    def at(self) -> datetime:
        """When, as it says itself."""
        ...

    @property
    def room(self) -> int:
        """How many bytes a signature takes; each takes as many."""
        ...

    def signature(self, digest: bytes) -> bytes:
        """The signature (CMS) over a document of this SHA-256."""
        ...


def bound(
    pages: Sequence[bytes], size: tuple[float, float], facts: Facts, letters: Letters, signing: Signing | None
) -> bytes:
    """The file. `pages` are what draws each, of this size in points; with `signing`, nothing may be changed in it."""
    file = _File()
    meanings = file.stream(_meanings(letters.signs))
    outlines = file.stream(font_program(letters.name, letters.outlines), "/Subtype/CIDFontType0C")
    drawings = [file.stream(page) for page in pages]
    sheets = [file.next() for _ in pages]
    seal = (file.next(), file.next()) if signing else None
    _sheets(file, sheets, drawings, size, seal)
    _catalog(file, sheets[0], seal)
    _info(file, facts)
    _font(file, letters, meanings, outlines)
    file.pack()
    if signing and seal:
        file.plain(seal[1], _signature_dictionary(signing))
    document = file.finish()
    return _signed(document, signing) if signing else document


def _sheets(
    file: _File, sheets: list[int], drawings: list[int], size: tuple[float, float], seal: tuple[int, int] | None
) -> None:
    """The pages; the first holds the signature, which is not to be seen."""
    for place, (sheet, drawing) in enumerate(zip(sheets, drawings, strict=True)):
        signed = f"/Annots[{seal[0]} 0 R]" if seal and not place else ""
        file.put(sheet, f"<</Type/Page/Parent {_PAGES} 0 R/Contents {drawing} 0 R{signed}>>")
    kids = " ".join(f"{sheet} 0 R" for sheet in sheets)
    shared = f"/MediaBox[0 0 {size[0]:.2f} {size[1]:.2f}]/Resources<</Font<</F1 {_FONT} 0 R>>>>"
    file.put(_PAGES, f"<</Type/Pages/Kids[{kids}]/Count {len(sheets)}{shared}>>")
    if seal:
        where = f"/Type/Annot/Subtype/Widget/F 132/Rect[0 0 0 0]/P {sheets[0]} 0 R"  # of no size
        file.put(seal[0], f"<<{where}/FT/Sig/T({FIELD})/V {seal[1]} 0 R>>")


def _catalog(file: _File, first: int, seal: tuple[int, int] | None) -> None:
    """How the document is shown: in which language, as wide as the window, with its title above."""
    shown = f"/Lang(zh-CN)/OpenAction[{first} 0 R/FitH null]/ViewerPreferences<</DisplayDocTitle true>>"
    form = f"/AcroForm<</Fields[{seal[0]} 0 R]/SigFlags 3>>/Perms<</DocMDP {seal[1]} 0 R>>" if seal else ""
    file.put(_CATALOG, f"<</Type/Catalog/Pages {_PAGES} 0 R{shown}{form}>>")


def _info(file: _File, facts: Facts) -> None:
    told = f"/Title{_text(facts.title)}/Author{_text(facts.author)}/Subject{_text(facts.subject)}"
    file.put(_INFO, f"<<{told}/CreationDate{_moment(facts.made_at)}>>")


def _font(file: _File, letters: Letters, meanings: int, outlines: int) -> None:
    """The dictionaries of the font."""
    name = f"{_tag(letters.signs)}+{letters.name}"
    file.put(
        _FONT,
        f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H"
        f"/DescendantFonts[{_GLYPHS} 0 R]/ToUnicode {meanings} 0 R>>",
    )
    others = ((code, width) for code, width in enumerate(letters.widths, 1) if width != SQUARE)
    file.put(
        _GLYPHS,
        f"<</Type/Font/Subtype/CIDFontType0/BaseFont/{name}/FontDescriptor {_DESCRIPTOR} 0 R/DW {SQUARE}"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/W[{' '.join(f'{code}[{width}]' for code, width in others)}]>>",
    )
    file.put(
        _DESCRIPTOR,
        f"<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{' '.join(map(str, letters.box))}]/ItalicAngle 0"
        f"/Ascent {letters.ascent}/Descent {letters.descent}/CapHeight {letters.capitals}/StemV 80"
        f"/FontFile3 {outlines} 0 R>>",
    )


def _tag(signs: Sequence[str]) -> str:
    """Six letters that are others for other characters, so that readers do not take one subset for another."""
    digest = sha256("".join(signs).encode("utf-8")).digest()
    return "".join(chr(ord("A") + one % 26) for one in digest[:6])


def _meanings(signs: Sequence[str]) -> bytes:
    """Which characters the numbers stand for: what searching and copying go by."""
    ranges = []
    for first, last in _ranges(len(signs)):
        texts = "".join(f"<{sign.encode('utf-16-be').hex().upper()}>" for sign in signs[first - 1 : last])
        ranges.append(f"1 beginbfrange\n<{first:04X}><{last:04X}>[{texts}]\nendbfrange\n")
    return (
        "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n"
        "/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n{''.join(ranges)}"
        "endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend"
    ).encode("ascii")


def _ranges(count: int) -> Iterator[tuple[int, int]]:
    """First and last number of each range up to `count`."""
    first = 1
    while first <= count:
        last = min(count, first + _LARGEST_RANGE - 1, first | 0xFF)
        yield first, last
        first = last + 1


def _signature_dictionary(signing: Signing) -> str:
    """The signature's dictionary, with room for what is known only when the file stands."""
    never = "<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>"
    return (
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
        f"/Name{_text(signing.name)}/M{_moment(signing.at)}/Reference[{never}]"
        f"{_BYTE_RANGE}{' ' * _BYTE_RANGE_ROOM}/Contents <{'0' * 2 * signing.room}>>>"
    )


def _signed(document: bytes, signing: Signing) -> bytes:
    """The document with its signature in the room that was left for it."""
    length = 2 * signing.room
    begin = document.rindex(b"/Contents <" + b"0" * length) + len(b"/Contents ")
    end = begin + length + 2
    covered = f"[0 {begin} {end} {len(document) - end}]".ljust(_BYTE_RANGE_ROOM).encode("ascii")
    room = document.rindex(_BYTE_RANGE.encode("ascii"), 0, begin) + len(_BYTE_RANGE)
    before = document[:room] + covered + document[room + _BYTE_RANGE_ROOM : begin]
    after = document[end:]
    made = signing.signature(sha256(before + after).digest())
    if len(made) != signing.room or len(covered) != _BYTE_RANGE_ROOM:
        raise ValueError("a signature of another length than the ones before")
    return before + b"<" + made.hex().upper().encode("ascii") + b">" + after


@dataclass
class _File:
    """A file being written: streams as they come, dictionaries together in one."""

    out: bytearray = field(default_factory=lambda: bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"))
    number: int = _DESCRIPTOR + 1  # of the next object
    _places: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # as the stream of places has them
    _packed: list[tuple[int, str]] = field(default_factory=list)

    def next(self) -> int:
        """A number for an object."""
        self.number += 1
        return self.number - 1

    def put(self, number: int, dictionary: str) -> None:
        """An object without a stream."""
        self._packed.append((number, dictionary))

    def plain(self, number: int, content: str) -> None:
        """An object that stands in the file as it is."""
        self._places[number] = (1, len(self.out), 0)
        self.out += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")

    def stream(self, content: bytes, more: str = "") -> int:
        """A stream, compressed; gives its number."""
        number = self.next()
        self._write(number, content, more)
        return number

    def pack(self) -> None:
        """All dictionaries as one stream."""
        packed = self.next()
        begins, texts = [], ""
        for place, (number, dictionary) in enumerate(self._packed):
            begins.append(f"{number} {len(texts)}")
            texts += dictionary + " "
            self._places[number] = (2, packed, place)
        head = " ".join(begins) + " "
        kinds = f"/Type/ObjStm/N {len(self._packed)}/First {len(head)}"
        self._write(packed, (head + texts).encode("ascii"), kinds)

    def finish(self) -> bytes:
        """The file, with the stream that says where everything is."""
        last = self.next()
        identity = sha256(self.out).hexdigest()[:32].upper()
        begin = len(self.out)
        self._places[0], self._places[last] = (0, 0, 0xFFFF), (1, begin, 0)
        wide = max(1, (begin.bit_length() + 7) // 8)
        rows = [self._places[number] for number in range(self.number)]
        table = b"".join(kind.to_bytes(1) + what.to_bytes(wide) + which.to_bytes(2) for kind, what, which in rows)
        kinds = f"/Type/XRef/Size {len(rows)}/W[1 {wide} 2]/Root {_CATALOG} 0 R/Info {_INFO} 0 R"
        self._write(last, table, f"{kinds}/ID[<{identity}><{identity}>]")
        return bytes(self.out) + f"startxref\n{begin}\n%%EOF\n".encode("ascii")

    def _write(self, number: int, content: bytes, more: str) -> None:
        self._places[number] = (1, len(self.out), 0)
        small = _deflated(content)
        head = f"{number} 0 obj\n<</Length {len(small)}/Filter/FlateDecode{more}>>stream\n"
        self.out += head.encode("ascii") + small + b"\nendstream\nendobj\n"


def _deflated(content: bytes) -> bytes:
    squeezing = zlib.compressobj(9, zlib.DEFLATED, 15, 9)
    return squeezing.compress(content) + squeezing.flush()


def _text(text: str) -> str:
    """A text for readers to show."""
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"


def _moment(moment: datetime) -> str:
    return f"(D:{moment.astimezone(UTC):%Y%m%d%H%M%S}Z)"
