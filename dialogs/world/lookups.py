"""Looking up: payment records, and the codes and limits that stand before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from dialogs.terms.insurance import Insurance, PayKind


class RecordState(StrEnum):
    """缴费状态, as a look-up shows it."""

    WAITING = "waiting"  # 待支付: an open order of one's own
    PAID = "paid"
    BOOKED = "booked"  # 已入库: the agency has taken it over
    REFUNDING = "refunding"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Record:
    """缴费记录 of one insured: money received for a payable, or one's own order that waits for it."""

    ref: str  # names it in a session
    insurance: Insurance
    pay_kind: PayKind
    tier: str
    cover_year: int
    amount: int
    at: datetime  # paid; of what waits: opened
    institution: str
    state: RecordState
    mine: bool  # the same payer's order
    order_no: str  # "" where it is not the payer's
    channel: str  # "" for ours
    receipt_no: str  # "" where there is none yet
    payment: int = 0  # by which a certificate names it; 0 for an order that waits


class History(Protocol):
    """缴费记录."""

    def records(self, payer: str, insured: str) -> Sequence[Record]:
        """Whoever paid for this insured; of orders that wait only this payer's. Newest first, at most 60."""
        ...


class Guess(StrEnum):
    """What an answer to a riddle is."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"  # nothing that could be an answer; not counted


class Captchas(Protocol):
    """验证码. A riddle is a text that says nothing of its answer."""

    def pose(self, payer: str, *, picture: bool) -> str:
        """A new riddle: a picture that is sent to this payer, or a sum."""
        ...

    def question(self, riddle: str) -> str:
        """The sum, in figures and in words; "" for a picture."""
        ...

    def guess(self, riddle: str, answer: str) -> Guess:
        """What the answer is; of a riddle some minutes old EXPIRED."""
        ...

    def acquainted(self, payer: str, insured: str) -> bool:
        """Whether this payer needs no code: paid for the insured, or confirmed within 30 minutes."""
        ...

    def confirm(self, payer: str, insured: str) -> None:
        """Number, name and code were right just now."""
        ...

    def forget(self, payer: str) -> None:
        """Whom this payer confirmed lately."""
        ...


@dataclass(frozen=True, slots=True)
class PersonLimit:
    """A limit that was reached: until when (unix seconds), and whether it is about one number or about all."""

    until: int
    of_one: bool = False


class PeopleLimits(Protocol):
    """How many strangers one openid may ask about. Counted over restarts and processes."""

    def has_met(self, payer: str, insured: str) -> bool:
        """Whether number and name of this insured were right within thirty days."""
        ...

    def reached(self, payer: str, insured: str) -> PersonLimit | None:
        """The limit that keeps this openid from asking about this insured now."""
        ...

    def missed(self, payer: str, insured: str) -> None:
        """Count a number or a name that does not fit."""
        ...

    def met(self, payer: str, insured: str) -> None:
        """Count a new person: number and name fit."""
        ...

    def wants_code(self, insured: str) -> bool:
        """Whether so many openids tried names for this number that a code comes before the name."""
        ...


class Guesses(Protocol):
    """How often somebody may guess wrong, told by what is guessed. Counted over restarts and processes."""

    def wait(self, payer: str, what: str) -> int:
        """Seconds to wait before the next try; 0: try."""
        ...

    def missed(self, payer: str, what: str) -> int:
        """Count a wrong one; seconds to wait before the next, 0 while there are tries left."""
        ...
