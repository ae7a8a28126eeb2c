"""Who may run now: the rules of the line and of the push windows, as the embedded store applies them.

`lua/claim.lua` says the same for Redis; the contract suite holds both to the same sentences.
"""

from dataclasses import dataclass

from storage.sessions.contract import Limits, PushWindow

Line = list[tuple[str, float]]
"""Waiting messages, first come first, each with the time it was last asked for."""
Windows = list[tuple[int, float, int]]
"""Open push windows: seconds (the kind), until, messages left."""


@dataclass(frozen=True)
class Place:
    """Where a message stands after asking. Neither `runs` nor `waits`: the line is full."""

    runs: bool
    waits: bool
    arrived: bool
    line: Line


def ask(line: Line, message: str, busy: bool, now: float, limits: Limits) -> Place:
    """Let `message` ask for its turn; `busy`: another message's claim is alive."""
    line = [waiter for waiter in line if now - waiter[1] <= limits.patience]
    waiting = [waiter[0] for waiter in line]
    arrived = message not in waiting
    if not busy and (not line or waiting[0] == message):
        return Place(runs=True, waits=False, arrived=arrived, line=line[1:])
    if not arrived:
        line = [(message, now) if waiter[0] == message else waiter for waiter in line]
        return Place(runs=False, waits=True, arrived=False, line=line)
    if len(line) < limits.waiting:
        return Place(runs=False, waits=True, arrived=True, line=[*line, (message, now)])
    return Place(runs=False, waits=False, arrived=True, line=line)


def open_window(windows: Windows, opens: PushWindow, now: float) -> Windows:
    """Open a window beside those of other kinds; within its kind the one that allows more stands."""
    until, left = now + opens.seconds, opens.messages
    others = []
    for window in windows:
        if window[0] == opens.seconds:
            until, left = max(until, window[1]), max(left, window[2])
        elif window[1] > now:
            others.append(window)
    return [*others, (opens.seconds, until, left)]


def take_one(windows: Windows, now: float) -> Windows | None:
    """Count one message down in the open window that ends first; None: no window allows one."""
    still_open = [window for window in windows if window[1] > now and window[2] > 0]
    if not still_open:
        return None
    first = min(still_open, key=lambda window: window[1])
    return [(w[0], w[1], w[2] - 1) if w is first else w for w in still_open]
