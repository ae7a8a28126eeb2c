"""The session: what is remembered of one citizen's conversation between two turns, as small plain JSON.

Nothing here costs money and nothing here is secret: a lost session is asked again, an order outlives it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, get_args, get_origin, get_type_hints

from dialogs.step import Json, Option

VERSION = 1
DEFAULTS = asdict(Option(label=""))


@dataclass
class Session:
    """One conversation. `revision` belongs to the question shown; a tap that carries another one is stale."""

    flow: str = ""  # the service under way
    shape: str = ""  # of its flow when it began
    known: dict[str, Json] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)  # steps the citizen answered, in order
    asked: str = ""  # the step whose question is shown
    options: list[dict[str, Json]] = field(default_factory=list)
    page: int = 0
    revision: int = 0
    stamp: str = ""  # what the revision stands for
    wrong: int = 0  # wrong answers to this question
    aside: str = ""  # a question about the conversation itself: "idle", or "switch:SERVICE"
    past: list[str] = field(default_factory=list)  # labels of earlier options, for accounts that are sent no ids
    at: int = 0  # unix seconds of the last turn

    def copy(self) -> Session:
        """A session of its own with the same content; what stands inside its lists and dicts is never changed."""
        return replace(
            self,
            known=dict(self.known),
            trail=list(self.trail),
            options=list(self.options),
            past=list(self.past),
        )

    def to_json(self) -> str:
        """Compact, the same text for the same session."""
        content = {name: value for name, empty in _EMPTY.items() if (value := getattr(self, name)) != empty}
        return json.dumps({"v": VERSION, **content}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes | None) -> Session:
        """The session of a stored text; a fresh one where there is none or it cannot be read (an older release)."""
        if not text:
            return cls()
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(content, dict) or content.pop("v", None) != VERSION:
            return cls()
        if not all(name in _KINDS and _fits(value, *_KINDS[name]) for name, value in content.items()):
            return cls()
        if not all(map(_is_option, content.get("options", ()))):
            return cls()
        return cls(**content)

    def shown_options(self) -> list[Option]:
        """The options of the question shown, all pages."""
        return [_option(stored) for stored in self.options]


def stored_options(options: Sequence[Option]) -> list[dict[str, Json]]:
    """Options as the session keeps them: plain JSON, without what is usual."""
    return [
        {
            name: list(value) if isinstance(value, tuple) else value
            for name, usual in DEFAULTS.items()
            if (value := getattr(option, name)) != usual or name == "label"
        }
        for option in options
    ]


def _option(stored: dict[str, Json]) -> Option:
    known: dict[str, Any] = {name: value for name, value in stored.items() if name in DEFAULTS}
    known["also"] = tuple(known.get("also", ()))
    return Option(**known)


def _is_option(stored: dict[str, Json]) -> bool:
    """Whether it can be shown and taken again."""
    return "label" in stored and all(
        name == "value" or (name in DEFAULTS and _fits(value, *_OPTION_KINDS[name])) for name, value in stored.items()
    )


def _fits(value: object, kind: type, inner: type | None) -> bool:
    """Whether a stored value is of its kind; `inner` is that of a list's items."""
    if type(value) is not kind:
        return False
    if isinstance(value, list):
        return inner is None or all(type(one) is inner for one in value)
    return not isinstance(value, int) or value >= 0


def _kinds(owner: type) -> dict[str, tuple[type, type | None]]:
    """The kind of each field as JSON has it, and that of its items."""
    found: dict[str, tuple[type, type | None]] = {}
    for name, hint in get_type_hints(owner).items():
        kind = get_origin(hint) or hint
        inner = get_origin(get_args(hint)[0]) or get_args(hint)[0] if kind in (list, tuple) else None
        found[name] = (list if kind is tuple else kind, inner)
    return found


_KINDS = _kinds(Session)
_OPTION_KINDS = _kinds(Option)
_EMPTY = asdict(Session())
assert set(_KINDS) == {one.name for one in fields(Session)}
