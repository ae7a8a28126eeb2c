"""One turn with its world: the machine of `dialogs`, the tables of `storage`, the news that waits for this citizen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.notices.messenger import Messenger, on_top
from bot.turns.one_turn import OneTurnsCashier, OneTurnsConsents, OneTurnsRegistry
from bot.turns.values import TurnResult
from dialogs.machine import turn
from dialogs.said import Said
from dialogs.session import Session
from dialogs.step import Service
from dialogs.world import (
    Captchas,
    Cashier,
    Certificates,
    Consents,
    Contacts,
    Guesses,
    History,
    Ledger,
    PeopleLimits,
    Registry,
    Tariffs,
    Unavailable,
    World,
)
from storage.notices import Notice

# A turn that found no news spares the next ones the look. What cannot be pushed says so (`TurnStore.news`): this only
# bounds how long news stays untold when the one who was to say so died.
NEWS_SECONDS = 30


@dataclass(frozen=True, slots=True)
class BureauClock:
    """`dialogs.world.Clock` over unix seconds."""

    seconds: Callable[[], float]
    zone: tzinfo

    def now(self) -> datetime:
        """Now, as the bureau reads it."""
        return datetime.fromtimestamp(self.seconds(), self.zone)


@dataclass(frozen=True)
class Conversation:
    """Runs turns; safe to share between threads."""

    services: Mapping[str, Service]
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
    messenger: Messenger
    zone: tzinfo

    def run(self, openid: str, session: bytes | None, said: Said, now: float, look: bool = True) -> TurnResult:
        """One turn; `push` holds the ids of the news told at its top. Raises what the database raises.

        Without `look` no news is looked for, unless this turn may have made some: a turn just before found none.
        """
        before = Session.from_json(session)
        cashier, consents = OneTurnsCashier(self.cashier), OneTurnsConsents(self.consents, before.agreed)
        world = World(
            payer=openid,
            registry=OneTurnsRegistry(self.registry),
            tariffs=self.tariffs,
            ledger=self.ledger,
            cashier=cashier,
            certificates=self.certificates,
            contacts=self.contacts,
            history=self.history,
            consents=consents,
            captchas=self.captchas,
            guesses=self.guesses,
            limits=self.limits,
            clock=BureauClock(lambda: now, self.zone),
        )
        result = turn(before, said, world, self.services)
        result.session.agreed = consents.agreed
        look = look or cashier.moved
        waiting, none = self._news(openid) if look else ([], False)
        reply = on_top(waiting, result.reply)
        return TurnResult(
            result.session.to_json(),
            reply,
            tuple(notice_id for notice_id, _ in waiting),
            visited=result.visited,
            no_news_until=now + NEWS_SECONDS if none and not waiting else None,
            before=before,
        )

    def _news(self, openid: str) -> tuple[list[tuple[int, Notice]], bool]:
        """What is told at the top, and whether that is all; news that is being pushed may be refused yet."""
        try:
            return self.messenger.news(openid)
        except Unavailable:  # news waits for the next word; the answer does not
            return [], False
