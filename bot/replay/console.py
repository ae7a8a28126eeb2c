"""`run.py replay`: plays transcripts, shows what differs with the file's line numbers, and rewrites it if told to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import structlog
from rich.console import Console
from rich.text import Text

from bot.replay.coverage import unvisited
from bot.replay.stage import Fresh, Props, staged
from dialogs.texts import overheard, sentences
from dialogs.transcript import Played, Scene, play
from dialogs.transcript_differences import Shown, difference, same, write
from dialogs.transcript_reading import NotATranscript, read

PASSED, DIFFERS = 0, 1
COLOURS = {"-": "red", "+": "green", " ": ""}


def replay(paths: Sequence[Path], *, accept: bool, coverage: bool, stream: TextIO) -> int:
    """Play these files, and those in these folders. 0: all as written (or accepted); 1: not, or there are none."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    files = list(chats(paths))
    if not files:
        console.print(f"no .chat files in {', '.join(map(str, paths))}")
        return DIFFERS
    with ExitStack() as until_end:
        until_end.enter_context(_quiet())
        said = until_end.enter_context(overheard()) if coverage else set()
        props = until_end.enter_context(Props.made())
        results = [_one(file, props, accept, console) for file in files]
    failed = results.count(False)
    console.print(f"{len(results) - failed} passed, {failed} failed")
    if coverage:
        _show_coverage(said, console)
    return DIFFERS if failed else PASSED


def chats(paths: Sequence[Path]) -> Iterator[Path]:
    """The transcripts among these files and folders, sorted within each folder."""
    for path in paths:
        yield from sorted(path.rglob("*.chat")) if path.is_dir() else [path]


@dataclass(frozen=True, slots=True)
class Result:
    """A scene and what was said in it."""

    scene: Scene
    played: Played

    @property
    def same(self) -> bool:
        """Whether everything happened as written."""
        return same(self.scene, self.played)


def played(text: str, props: Props, fresh: Fresh | None = None) -> Result:
    """Play the transcript of a file's text, see `staged`. Raises NotATranscript."""
    scene = read(text)
    with staged(scene, props, fresh) as performer:
        return Result(scene, play(scene, performer))


def shown(groups: Sequence[Sequence[Shown]]) -> Iterator[Shown | None]:
    """The lines of a difference, None between two groups."""
    for place, group in enumerate(groups):
        if place:
            yield None
        yield from group


@contextmanager
def _quiet() -> Iterator[None]:
    """The bot's own log would stand between the lines."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _one(file: Path, props: Props, accept: bool, console: Console) -> bool:
    try:
        result = played(file.read_text("utf-8"), props)
    except (NotATranscript, OSError, UnicodeDecodeError) as wrong:
        console.print(Text(f"failed  {file}\n     {wrong}", "red"))
        return False
    if result.same:
        console.print(Text(f"passed  {file}"))
        return True
    rewrites = accept and not result.played.broken
    console.print(Text(f"{'written' if rewrites else 'failed '} {file}", "yellow" if rewrites else "red"))
    for line in shown(difference(result.scene, result.played)):
        console.print(Text(str(line), COLOURS[line.sign]) if line else Text("     ..."))
    if rewrites:
        file.write_text(write(result.scene, result.played), "utf-8")
    return rewrites


def _show_coverage(said: set[str], console: Console) -> None:
    missing = unvisited(said)
    count = sum(map(len, missing.values()))
    console.print(f"{count} of {len(sentences())} outcomes are visited by none of these transcripts")
    for section, outcomes in missing.items():
        console.print(f"  {section}: {', '.join(outcomes)}")
