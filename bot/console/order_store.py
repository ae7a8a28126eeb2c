"""WeChat Pay forgets no order when a terminal is closed: the stand-in's orders, kept in a file between starts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bot.sandbox.pay_orders import Order, Orders
from bot.sandbox.pay_rules import OrderTerms


class OrderStore:
    """The orders of one stand-in and their file."""

    def __init__(self, orders: Orders, file: Path) -> None:
        self._orders = orders
        self._file = file
        self._written = ""

    def restore(self, notify_url: str) -> None:
        """Put in what an earlier start kept; nothing where the file is missing or damaged.

        Callbacks go to `notify_url`: in earnest the bot's address stays the same, here it has a new port.
        """
        try:
            kept = [_order(told, notify_url) for told in json.loads(self._file.read_text("utf-8"))]
        except (OSError, ValueError, TypeError, KeyError):
            return
        for order in kept:
            self._orders.restore(order)

    def keep(self) -> None:
        """Write them down where anything has changed."""
        with self._orders.lock:
            told = json.dumps([asdict(order) for order in self._orders.all()], ensure_ascii=False)
        if told != self._written:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(told, "utf-8")
            fresh.replace(self._file)
            self._written = told


def _order(told: dict[str, object], notify_url: str) -> Order:
    terms = told.pop("terms")
    if not isinstance(terms, dict):
        raise TypeError("an order has terms")
    return Order(OrderTerms(**{**terms, "notify_url": notify_url}), **told)  # type: ignore[arg-type]
