"""What a dialog may ask of the world: small protocols, gathered in one `World`.

Files and tables stand behind them today; where a bureau has a live interface, it is another implementation of
`Registry`, `Tariffs` or `Ledger`. Each call may raise `Unavailable` ("unknown just now"): the machine then says so and
the session stays where it was. No call takes or gives a full ID number or name except the two that are for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from dialogs.terms.contact import Contact, Keeping, Relation
from dialogs.terms.identity import Document
from dialogs.terms.insurance import Assessment, Enrolment, Insurance, Payable, PayKind, Person, TariffRow


class Unavailable(Exception):
    """The world cannot answer just now; nothing was changed."""


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
    """What came of asking for an order: exactly one of the four is set."""

    order: Order | None = None
    held: Held | None = None
    paid: Payment | None = None
    gone: bool = False  # no tariff and no assessment allows it any more


class Cancelling(StrEnum):
    """What came of cancelling."""

    CLOSED = "closed"  # WeChat Pay said so: it cannot be paid any more
    CLOSING = "closing"  # not yet certain; a notice follows
    PAID = "paid"  # it had been paid
    UNKNOWN = "unknown"  # no such order of this payer


@dataclass(frozen=True, slots=True)
class Certifiable:
    """A payment that a certificate may be issued for."""

    id: int
    insured: str  # look-up key; one certificate is for one insured
    name: str  # masked
    insurance: Insurance
    pay_kind: PayKind
    cover_year: int
    amount: int
    paid_at: datetime
    order_no: str


@dataclass(frozen=True, slots=True)
class Issued:
    """缴费证明: a certificate that was issued, with a fresh link to its document."""

    number: str
    code: str  # 查验码
    name: str  # masked
    count: int  # of payments
    amount: int
    url: str
    valid_until: datetime  # of the link; the certificate itself does not end


@dataclass(frozen=True, slots=True)
class CertifiedPayment:
    """One line of a certificate, as anybody with number and code may see it."""

    insurance: Insurance
    pay_kind: PayKind
    cover_year: int
    amount: int
    refunded: bool  # since it was certified


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine certificate, masked."""

    number: str
    name: str
    id_number: str
    issued_on: date
    issuer: str
    amount: int
    payments: tuple[CertifiedPayment, ...]


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


class Guess(StrEnum):
    """What an answer to a riddle is."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"  # nothing that could be an answer; not counted


class Registry(Protocol):
    """Who is insured, where, and what the agencies assessed."""

    def key(self, document: Document) -> str:
        """The look-up key of an ID document; says nothing about whether anybody has it."""
        ...

    def confirm(self, key: str, name: str) -> Person | None:
        """The person with this key and this name; None alike for an unknown number and another name."""
        ...

    def person(self, key: str) -> Person | None:
        """The person of a key that was confirmed before."""
        ...

    def enrolments(self, key: str, insurance: Insurance) -> Sequence[Enrolment]:
        """Enrolments in this insurance, ended ones too; by institution name."""
        ...

    def assessments(self, key: str, insurance: Insurance) -> Sequence[Assessment]:
        """Assessments in this insurance, expired and paid ones too; by cover year."""
        ...


class Tariffs(Protocol):
    """缴费标准."""

    def rows(self, insurance: Insurance) -> Sequence[TariffRow]:
        """Every row of the insurance; the rules choose among them."""
        ...


class Ledger(Protocol):
    """What was paid and what is being paid."""

    def paid(self, payable_key: str) -> Payment | None:
        """The payment that settled it and was not refunded."""
        ...

    def held(self, payer: str, payable_key: str) -> Held | None:
        """The order that holds it and is neither closed nor refunded."""
        ...


class Cashier(Protocol):
    """Orders of one payer. Nothing here moves money; every call may be repeated."""

    def open(self, payer: str, service: str, payables: Sequence[Payable]) -> Opening:
        """Open an order; the same payables asked for again by the same payer give the same order."""
        ...

    def order(self, payer: str, no: str) -> Order | None:
        """One order, if it is this payer's."""
        ...

    def orders(self, payer: str) -> Sequence[Order]:
        """This payer's orders, newest first, at most 50."""
        ...

    def check(self, payer: str, no: str) -> Order | None:
        """Ask WeChat Pay now what became of it, within the time of a turn; then as `order`."""
        ...

    def cancel(self, payer: str, no: str) -> Cancelling:
        """Close it at WeChat Pay, then here."""
        ...

    def ask_card(self, payer: str, no: str) -> Order | None:
        """Have a payment card for another phone made and sent; the payer's own link ends."""
        ...

    def ask_link(self, payer: str, no: str) -> Order | None:
        """Back to the payer's own link; the card ends."""
        ...


class Certificates(Protocol):
    """缴费证明."""

    def choosable(self, payer: str) -> Sequence[Certifiable]:
        """Payments of this payer's own orders that were not given back, newest first, at most 60."""
        ...

    def printable(self, payer: str, payments: Sequence[int]) -> bool:
        """Whether the names of the insured among these payments can be written; some old systems' characters cannot."""
        ...

    def issue(self, payer: str, payments: Sequence[int]) -> Sequence[Issued]:
        """A certificate for each insured; the same on one day gives the same. Payments not choosable are left out."""
        ...

    def verify(self, number: str, code: str) -> Verified | None:
        """The certificate of this number and code; None alike for an unknown number and another code."""
        ...


class Contacts(Protocol):
    """常用联系人 of one payer; nobody else's are ever told. Every call may be repeated."""

    def list(self, payer: str) -> Sequence[Contact]:
        """本人 first, then the one paid for (or added) last."""
        ...

    def add(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Add somebody whose number and name were confirmed; KEPT, ALREADY, FULL or SELF_TAKEN."""
        ...

    def relate(self, payer: str, insured: str, relation: Relation) -> Keeping:
        """Change what a contact is to the payer; KEPT, GONE or SELF_TAKEN."""
        ...

    def remove(self, payer: str, insured: str) -> None:
        """Forget one; nothing happens where there is none."""
        ...

    def forget(self, payer: str) -> None:
        """Forget all (撤回同意)."""
        ...


class History(Protocol):
    """缴费记录."""

    def records(self, payer: str, insured: str) -> Sequence[Record]:
        """Whoever paid for this insured; of orders that wait only this payer's. Newest first, at most 60."""
        ...


class Consents(Protocol):
    """同意: kept with version and time."""

    def given(self, payer: str, version: str) -> bool:
        """Whether this version was agreed to and not withdrawn."""
        ...

    def give(self, payer: str, version: str) -> None:
        """Agree; again is the same."""
        ...

    def withdraw(self, payer: str) -> None:
        """撤回同意: every version."""
        ...


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


class Guesses(Protocol):
    """How often somebody may guess wrong, told by what is guessed. Counted over restarts and processes."""

    def wait(self, payer: str, what: str) -> int:
        """Seconds to wait before the next try; 0: try."""
        ...

    def missed(self, payer: str, what: str) -> int:
        """Count a wrong one; seconds to wait before the next, 0 while there are tries left."""
        ...


class Clock(Protocol):
    """The one clock of a turn."""

    def now(self) -> datetime:
        """Now, aware, in the timezone of the bureau."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """Everything a turn of one payer may ask."""

    payer: str  # openid
    registry: Registry
    tariffs: Tariffs
    ledger: Ledger
    cashier: Cashier
    certificates: Certificates
    contacts: Contacts
    history: History
    consents: Consents
    captchas: Captchas
    guesses: Guesses
    clock: Clock

    @property
    def today(self) -> date:
        """The bureau's calendar day."""
        return self.clock.now().date()
