"""What a dialog may ask of the world: small protocols, gathered in one `World`.

Files and tables stand behind them today; where a bureau has a live interface, it is another implementation of
`Registry`, `Tariffs` or `Ledger`. Each call may raise `Unavailable` ("unknown just now"): the machine then says so and
the session stays where it was. No call takes or gives a full ID number or name except the two that are for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from dialogs.world.certificates import Certifiable, Certificates, CertifiedPayment, Issued, Verified
from dialogs.world.citizen import Consents, Contacts
from dialogs.world.lookups import (
    Captchas,
    Guess,
    Guesses,
    History,
    PeopleLimits,
    PersonLimit,
    Record,
    RecordState,
)
from dialogs.world.orders import (
    MOST_AMOUNT,
    MOST_LINES,
    TAKE_OVER_SECONDS,
    Cancelling,
    Cashier,
    Held,
    Ledger,
    Opening,
    Order,
    OrderLine,
    OrderRefund,
    OrderState,
    Payment,
    Taken,
    TakingOver,
)
from dialogs.world.registry import Registry, Tariffs
from dialogs.world.unavailable import Unavailable

__all__ = [
    "MOST_AMOUNT",
    "MOST_LINES",
    "TAKE_OVER_SECONDS",
    "Cancelling",
    "Captchas",
    "Cashier",
    "Certifiable",
    "Certificates",
    "CertifiedPayment",
    "Clock",
    "Consents",
    "Contacts",
    "Guess",
    "Guesses",
    "Held",
    "History",
    "Issued",
    "Ledger",
    "Opening",
    "Order",
    "OrderLine",
    "OrderRefund",
    "OrderState",
    "Payment",
    "PeopleLimits",
    "PersonLimit",
    "Record",
    "RecordState",
    "Registry",
    "Taken",
    "TakingOver",
    "Tariffs",
    "Unavailable",
    "Verified",
    "World",
]


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
    limits: PeopleLimits
    clock: Clock

    @property
    def today(self) -> date:
        """The bureau's calendar day."""
        return self.clock.now().date()
