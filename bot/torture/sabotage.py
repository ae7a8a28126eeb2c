"""Mistakes that a careless change to `settle` could bring: the torture has to find each of them.

Laid over the bot from outside, in test processes only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, delete, insert, select

from storage.orders import settling
from storage.orders.columns import EXPORT, LEDGER
from storage.orders.settling import Received, Settled, Settler


def _books_again() -> None:
    """The same facts again are booked again."""
    inner = Settler._settle

    def settle(self: Settler, connection: Connection, received: Received, *more: Any) -> Settled:
        outcome = inner(self, connection, received, *more)
        if outcome is Settled.AGAIN:
            entries = connection.execute(select(LEDGER)).all()
            first = next(one for one in entries if one.reason == received.transaction_id)
            again = dict(first._mapping) | {"reason": f"{first.reason}+{len(entries)}"}
            del again["id"]
            connection.execute(insert(LEDGER).values(again))
        return outcome

    _replace(Settler, "_settle", settle)


def _never_refunds() -> None:
    """Money that found nothing to pay is kept."""
    inner = Settler._close_books

    def close_books(self: Settler, connection: Connection, order: Any, attempt: Any, received: Any, *more: Any) -> None:
        inner(self, connection, order, attempt, received, 0, *more[1:])

    _replace(Settler, "_close_books", close_books)


def _tells_nobody() -> None:
    """The payment is booked, the notice is forgotten."""
    _replace(settling, "paid_notice", lambda *_: None)


def _forgets_the_agency() -> None:
    """The payment is booked, and the agency never hears of it."""
    inner = Settler._pay_line

    def pay_line(self: Settler, connection: Connection, line: Any, received: Received, *more: Any) -> None:
        inner(self, connection, line, received, *more)
        connection.execute(delete(EXPORT).where(EXPORT.c.reason == f"{received.transaction_id}:{line.line_no}"))

    _replace(Settler, "_pay_line", pay_line)


MISTAKES: dict[str, Callable[[], None]] = {
    "books again": _books_again,
    "never refunds": _never_refunds,
    "tells nobody": _tells_nobody,
    "forgets the agency": _forgets_the_agency,
}


def commit(mistake: str) -> None:
    """Make the mistake in this process, until `undo`."""
    MISTAKES[mistake]()


def undo() -> None:
    """As if nothing had been."""
    while _MADE:
        _MADE.pop().stop()


def _replace(owner: Any, name: str, value: Any) -> None:
    patched = patch.object(owner, name, value)
    patched.start()
    _MADE.append(patched)


_MADE: list[Any] = []
