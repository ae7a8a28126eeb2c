"""What no transcript visits: the texts, named by step and outcome, that nobody said."""

from __future__ import annotations

from collections.abc import Collection

from dialogs.texts import sentences

# Said where no transcript can hear it: under load, to a browser that is not WeChat's.
ELSEWHERE = frozenset({"wire.busy", "wire.error", "wire.late", "wire.unavailable", "pay.outside"})
ON_PAPER = frozenset({"paper", "certificate_page"})  # sections of what is printed or downloaded


def unvisited(said: Collection[str]) -> dict[str, list[str]]:
    """By section, the outcomes whose text was never said, in the order of `texts.toml`."""
    found: dict[str, list[str]] = {}
    for key in sentences():
        section, _, outcome = key.partition(".")
        if key not in said and key not in ELSEWHERE and section not in ON_PAPER:
            found.setdefault(section, []).append(outcome)
    return found
