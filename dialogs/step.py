"""A step asks for one thing and takes one answer; a flow is a list of steps.

A step answers with one of five things: `Ask` (say this and wait), `Known` (the answer is known, go on), `Wrong` (not an
answer, ask again), `End` (the conversation ends here), `Go` (hand over to another service, or back into this one with
less known). Steps hold no state; everything they know is in `known`, plain JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

from dialogs.said import Said
from dialogs.texts import say
from dialogs.world import World

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Knowledge: TypeAlias = Mapping[str, Json]


class Option(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing that can be tapped. It stands for a value, an act of the step, a service, or a link."""

    label: str
    value: Any = None  # JSON: the answer it stands for
    act: str = ""  # or the step's method `on_<act>` that takes it
    go: str = ""  # or the service it opens, where what `value` holds is known already
    url: str = ""  # or the link it is
    also: tuple[str, ...] = ()  # further words that mean it
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """Say this and wait."""

    text: str
    options: Sequence[Option] = ()
    after: str = ""  # said below the options, the first time only
    again: str = ""  # said instead of `text` when the question is only shown again


@dataclass(frozen=True, slots=True)
class Known:
    """The answer is known: its values, by the names the step gives; and a line to say on the way."""

    values: Knowledge
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not an answer: why, and what to do; options here stand in place of the question's own."""

    text: str
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The conversation ends here; options may open another service."""

    text: str
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class Go:
    """Hand over to a service with what is known there; `service` "" stays in this flow and forgets what is missing."""

    service: str
    known: Knowledge = field(default_factory=dict)
    text: str = ""


Answer: TypeAlias = Ask | Known | Wrong | End | Go


class Step:
    """A reusable question."""

    name: ClassVar[str]  # also its section of texts.toml
    needs: ClassVar[tuple[str, ...]] = ()
    gives: ClassVar[tuple[str, ...]] = ()
    may_give: ClassVar[tuple[str, ...]] = ()  # what an answer makes known besides, where it happens to tell it
    typed: ClassVar[bool] = False  # its answer takes typing, so it is not thrown away without asking
    acts: ClassVar[tuple[str, ...]] = ()  # the acts its options may stand for; each has a method `on_<act>`
    offers: ClassVar[bool] = False  # it always has options: an answer is one of them
    binding: ClassVar[bool] = False  # its answer cannot be taken back by 返回
    final: ClassVar[bool] = False  # the flow is done with its questions: leaving throws nothing away
    several: ClassVar[bool] = False  # several options may be chosen: tapping one marks it, "1 3 5" is for `take`
    asks_for_number: ClassVar[bool] = False  # of an ID document: a picture sent to it is most likely a photo of one
    own_words: ClassVar[tuple[str, ...]] = ()  # words that are for a final step, whatever service they name besides

    def ask(self, known: Knowledge, world: World) -> Answer:
        """The question, or the answer where there is nothing to choose."""
        raise NotImplementedError

    def holds(self, known: Knowledge, world: World) -> bool:
        """Whether an answer given or offered some time ago may still be taken; `known` has it."""
        return True

    def mark(self, value: Json, known: Knowledge, world: World) -> Answer:
        """One of several options was tapped: mark it, or take the mark away."""
        raise NotImplementedError

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        """What to make of words that are none of the options."""
        return Wrong(say(f"{self.name}.wrong"))


class Flow:
    """A service: its title and its steps."""

    def __init__(self, title: str, *steps: Step) -> None:
        self.title = title
        self.steps = steps
        self.named = {step.name: step for step in steps}
        shape = "|".join(f"{step.name}:{','.join(step.gives)}" for step in steps)
        self.shape = hashlib.sha256(shape.encode()).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Flow({self.title!r}, {', '.join(step.name for step in self.steps)})"


@dataclass(frozen=True)
class Service:
    """One entry of the menu: its key, its flow, and words that mean it (each a set of words that all occur)."""

    key: str
    flow: Flow
    words: tuple[tuple[str, ...], ...] = ()
    recognises: Callable[[str], bool] | None = None  # words that answer its first question wherever they are typed
    scene: str = ""  # codes of the account whose scene begins so hold an answer to its first question

    @property
    def label(self) -> str:
        """What the menu calls it."""
        return say(f"service.{self.key}")
