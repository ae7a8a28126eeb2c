"""The cashier a dialog talks to: orders in the tables, and WeChat Pay where a turn cannot go on without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from bot.pay.till import Till
from dialogs.terms.insurance import Payable
from dialogs.world import Cancelling, Clock, Ledger, Opening, Order, OrderState, Registry, TakingOver, Unavailable
from storage.database import reading, writing
from storage.orders import attempts, taking_over
from storage.orders.columns import PLACED
from storage.orders.opening import Opener
from storage.orders.reading import OrderReader
from storage.orders.rows import change_order, running

WAIT_SECONDS = 2.0  # for another thread or process that is placing the attempt
WAIT_STEP = 0.1
CANCELLED = {
    OrderState.CLOSED: Cancelling.CLOSED,
    OrderState.PAID: Cancelling.PAID,
    OrderState.REFUNDING: Cancelling.PAID,
    OrderState.REFUNDED: Cancelling.PAID,
}


@dataclass(frozen=True)
class StoredCashier:
    """`dialogs.world.Cashier`; `wake` has the worker look at an order after this turn."""

    opener: Opener
    reader: OrderReader
    till: Till
    registry: Registry
    ledger: Ledger
    clock: Clock
    wake: Callable[[str], None]

    def open(self, payer: str, service: str, payables: Sequence[Payable]) -> Opening:
        """Open an order; the same payables asked for again by the same payer give the same order."""
        people = {payable.insured: self.registry.person(payable.insured) for payable in payables}
        names = {key: person.name for key, person in people.items() if person}
        if len(names) != len(people):
            return Opening(gone=True)
        opened = self.opener.open(payer, service, payables, names, self.clock.now())
        if opened.order_no:
            self.wake(opened.order_no)
            order = self.reader.order(payer, opened.order_no)
            return Opening(order=order, short_minutes=opened.short_minutes)
        if opened.is_taken_over:
            return Opening(is_taken_over=True)
        if opened.too_many:
            return Opening(too_many=opened.too_many)
        for payable in payables:
            taken = self.ledger.taken(payer, payable.key)
            if opened.paid and taken.payment:
                return Opening(paid=taken.payment)
            if opened.held_by and taken.held:
                return Opening(held=taken.held)
        if opened.held_by or opened.paid:  # it ended between the two looks
            raise Unavailable("the order that was in the way has just ended")
        return Opening(gone=True)

    def order(self, payer: str, no: str) -> Order | None:
        """One order, if it is this payer's."""
        return self.reader.order(payer, no)

    def orders(self, payer: str) -> Sequence[Order]:
        """This payer's orders, newest first."""
        return self.reader.orders(payer)

    def check(self, payer: str, no: str) -> Order | None:
        """Ask WeChat Pay what became of it, once in CHECK_SECONDS; then as `order`."""
        if self.reader.order(payer, no) is None:
            return None
        with writing(self.till.engine) as connection:
            may_ask = attempts.may_check(connection, no, self._now())
        if may_ask:
            self.till.advance(no, ask=True)
        return self.reader.order(payer, no)

    def cancel(self, payer: str, no: str) -> Cancelling:
        """Close it at WeChat Pay, then here. Where that does not answer, the worker goes on and a notice follows."""
        if self.reader.order(payer, no) is None:
            return Cancelling.UNKNOWN
        with writing(self.till.engine) as connection:
            attempts.begin_closing(connection, no, "cancelled", self._now())
        self.till.advance(no)
        with writing(self.till.engine) as connection:
            notice_follows = change_order(connection, no, (OrderState.CLOSING,), close_reason="cancelling")
        if notice_follows:
            self.wake(no)
            return Cancelling.CLOSING
        order = self.reader.order(payer, no)
        return CANCELLED.get(order.state, Cancelling.CLOSING) if order else Cancelling.UNKNOWN

    def take_over(self, payer: str, payable_key: str) -> TakingOver:
        """Close the order that holds it as a cancelled one is closed; paid at WeChat Pay, it is paid.

        Safe to repeat and to be interrupted: the order is `closing` from the first commit on, and the worker goes on.
        """
        with writing(self.till.engine) as connection:
            holder = taking_over.holder_of(connection, payable_key)
            if holder is None or holder.payer == payer:
                return TakingOver.FREE
            if refused := taking_over.begin(connection, holder, payable_key, self._now()):
                return refused
        self.till.advance(holder.no)
        taken = self.ledger.taken(payer, payable_key)
        if taken.payment:
            return TakingOver.PAID
        if taken.held:
            self.wake(holder.no)
            return TakingOver.CLOSING
        return TakingOver.FREE

    def ask_card(self, payer: str, no: str) -> Order | None:
        """Have a payment card made and sent; asked for again, one with a fresh code, unless that was often enough."""
        if self.reader.order(payer, no) is None:
            return None
        with writing(self.till.engine) as connection:
            begun = (
                attempts.begin_switch(connection, no, "native", self._now())
                # a fresh code, because the first person who scans a code keeps others out
                or attempts.begin_anew(connection, no, self._now())
            )
            if not begun and attempts.is_placed(connection, no):
                return None
        self.wake(no)
        return self.reader.order(payer, no)

    def ask_link(self, payer: str, no: str) -> Order | None:
        """Back to the payer's own link; the card ends."""
        if self.reader.order(payer, no) is None:
            return None
        with writing(self.till.engine) as connection:
            attempts.begin_switch(connection, no, "jsapi", self._now())
        self.wake(no)
        return self.reader.order(payer, no)

    def ask_new_link(self, payer: str, no: str) -> Order | None:
        """Have the payer's link lead to a new attempt, unless that was often enough: WeChat's cashier failed."""
        if self.reader.order(payer, no) is None:
            return None
        with writing(self.till.engine) as connection:
            if not attempts.begin_anew(connection, no, self._now()) and attempts.is_placed(connection, no):
                return None
        self.wake(no)
        return self.reader.order(payer, no)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())


def placed_attempt(till: Till, no: str, sleep: Callable[[float], None]) -> Row[Any] | None:
    """The order's running attempt, placed first where it is not yet; None where it cannot be had now.

    While another thread or process is placing it, this waits up to WAIT_SECONDS: placing it a second time would give
    another prepay_id and might end the first. One whose prepay_id is too old is closed and followed by a new attempt.
    """
    for _ in range(int(WAIT_SECONDS / WAIT_STEP)):
        now = int(till.clock())
        with reading(till.engine) as connection:
            attempt = running(connection, no)
        if attempt is not None and attempt.state == PLACED:
            if not attempts.is_old(attempt, now):
                return attempt
            with writing(till.engine) as connection:
                if not attempts.begin_anew(connection, no, now, attempt.out_trade_no):
                    return attempt
        if not till.advance(no):
            with reading(till.engine) as connection:
                attempt = running(connection, no)
            return attempt if attempt is not None and attempt.state == PLACED else None
        sleep(WAIT_STEP)
    return None
