"""Glyphs as a PDF takes them: outlines cut from font files by HarfBuzz, put together as one small CFF font.

A CFF that HarfBuzz or fontTools writes carries tables of which glyph it was in the whole font, which a certificate has
no use for: here the glyphs are simply numbered. After Adobe's technical notes 5176 (CFF) and 5177 (charstrings).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

import uharfbuzz as hb  # type: ignore[import-untyped]
from fontTools.cffLib.specializer import (  # type: ignore[import-untyped]
    commandsToProgram,
    generalizeCommands,
    programToCommands,
    specializeCommands,
)
from fontTools.misc.psCharStrings import T2CharString  # type: ignore[import-untyped]
from fontTools.pens.t2CharStringPen import T2CharStringPen  # type: ignore[import-untyped]

SQUARE = 1000  # thousandths of the size: how wide Han characters are, and what is not said of a glyph
NARROW = 600  # other widths are told as the difference to this one, which is a byte for most
NOTHING = b"\x0e"  # a charstring that draws nothing (endchar)
_CHARSTRINGS = 17  # operator of the top dictionary
# Hints are for screens of long ago, and shared subroutines only pay in a whole font.
_FLAGS = (
    hb.SubsetFlags.NO_LAYOUT_CLOSURE
    | hb.SubsetFlags.NO_HINTING
    | hb.SubsetFlags.DESUBROUTINIZE
    | hb.SubsetFlags.DOWNGRADE_CFF2
)
_DROPPED = tuple(
    map(int.from_bytes, (b"BASE", b"DSIG", b"GDEF", b"GPOS", b"GSUB", b"VORG", b"cmap", b"name", b"vhea", b"vmtx"))
)


def cut(face: hb.Face, widths: Mapping[int, int], axes: Mapping[str, float]) -> dict[int, bytes]:
    """The outlines of glyphs of a font: charstrings by glyph number, each with its width (in thousandths) in it.

    `widths` says which glyphs and how wide they are; `axes` at which place of a variable font.
    """
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(widths)
    wanted.flags = _FLAGS
    wanted.drop_table_tag_set.update(_DROPPED)
    for axis, place in axes.items():
        wanted.pin_axis_location(face, axis, place)
    table = bytes(hb.subset(face, wanted).reference_table("CFF ").data)
    kept = sorted({0, *widths})  # HarfBuzz numbers them anew in this order, and always keeps the first
    found = dict(zip(kept, _charstrings(table), strict=True))
    return {
        glyph: (b"" if width == SQUARE else _number(width - NARROW)) + _thrifty(found[glyph])
        for glyph, width in widths.items()
    }


def draw(font: hb.Font, glyph: int, width: int) -> bytes:
    """The outline of one glyph of a font with other outlines or units, as `cut` gives it; the font is scaled to SQUARE.

    The quadratic curves of TrueType become cubic ones, and points are rounded to a thousandth.
    """
    pen = T2CharStringPen(None, None)
    font.draw_glyph_with_pen(glyph, pen)
    outline = pen.getCharString()
    outline.compile()
    return (b"" if width == SQUARE else _number(width - NARROW)) + _thrifty(bytes(outline.bytecode))


def font_program(name: str, charstrings: Sequence[bytes]) -> bytes:
    """A CID-keyed CFF font of these glyphs; the first is glyph 1, because glyph 0 is the one that draws nothing."""
    last = len(charstrings)
    private = _number(SQUARE) + b"\x14" + _number(NARROW) + b"\x15"  # defaultWidthX, nominalWidthX
    strings = _index([b"Adobe", b"Identity"])  # strings 391 and 392: registry and ordering
    head = b"\x01\x00\x04\x04" + _index([name.encode("ascii")])
    charset = b"\x02" + (1).to_bytes(2) + (last - 1).to_bytes(2)  # one range: glyph 1 is CID 1, and so on
    one_of_all = b"\x03" + (1).to_bytes(2) + (0).to_bytes(2) + b"\x00" + (last + 1).to_bytes(2)  # FDSelect
    glyphs = _index([NOTHING, *charstrings])
    top_size = len(_index([_top(0, 0, 0, 0, last + 1)]))
    begin = len(head) + top_size + len(strings) + 2  # two bytes: no global subroutines
    charset_at, select_at, glyphs_at, private_at, array_at = accumulate(
        map(len, (charset, one_of_all, glyphs, private)), initial=begin
    )
    array = _index([_number(len(private)) + _offset(private_at) + b"\x12"])
    top = _index([_top(charset_at, select_at, glyphs_at, array_at, last + 1)])
    return b"".join([head, top, strings, b"\x00\x00", charset, one_of_all, glyphs, private, array])


def _top(charset: int, select: int, glyphs: int, array: int, count: int) -> bytes:
    return b"".join(
        [
            _number(391) + _number(392) + _number(0) + b"\x0c\x1e",  # ROS: Adobe-Identity-0
            _number(count) + b"\x0c\x22",  # CIDCount
            _offset(charset) + b"\x0f",
            _offset(select) + b"\x0c\x25",
            _offset(glyphs) + bytes([_CHARSTRINGS]),
            _offset(array) + b"\x0c\x24",
        ]
    )


def _charstrings(table: bytes) -> list[bytes]:
    """All of a CFF table, by glyph number."""
    _, place = _entries(table, table[2])
    top, _ = _entries(table, place)
    return _entries(table, _top_value(top[0], _CHARSTRINGS))[0]


def _entries(table: bytes, place: int) -> tuple[list[bytes], int]:
    """What an INDEX at this place holds, and the place behind it."""
    count = int.from_bytes(table[place : place + 2])
    if not count:
        return [], place + 2
    size, begin = table[place + 2], place + 3
    offsets = [int.from_bytes(table[begin + size * one : begin + size * (one + 1)]) for one in range(count + 1)]
    data = begin + size * (count + 1) - 1  # offsets count from 1
    return [table[data + one : data + after] for one, after in pairwise(offsets)], data + offsets[-1]


def _top_value(dictionary: bytes, wanted: int) -> int:
    """The last number before an operator of a DICT."""
    place, value = 0, 0
    while place < len(dictionary):
        first = dictionary[place]
        if first <= 21:
            if first == wanted:
                return value
            place += 2 if first == 12 else 1
        elif first == 30:  # a real number: half bytes up to one that is 15
            while dictionary[place] & 15 != 15:
                place += 1
            place += 1
        else:
            length = {28: 3, 29: 5}.get(first, 1 if first <= 246 else 2)
            if first in (28, 29):
                value = int.from_bytes(dictionary[place + 1 : place + length], signed=True)
            else:
                value = _small(dictionary, place)
            place += length
    raise ValueError("no CFF font")


def _small(data: bytes, place: int) -> int:
    first = data[place]
    if first <= 246:
        return first - 139
    return (first - 247) * 256 + data[place + 1] + 108 if first <= 250 else -(first - 251) * 256 - data[place + 1] - 108


def _thrifty(charstring: bytes) -> bytes:
    """The same outline in fewer bytes, and without a width.

    A contour is closed by itself: it begins behind its longest straight line, which then need not be told. Contours may
    come in any order: the next is the one that is nearest to where the last one ended.
    """
    left = [_begun_anew(contour) for contour in _contours(charstring)]
    commands, at = [], (0, 0)
    while left:
        nearest = min(left, key=lambda contour: _bytes_of(_difference(contour[0][1], at)))
        left.remove(nearest)
        begin = nearest[0][1]
        commands.append(("rmoveto", _difference(begin, at)))
        commands += [(command, list(numbers)) for command, _, numbers in nearest]
        at = _end(nearest[-1])
    program = commandsToProgram(specializeCommands(commands, generalizeFirst=False, maxstack=48))
    told = T2CharString(program=[*program, "endchar"])
    told.compile()
    return bytes(told.bytecode)


# A piece of a contour: rlineto or rrcurveto, where it begins, and its numbers.
Place = tuple[int, int]
Piece = tuple[str, Place, list[int]]


def _contours(charstring: bytes) -> list[list[Piece]]:
    """The contours of an outline, each closed by a piece of its own."""
    read = T2CharString(bytecode=charstring, private=_NoWidths, globalSubrs=[])
    read.decompile()
    contours: list[list[Piece]] = []
    at = (0, 0)
    for command, numbers in generalizeCommands(programToCommands(read.program)):
        if command == "rmoveto":
            at = (at[0] + numbers[0], at[1] + numbers[1])
            contours.append([])
        elif command in ("rlineto", "rrcurveto"):
            contours[-1].append((command, at, numbers))
            at = _end(contours[-1][-1])
    return [_closed(contour) for contour in contours if contour]


class _NoWidths:
    """What fontTools asks of a font's widths, which are told otherwise here."""

    nominalWidthX = defaultWidthX = 0


