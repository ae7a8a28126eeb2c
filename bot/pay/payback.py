"""Money that goes back: WeChat Pay is asked what became of a refund before it is asked to pay one, and after.

Safe to repeat, by anybody, after any crash: the refund is stored before WeChat Pay is called, its number never changes,
and what WeChat Pay says is booked once. A refund that takes the place of a closed one asks about that one first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, bindparam, select

from bot.pay.charge import RefundState
from bot.pay.gateway import Gateway
from bot.pay.gateway_errors import GatewayRefused, GatewayTrouble, GatewayUnknown
from dialogs.texts import say
from storage.database import reading, writing
from storage.orders import refunds
from storage.orders.columns import ATTEMPT, CLOSED, REFUND
from storage.orders.debts import outstanding, schedule
from storage.orders.foreign_refunds import FOREIGN, note_unexplained

AGAIN_SECONDS = 10  # after a call without an answer
TROUBLE_SECONDS = 60  # after a refusal that passes by itself
PASSING = frozenset({"NOT_ENOUGH"})  # the merchant is short of money; every other refusal needs a person

_REFUND = (
    select(REFUND, ATTEMPT.c.transaction_id, ATTEMPT.c.amount.label("total"))
    .join(ATTEMPT, ATTEMPT.c.out_trade_no == REFUND.c.out_trade_no)
    .where(REFUND.c.out_refund_no == bindparam("which"))
)
LOG = structlog.get_logger("payback")


@dataclass(frozen=True, slots=True)
class Payback:
    """Safe to share between threads and to run in many processes; `clock` gives unix seconds."""

    engine: Engine
    gateway: Gateway
    zone: tzinfo
    clock: Callable[[], float]

    def give_back(self, order_no: str) -> None:
        """Bring the refunds of this order on that are to be looked at now. Raises DatabaseUnavailable."""
        with reading(self.engine) as connection:
            waiting = outstanding(connection, order_no)
        for refund in waiting:
            if refund.look_at <= self._now():
                self._look_at(refund.out_refund_no)
        with writing(self.engine) as connection:
            schedule(connection, order_no)

    def told(self, refund: RefundState) -> bool:
        """Book what WeChat Pay says of a refund; False where it is none of those we asked for, word for word."""
        with writing(self.engine) as connection:
            ours = connection.execute(_REFUND, {"which": refund.out_refund_no}).first()
            if ours is None or ours.state in FOREIGN or not _is_same(ours, refund):
                return False
            self._book(connection, ours, refund)
        return True

    def _look_at(self, number: str) -> None:
        try:
            self._refund(number)
            return
        except GatewayUnknown as unknown:
            LOG.warning("WeChat Pay did not answer", refund=number, why=str(unknown)[:200])
            after = AGAIN_SECONDS
        except GatewayRefused as refused:
            LOG.error("WeChat Pay refused", refund=number, code=refused.code, why=refused.message[:200])
            after = TROUBLE_SECONDS
            if self._went_back_elsewhere(number):
                return  # noted; asked again in hours, and ended as soon as that refund is known
            if refused.code not in PASSING:
                with writing(self.engine) as connection:
                    refunds.mark_stuck(connection, number, refused.code, self._now())
                return
        except GatewayTrouble as trouble:
            LOG.error("WeChat Pay", refund=number, why=str(trouble)[:200])
            after = TROUBLE_SECONDS
        with writing(self.engine) as connection:
            refunds.look_later(connection, number, self._now() + after)

    def _went_back_elsewhere(self, number: str) -> bool:
        """Whether WeChat Pay refuses because the money went back by a refund that we do not know."""
        with reading(self.engine) as connection:
            ours = connection.execute(_REFUND, {"which": number}).one()
        try:
            if self.gateway.query(ours.out_trade_no).state != "REFUND":
                return False
        except GatewayTrouble:
            return False
        with writing(self.engine) as connection:
            if not note_unexplained(connection, ours.out_trade_no, self._now(), refused=number):
                return False
            refunds.look_later(connection, number, self._now() + refunds.STUCK_SECONDS)
        return True

    def _refund(self, number: str) -> None:
        """Ask before giving: a repeated call gives the money back once."""
        with reading(self.engine) as connection:
            ours = connection.execute(_REFUND, {"which": number}).one()
        refund = self.gateway.query_refund(number)
        if refund is None and self._may_call(ours):
            why = say("pay.refund_reason" if ours.payment_id is None else "pay.refund_reason_asked")
            refund = self.gateway.refund(ours.transaction_id, number, ours.amount, ours.total, why)
        if refund is None:
            return
        if not _is_same(ours, refund):
            raise GatewayTrouble("the refund WeChat Pay speaks of is another one")
        with writing(self.engine) as connection:
            self._book(connection, ours, refund)

    def _may_call(self, ours: Row[Any]) -> bool:
        """Whether WeChat Pay may be asked to pay it now; one that replaces another only while that one is closed."""
        if ours.state == CLOSED:
            return False
        before = self.gateway.query_refund(ours.replaces) if ours.replaces and ours.called_at is None else None
        with writing(self.engine) as connection:
            if before is not None and before.state != "CLOSED":
                refunds.drop(connection, ours.out_refund_no)
                old = connection.execute(_REFUND, {"which": ours.replaces}).one()
                self._book(connection, old, before)
                return False
            wait = refunds.mark_called(connection, ours.out_refund_no, self._now())
            if wait:
                refunds.look_later(connection, ours.out_refund_no, self._now() + wait)
        return not wait

    def _book(self, connection: Connection, ours: Row[Any], refund: RefundState) -> None:
        now, number = self._now(), ours.out_refund_no
        if refund.state == "SUCCESS":
            at = int(refund.refunded_at.timestamp()) if refund.refunded_at else now
            refunds.mark_refunded(connection, number, at, self.zone, now, refund.account)
        elif refund.state == "PROCESSING":
            refunds.mark_refunding(connection, number, now)
        else:
            refunds.mark_stuck(connection, number, refund.state, now)
            LOG.error("a refund needs a person", number=number, state=refund.state)

    def _now(self) -> int:
        return int(self.clock())


def _is_same(ours: Row[Any], refund: RefundState) -> bool:
    """Whether WeChat Pay speaks of the very refund we owe."""
    words = (ours.out_trade_no, ours.transaction_id, ours.amount, ours.total)
    return words == (refund.out_trade_no, refund.transaction_id, refund.amount, refund.total)
