"""Why there is no bill to reconcile: not yet there, or not one that can be believed."""

from __future__ import annotations


class NoBillYet(Exception):
    """WeChat Pay has not made it, or did not answer; the words are for the operator. Try again later."""


class BillRefused(Exception):
    """The bill cannot be believed, and nothing of it was taken; the words say why, without a cell of it."""

    def __init__(self, why: str, row: int | None = None) -> None:
        super().__init__(why if row is None else f"第 {row} 行：{why}")
        self.why = why
