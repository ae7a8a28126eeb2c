"""Every conversation in tests/transcripts happens as it is written, end to end; so do the five that set the tone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.replay.console import chats, played, shown
from bot.replay.stage import Fresh, Props
from dialogs.transcript_differences import difference
from tests.grounds import grounds

OURS = Path(__file__).parent / "transcripts"
THEIRS = Path(__file__).parents[2] / "shared" / "transcripts"
FOLDERS = (
    "happy",
    "corrections",
    "cancellations",
    "interruptions",
    "invalid",
    "guards",
    "payments",
    "recovery",
    "privacy",
)


@pytest.fixture(scope="session")
def props() -> Iterator[Props]:
    with Props.made() as made:
        yield made


@pytest.fixture(scope="session")
def ground(props: Props) -> Iterator[Fresh]:
    with grounds(props, "TRANSCRIPTS") as fresh:
        yield fresh


def happens(file: Path, props: Props, ground: Fresh) -> None:
    result = played(file.read_text("utf-8"), props, ground)
    told = [str(line) if line else "     ..." for line in shown(difference(result.scene, result.played))]
    assert result.same, "\n".join([f"{file.name} went otherwise:", *told])


@pytest.mark.parametrize("file", list(chats([OURS])), ids=lambda file: str(file.relative_to(OURS).with_suffix("")))
def test_the_conversation_happens_as_it_is_written(file: Path, props: Props, ground: Fresh) -> None:
    happens(file, props, ground)


# Since only acquaintances are told why nothing is owed, this one is played in our own words alone (tests/transcripts).
SUPERSEDED = {"全额资助_不用缴"}


@pytest.mark.parametrize(
    "file",
    [file for file in chats([THEIRS]) if file.stem not in SUPERSEDED] if THEIRS.is_dir() else [],
    ids=lambda file: file.stem,
)
def test_the_conversations_that_set_the_tone_happen_as_written(file: Path, props: Props, ground: Fresh) -> None:
    happens(file, props, ground)


def test_the_conversations_that_set_the_tone_are_there() -> None:
    if not THEIRS.is_dir():
        pytest.skip("../shared/transcripts is not here; the project's own copies of the five are played all the same")
    assert len(list(chats([THEIRS]))) == 5


def test_there_are_transcripts_of_every_kind() -> None:
    kinds = {file.parent.name for file in chats([OURS])}
    assert kinds == set(FOLDERS)
    assert len(list(chats([OURS]))) >= 60
