"""The command line of `run.py`. Exit 0 done, 1 the work found something wrong, 2 wrong usage or configuration.

One file a group of commands; what a command needs is imported when it runs, so that `chat` greets at once.
"""

from __future__ import annotations

from bot.commands import (
    agencies,
    certifying,
    operating,
    people,
    reconciling,
    refunded_elsewhere,
    refunding,
    restoring,
    showing,
    storing,
    talking,
    telling,
    torturing,
)
from bot.commands.root import app

__all__ = [
    "agencies",
    "app",
    "certifying",
    "operating",
    "people",
    "reconciling",
    "refunded_elsewhere",
    "refunding",
    "restoring",
    "showing",
    "storing",
    "talking",
    "telling",
    "torturing",
]
