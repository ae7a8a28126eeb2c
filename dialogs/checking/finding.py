"""A finding: where something is wrong in the dialogs, what, and what follows for whoever talks to the bot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Reads as one sentence for the author of a flow or a text."""

    where: str
    what: str
    follows: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.follows}"
