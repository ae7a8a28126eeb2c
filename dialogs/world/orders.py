"""订单: orders, what was paid and what is being paid, and the cashier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from dialogs.terms.insurance import Insurance, Payable

MOST_LINES = 20  # of one order: a list that can still be looked over, news that fit into one message
MOST_AMOUNT = 999_999_999  # fen, of one order: far above any family's sum


class OrderState(StrEnum):
    """订单状态 (design, "Money")."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    PAID = "paid"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One payable of an order, as it may be shown: names are masked."""

    payable_key: str
    insurance: Insurance
    name: str
    cover_year: int
    pay_kind: str
    amount: int
    institution_name: str
    insured: str = ""  # look-up key; tells two people of one masked name apart
    given_back: bool = False  # of a paid order: this line was not, or is no longer, settled by it
    going_back: bool = False  # its money is on its way back


@dataclass(frozen=True, slots=True)
class OrderRefund:
    """退款: money of an order that goes back to where it came from."""

    amount: int
    back_at: datetime | None  # None: on its way
    account: str  # where it went, in WeChat Pay's words; "" where that is not known (yet)


@dataclass(frozen=True, slots=True)
class Order:
    """订单: one checkout of one or more payables."""

    no: str
    state: OrderState
    amount: int
    service: str  # the menu key it came from
    opened_at: datetime
    expires_at: datetime
    pay_url: str  # WeChat's cashier, for the payer's own phone
    family: bool  # a payment card for another phone was asked for
    lines: tuple[OrderLine, ...]
    paid_at: datetime | None = None
    refunds: tuple[OrderRefund, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A payable that an order not yet closed already holds."""

    order_no: str
    mine: bool  # the same payer opened it
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """缴费明细: money received for a payable, here or through another channel."""

    insurance: Insurance
    cover_year: int
    amount: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """What came of asking for an order: exactly one of the first five is set."""

    order: Order | None = None
    held: Held | None = None
    paid: Payment | None = None
    gone: bool = False  # no tariff and no assessment allows it any more
    is_taken_over: bool = False  # another payer took it over just now
    too_many: int = 0  # so many orders of this payer are open; one has to be paid or given up first
    short_minutes: int = 0  # of an order that runs shorter than usual, because others were not paid


class Cancelling(StrEnum):
    """What came of cancelling."""

    CLOSED = "closed"  # WeChat Pay said so: it cannot be paid any more
    CLOSING = "closing"  # not yet certain; a notice follows
    PAID = "paid"  # it had been paid
    UNKNOWN = "unknown"  # no such order of this payer


@dataclass(frozen=True, slots=True)
class Taken:
    """What a payable was, or is being, paid by."""

    payment: Payment | None = None  # settled it, and was not refunded
    held: Held | None = None  # by an order that is neither closed nor paid


class TakingOver(StrEnum):
    """What came of asking to pay what another payer's open order holds (我来缴)."""

    FREE = "free"  # that order ended without payment, at WeChat Pay too
    CLOSING = "closing"  # not yet certain whether it was paid
    PAID = "paid"  # it had been paid
    EARLY = "early"  # it has not stood unpaid for long enough
    OFTEN = "often"  # this payable was taken over too often within an hour


TAKE_OVER_SECONDS = 180
"""So long an order has to stand unpaid before another payer may take it over."""


class Ledger(Protocol):
    """What was paid and what is being paid."""

    def taken(self, payer: str, payable_key: str) -> Taken:
        """Whether there is still something to pay; `payer` says whose own order it may be."""
        ...


class Cashier(Protocol):
    """Orders of one payer. Nothing here moves money; every call may be repeated."""

    def open(self, payer: str, service: str, payables: Sequence[Payable]) -> Opening:
        """Open an order; the same payables asked for again by the same payer give the same order.

        At most MOST_LINES payables and MOST_AMOUNT fen; each payable once.
        """
        ...

    def order(self, payer: str, no: str) -> Order | None:
        """One order, if it is this payer's."""
        ...

    def orders(self, payer: str) -> Sequence[Order]:
        """This payer's orders, newest first, at most 50."""
        ...

    def check(self, payer: str, no: str) -> Order | None:
        """Ask WeChat Pay what became of it, at most once in ten seconds, within the time of a turn; then as `order`."""
        ...

    def cancel(self, payer: str, no: str) -> Cancelling:
        """Close it at WeChat Pay, then here."""
        ...

    def take_over(self, payer: str, payable_key: str) -> TakingOver:
        """Close another payer's open order for this at WeChat Pay, then here; that payer is told."""
        ...

    def ask_card(self, payer: str, no: str) -> Order | None:
        """Have a payment card for another phone made and sent; the payer's own link ends.

        None where it is not this payer's, or where fresh ones were made too often lately: the last one is good.
        """
        ...

    def ask_link(self, payer: str, no: str) -> Order | None:
        """Back to the payer's own link; the card ends."""
        ...

    def ask_new_link(self, payer: str, no: str) -> Order | None:
        """Have the payer's link lead to a new attempt, the one before it closed at WeChat Pay first; None as above."""
        ...
