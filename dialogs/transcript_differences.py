"""Whether a bot said what a transcript says, where it did not, and the transcript written anew (`--accept`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from dialogs.transcript import Exchange, Line, Played, Scene

CONTEXT = 2  # unchanged lines shown around a difference


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of a difference: `-` what the file says, `+` what was said, ` ` both; `number` is the file's."""

    sign: Literal["-", "+", " "]
    number: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.number or '':>4} {self.sign} {self.text}"


def fits(expected: Sequence[Line], said: Sequence[Line]) -> bool:
    """Whether the lines said are those written, where a line that ends with `…` stands for all that follows it, up
    to the next line written."""
    if not expected:
        return not said
    first, rest = expected[0], expected[1:]
    if not said or not first.fits(said[0]):
        return False
    if not first.open:
        return fits(rest, said[1:])
    return not rest or any(fits(rest, said[start:]) for start in range(1, len(said) + 1))


def same(scene: Scene, played: Played) -> bool:
    """Whether everything happened as written."""
    return len(played.said) == len(scene.exchanges) and all(
        fits(exchange.expected, said) for exchange, said in zip(scene.exchanges, played.said, strict=True)
    )


def write(scene: Scene, played: Played) -> str:
    """The transcript as it was played. Remarks, settings and actions stay, and so does every `…` that still holds;
    what was not played stays as it is."""
    return "\n".join(_rewritten(scene, played))


def difference(scene: Scene, played: Played) -> list[list[Shown]]:
    """What differs, in the file's order, in groups with a little of what stands around each."""
    before = [line.rstrip() for line in scene.source]
    after = [line.rstrip() for line in _rewritten(scene, played)]
    return [
        [shown for one in group for shown in _shown(one, before, after)]
        for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT)
    ]


def _shown(opcode: tuple[str, int, int, int, int], before: Sequence[str], after: Sequence[str]) -> Iterator[Shown]:
    kind, first, last, begin, end = opcode
    if kind == "equal":
        yield from (Shown(" ", number + 1, before[number]) for number in range(first, last))
        return
    yield from (Shown("-", number + 1, before[number]) for number in range(first, last))
    yield from (Shown("+", None, line) for line in after[begin:end])


def _rewritten(scene: Scene, played: Played) -> Iterator[str]:
    reached = 0
    for exchange, said in zip(scene.exchanges, played.said, strict=False):
        yield from scene.source[reached : exchange.number]
        theirs = scene.source[exchange.number : exchange.last]
        if fits(exchange.expected, said):
            yield from theirs
        else:
            yield from (line for line in theirs if not line.lstrip().startswith("<"))
            yield from map(str, _shortened(exchange, said))
        reached = exchange.last
    yield from scene.source[reached:]


def _shortened(exchange: Exchange, said: Sequence[Line]) -> Iterator[Line]:
    """What was said, with every `…` of the file at the line it still fits."""
    reached = 0
    for place, line in enumerate(exchange.expected):
        found = next((at for at in range(reached, len(said)) if line.fits(said[at])), None)
        if found is None or not line.open:
            continue
        yield from said[reached:found]
        yield line
        rest = exchange.expected[place + 1 :]
        reached = next((at for at in range(found + 1, len(said)) if rest and rest[0].fits(said[at])), len(said))
    yield from said[reached:]
