"""The till: brings one order a step on at WeChat Pay: place, ask, close, refund. Rows first, then the call, then rows.

Every step may be repeated, by anybody, after any crash: an attempt is stored before WeChat Pay is called, a call
without an answer is repeated with the same number and words, and what WeChat Pay says goes through `settle`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import structlog
from sqlalchemy import Engine, Row

from bot.pay.charge import Charge, RefundNotice, RefundState
from bot.pay.gateway import CLOSED_CODES, PAID_CODES, CloseResult, Gateway
from bot.pay.gateway_errors import GatewayRefused, GatewayTrouble, GatewayUnknown, NotPlaced
from bot.pay.homecoming import Homecoming
from bot.pay.payback import Payback
from dialogs.world import OrderState
from storage.database import reading, writing
from storage.notices import card_notice, write_notice
from storage.orders import attempts
from storage.orders.columns import CLOSING, PLACED, PLACING
from storage.orders.events import note_event
from storage.orders.foreign_refunds import Booked, GivenBack, book_foreign_refund, note_unexplained
from storage.orders.reading import moment
from storage.orders.restoring import Restorer
from storage.orders.rows import order_of, running
from storage.orders.settling import Received, Settled, Settler
from storage.reconciliation.discrepancies import are_closed

OVER = ("CLOSED", "REVOKED", "PAYERROR")  # WeChat Pay's words for "nobody can pay it any more"
USED_UP = CLOSED_CODES | {"OUT_TRADE_NO_USED"}  # WeChat Pay will not take this number again
AGAIN_SECONDS = 10  # after a call without an answer
TROUBLE_SECONDS = 60  # after a refusal that repeating will not mend by itself
PLACING_TAKES = 60 + attempts.CALL_SECONDS  # so long after `called_at` no call that places it arrives any more
MOST_REFUSED = 4  # numbers of one order refused one after the other: something is wrong with every one
STEPS = 6  # at one look: close, place anew, ask

OUR_FORM = re.compile(r"[0-9A-Za-z]{14}-[0-9]{1,4}")  # an order's number and the attempt's

LOG = structlog.get_logger("till")


class PlacedElsewhere(Exception):
    """Another thread or process is placing the attempt just now, or has moved it on."""


@dataclass(frozen=True)
class Till:
    """Safe to share between threads and to run in many processes; `clock` gives unix seconds."""

    engine: Engine
    gateway: Gateway
    settler: Settler
    zone: tzinfo
    clock: Callable[[], float]
    restorer: Restorer | None = None  # without one, money of a number that is not known here is left for a person

    def advance(self, order_no: str, *, ask: bool = False) -> bool:
        """Bring this order on as far as it goes now; `ask` also asks WeChat Pay whether a placed one was paid.

        True where it went no further because another thread or process is placing its attempt just now.
        Raises DatabaseUnavailable, never GatewayTrouble.
        """
        try:
            for _ in range(STEPS):
                if not self._step(order_no, ask=ask):
                    break
        except PlacedElsewhere:
            return True
        return False

    def settle(self, charge: Charge, by: str = "query") -> Settled | None:
        """Book what WeChat Pay says, by query or callback; None where it says that nothing was paid."""
        if charge.state not in ("SUCCESS", "REFUND") or charge.transaction_id is None:
            return None
        if self._homecoming is not None:
            self._homecoming.restore(charge)
        received = Received(
            out_trade_no=charge.out_trade_no,
            transaction_id=charge.transaction_id,
            mch_id=charge.mchid,
            app_id=charge.appid,
            amount=charge.amount or 0,
            currency=charge.currency or "",
            paid_at=int(charge.paid_at.timestamp()) if charge.paid_at else self._now(),
        )
        outcome = self.settler.settle(received, self._now(), by)
        LOG.info("settled", number=charge.out_trade_no, outcome=outcome.value, amount=charge.amount)
        if self._homecoming is not None and charge.state == "REFUND" and outcome is not Settled.DISCREPANCY:
            self._homecoming.adopt_refunds(charge.out_trade_no)
        if charge.state == "REFUND" and outcome is not Settled.DISCREPANCY:
            with writing(self.engine) as connection:
                note_unexplained(connection, charge.out_trade_no, self._now())
        return outcome

    def refunded(self, refund: RefundState) -> bool:
        """Book what WeChat Pay says of a refund; False where it is none of those we asked for, word for word."""
        return self._payback.told(refund)

    def refund_in_bill(self, refund: RefundState) -> bool:
        """Book what WeChat Pay says of a refund that stands in a bill. Raises GatewayTrouble, DatabaseUnavailable."""
        return self.book_refund(refund) in (Booked.DONE, Booked.PARTLY, Booked.AGAIN)

    def refund_told(self, notice: RefundNotice) -> None:
        """A verified callback about a refund. Raises GatewayTrouble, DatabaseUnavailable: then it is sent again."""
        number = notice.refund.out_refund_no
        if notice.mchid != self.settler.mch_id:
            LOG.error("a callback tells of a refund of another merchant", number=number)
            return
        outcome = self.book_refund(notice.refund)
        if outcome is None or outcome in (Booked.NOT_OURS, Booked.UNPAID, Booked.DISCREPANCY):
            LOG.error("a callback tells of a refund that is not ours", number=number, state=notice.refund.state)

    def book_refund(
        self, refund: RefundState, *, by: str = "", why: str = "", lines: Collection[int] = ()
    ) -> Booked | None:
        """Book a refund of ours or one that began elsewhere, whatever number it bears; None where it is not through.

        A refund this database has forgotten is owed again first; a payment it has not seen is settled first. `by`,
        `why` and `lines` are an operator's, see `book_foreign_refund`. Raises NotThese, GatewayTrouble,
        DatabaseUnavailable.
        """
        if self.refunded(refund):
            return Booked.AGAIN
        if self._homecoming is not None and refund.out_refund_no.startswith(f"{refund.out_trade_no}-"):
            self._homecoming.adopt_refunds(refund.out_trade_no)
            if self.refunded(refund):
                return Booked.AGAIN
        if refund.state != "SUCCESS":
            return None
        given = GivenBack(
            out_refund_no=refund.out_refund_no,
            refund_id=refund.refund_id,
            out_trade_no=refund.out_trade_no,
            transaction_id=refund.transaction_id,
            amount=refund.amount,
            total=refund.total,
            refunded_at=int(refund.refunded_at.timestamp()) if refund.refunded_at else self._now(),
            account=refund.account,
        )
        outcome = self._book_foreign(given, by, why, lines)
        settles = outcome is Booked.UNPAID or (outcome is Booked.NOT_OURS and OUR_FORM.fullmatch(given.out_trade_no))
        if settles and self._settle_first(given.out_trade_no):
            outcome = Booked.AGAIN if self.refunded(refund) else self._book_foreign(given, by, why, lines)
        LOG.warning("a refund that began elsewhere", number=given.out_refund_no, outcome=outcome.value)
        return outcome

    def _book_foreign(self, given: GivenBack, by: str, why: str, lines: Collection[int]) -> Booked:
        return book_foreign_refund(self.engine, given, self.zone, self._now(), by=by, why=why, lines=lines)

    def _settle_first(self, out_trade_no: str) -> bool:
        """Settle the payment of a refund that came before it; whether it is settled. Raises GatewayTrouble."""
        try:
            charge = self.gateway.query(out_trade_no)
        except NotPlaced:
            return False
        return self.settle(charge) in (Settled.DONE, Settled.AGAIN)

    @property
    def _payback(self) -> Payback:
        return Payback(self.engine, self.gateway, self.zone, self.clock)

    @property
    def _homecoming(self) -> Homecoming | None:
        return Homecoming(self.engine, self.gateway, self.restorer, self.clock) if self.restorer else None

    # -- one step

    def _step(self, order_no: str, *, ask: bool) -> bool:
        """One step; True where another may follow at once."""
        now = self._now()
        with reading(self.engine) as connection:
            order = order_of(connection, order_no)
            attempt = running(connection, order_no)
        if order is None:
            return False
        if order.state == OrderState.OPEN and now >= order.expires_at:
            with writing(self.engine) as connection:
                attempts.begin_closing(connection, order_no, "expired", now)
            return True
        if attempt is None:
            self._payback.give_back(order_no)
            return False
        if order.state != OrderState.OPEN and attempt.state in (PLACING, PLACED):
            with writing(self.engine) as connection:
                attempts.replace_refused(connection, attempt.out_trade_no)
            return True
        if attempt.state == PLACING:
            return self._guarded(attempt, lambda: self._place(attempt))
        if attempt.state == CLOSING:
            return self._guarded(attempt, lambda: self._close(attempt))
        if attempt.state == PLACED and ask:
            return self._guarded(attempt, lambda: self._ask(attempt)) and self._runs(order_no)
        return False

    def _guarded(self, attempt: Row[Any], call: Callable[[], bool]) -> bool:
        """What `call` says; after trouble whether the attempt was moved on meanwhile, and another step follows."""
        order_no = attempt.order_no
        try:
            return call()
        except GatewayUnknown as unknown:
            LOG.warning("WeChat Pay did not answer", order=order_no, why=str(unknown)[:200])
            return not self._later(attempt, AGAIN_SECONDS, "no_answer")
        except GatewayRefused as refused:
            LOG.error("WeChat Pay refused", order=order_no, code=refused.code, why=refused.message[:200])
            return not self._later(attempt, TROUBLE_SECONDS, "refused", code=refused.code)
        except GatewayTrouble as trouble:
            LOG.error("WeChat Pay", order=order_no, why=str(trouble)[:200])
            return not self._later(attempt, TROUBLE_SECONDS, "trouble")

    def _runs(self, order_no: str) -> bool:
        with reading(self.engine) as connection:
            return running(connection, order_no) is not None

    def _place(self, attempt: Row[Any]) -> bool:
        number = attempt.out_trade_no
        with writing(self.engine) as connection:
            if not attempts.mark_called(connection, number, self._now()):
                raise PlacedElsewhere  # or it is to be closed: then it is due at once
        expires, attach = moment(attempt.expires_at, self.zone), self.restorer.attach(number) if self.restorer else ""
        prepay_id = code_url = ""
        try:
            if attempt.channel == "native":
                code_url = self.gateway.place_native(number, attempt.description, attempt.amount, expires, attach)
            else:
                prepay_id = self.gateway.place_jsapi(
                    number, attempt.description, attempt.amount, attempt.openid, expires, attach
                )
        except GatewayTrouble as trouble:
            with writing(self.engine) as connection:
                attempts.mark_unplaced(connection, number, self._now())
            if not isinstance(trouble, GatewayRefused):
                raise
            if trouble.code in PAID_CODES:
                return self._ask(attempt)
            if trouble.code not in USED_UP:
                raise
            with writing(self.engine) as connection:
                if attempts.refused_in_a_row(connection, attempt.order_no) >= MOST_REFUSED:
                    # No number is accepted: the order ends with a notice, and what it was for is free for a new one.
                    attempts.begin_closing(connection, attempt.order_no, "refused", self._now())
                attempts.replace_refused(connection, number)
            return True
        with writing(self.engine) as connection:
            placed = attempts.mark_placed(connection, number, self._now(), prepay_id=prepay_id, code_url=code_url)
            if placed and code_url:
                write_notice(connection, card_notice(attempt.openid, number, attempt.expires_at, self._now()))
        return not placed

    def _ask(self, attempt: Row[Any]) -> bool:
        number = attempt.out_trade_no
        try:
            charge = self.gateway.query(number)
        except NotPlaced:
            charge = None
        if charge and self.settle(charge) not in (None, Settled.DISCREPANCY):
            return True
        if charge and charge.state in OVER:
            with writing(self.engine) as connection:
                attempts.replace_refused(connection, number)
                attempts.mark_closed(connection, number, self.zone, self._now())
            return True
        with writing(self.engine) as connection:
            said = charge.state if charge else "NOT_PLACED"
            note_event(connection, attempt.order_no, "asked", self._now(), number, said=said)
            return not attempts.look_by_schedule(connection, attempt, self._now())

    def _close(self, attempt: Row[Any]) -> bool:
        number, now = attempt.out_trade_no, self._now()
        if attempt.called_at is not None:
            outcome = self._closed(number)
            if outcome is CloseResult.PAID:
                return self._has_ended(attempt)
            if outcome is CloseResult.UNKNOWN_NUMBER and now - attempt.called_at < PLACING_TAKES:
                return not self._later(attempt, AGAIN_SECONDS)  # the call that places it may still arrive
        with writing(self.engine) as connection:
            attempts.mark_closed(connection, number, self.zone, now)
        return True

    def _closed(self, number: str) -> CloseResult:
        """Close it at WeChat Pay. PAID: and what was paid is settled.

        The code for "it was paid" is not certain (facts/wechat.md B4), so every refusal is held against the query.
        """
        try:
            outcome = self.gateway.close(number)
        except GatewayRefused as refused:
            charge = self.gateway.query(number)
            if self.settle(charge) is not None:
                return CloseResult.PAID
            if charge.state in OVER:
                return CloseResult.CLOSED
            raise refused
        if outcome is CloseResult.PAID and self.settle(self.gateway.query(number)) is None:
            raise GatewayUnknown("closing says paid, the query does not")
        return outcome

    def _has_ended(self, attempt: Row[Any]) -> bool:
        """Whether settling has ended it; a discrepancy is left to a person, whose closing of it ends the attempt."""
        number = attempt.out_trade_no
        with reading(self.engine) as connection:
            now_running = running(connection, attempt.order_no)
            put_right = are_closed(connection, number)
        if now_running is None or now_running.out_trade_no != number:
            return True
        if put_right:
            with writing(self.engine) as connection:
                attempts.mark_closed(connection, number, self.zone, self._now())
            return True
        return not self._later(attempt, TROUBLE_SECONDS)

    def _later(self, attempt: Row[Any], seconds: int, what: str = "", **facts: str) -> bool:
        """See `attempts.look_later`."""
        with writing(self.engine) as connection:
            if what:
                note_event(connection, attempt.order_no, what, self._now(), **facts)
            return attempts.look_later(connection, attempt, self._now() + seconds)

    def _now(self) -> int:
        return int(self.clock())