def _closed(contour: list[Piece]) -> list[Piece]:
    begin, end = contour[0][1], _end(contour[-1])
    return contour if begin == end else [*contour, ("rlineto", end, _difference(begin, end))]


def _begun_anew(contour: list[Piece]) -> list[Piece]:
    """The contour from behind the straight line that takes the most bytes, and without it."""
    lines = [place for place, (command, _, _) in enumerate(contour) if command == "rlineto"]
    if not lines or len(contour) == 1:
        return contour
    longest = max(lines, key=lambda place: (_bytes_of(contour[place][2]), place))
    return [*contour[longest + 1 :], *contour[:longest]]


def _end(piece: Piece) -> Place:
    _, (x, y), numbers = piece
    return x + sum(numbers[::2]), y + sum(numbers[1::2])


def _difference(one: Place, other: Place) -> list[int]:
    return [one[0] - other[0], one[1] - other[1]]


def _bytes_of(numbers: Sequence[int]) -> int:
    """How many bytes a line or a move by so much takes."""
    return sum(len(_number(one)) for one in numbers if one)


def _number(value: int) -> bytes:
    """A whole number, as dictionaries and charstrings have it."""
    if -107 <= value <= 107:
        return bytes([value + 139])
    if 108 <= value <= 1131:
        return bytes([247 + (value - 108) // 256, (value - 108) % 256])
    if -1131 <= value <= -108:
        return bytes([251 + (-value - 108) // 256, (-value - 108) % 256])
    return b"\x1c" + value.to_bytes(2, signed=True)


def _offset(value: int) -> bytes:
    """A whole number that always takes as much room."""
    return b"\x1d" + value.to_bytes(4)


def _index(items: Sequence[bytes]) -> bytes:
    """An INDEX: how many, where each begins, and all of them."""
    offsets = list(_begins(items))
    size = (offsets[-1].bit_length() + 7) // 8
    places = b"".join(offset.to_bytes(size) for offset in offsets)
    return len(items).to_bytes(2) + bytes([size]) + places + b"".join(items)


def _begins(items: Iterable[bytes]) -> Iterable[int]:
    return accumulate(map(len, items), initial=1)
