"""How the clock is moved: in steps, so that whatever is planned in between happens at its own time."""

from __future__ import annotations

from collections.abc import Iterator

# Seconds; close together at first, where the bot asks after an order at short intervals (design, section 5: sweep).
STEPS = (1, 4, 5, 5, 15, 30, 60, 60, 120, 300, 300, 300, 300, 300)
THEN = 3600


def stops(seconds: float) -> Iterator[float]:
    """Steps that make up these seconds."""
    left = seconds
    for step in STEPS:
        if left <= step:
            break
        yield step
        left -= step
    while left > THEN:
        yield THEN
        left -= THEN
    if left > 0:
        yield left
