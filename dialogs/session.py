"""The session: what is remembered of one citizen's conversation between two turns, as small plain JSON.

Nothing here costs money and nothing here is secret: a lost session is asked again, an order outlives it.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from dialogs.step import Option

VERSION = 1
Count = Annotated[int, Meta(ge=0)]


class Session(Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="v", tag=VERSION):
    """One conversation. `revision` belongs to the question shown; a tap that carries another one is stale."""

    flow: str = ""  # the service under way
    shape: str = ""  # of its flow when it began
    known: dict[str, Any] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)  # steps the citizen answered, in order
    asked: str = ""  # the step whose question is shown
    options: list[Option] = field(default_factory=list)  # of the question shown, all pages
    page: Count = 0
    revision: Count = 0
    stamp: str = ""  # what the revision stands for
    wrong: Count = 0  # wrong answers to this question
    aside: str = ""  # a question about the conversation itself: "idle", or "switch:SERVICE"
    past: list[str] = field(default_factory=list)  # labels of earlier options, for accounts that are sent no ids
    at: Count = 0  # unix seconds of the last turn
    agreed: str = ""  # the version of the notice that this citizen agreed to, so that nobody has to ask the tables

    def copy(self) -> Session:
        """A session of its own with the same content; what stands inside its lists and dicts is never changed."""
        return msgspec.structs.replace(
            self, known=dict(self.known), trail=list(self.trail), options=list(self.options), past=list(self.past)
        )

    def to_json(self) -> bytes:
        """Compact, the same bytes for the same session."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, text: str | bytes | None) -> Session:
        """The session of a stored text; a fresh one where there is none or it cannot be read (an older release)."""
        if not text:
            return cls()
        try:
            return _READ.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return cls()


_READ = msgspec.json.Decoder(Session)
