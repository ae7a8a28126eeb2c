"""Money that stands in WeChat's bill and not in our ledger: WeChat Pay is asked, and the one `settle` books it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Row, select

from bot.pay.charge import RefundState
from bot.pay.gateway_errors import GatewayTrouble, GatewayUnknown
from bot.pay.till import Till
from storage.database import reading
from storage.reconciliation.columns import BILL_LINE, PAYMENT, REFUND

GIVES_UP_AFTER = 5  # calls in a row without an answer: WeChat Pay is away

LOG = structlog.get_logger("reconciling")


@dataclass(frozen=True, slots=True)
class Mender:
    """Asks about one after another; what is booked then is told to the citizen as any other payment."""

    till: Till

    def mend(self, missing: Sequence[Row[Any]]) -> int:
        """How many WeChat Pay gave no answer about. Raises DatabaseUnavailable."""
        unanswered = in_a_row = 0
        for place, one in enumerate(missing):
            try:
                self._ask(one)
                in_a_row = 0
            except GatewayUnknown as unknown:
                unanswered, in_a_row = unanswered + 1, in_a_row + 1
                LOG.warning("WeChat Pay did not answer", number=one.key, why=str(unknown)[:200])
                if in_a_row == GIVES_UP_AFTER:
                    return unanswered + len(missing) - place - 1
            except GatewayTrouble as trouble:  # it knows no such number, or refuses: for a person
                LOG.error("a row of the bill cannot be asked after", number=one.key, why=str(trouble)[:200])
        return unanswered

    def _ask(self, one: Row[Any]) -> None:
        gateway = self.till.gateway
        if one.kind == PAYMENT:
            charge = gateway.query(one.out_trade_no)
            if charge.paid_at is None:  # refunded meanwhile: the query leaves the time out, the bill has it
                charge = replace(charge, paid_at=datetime.fromtimestamp(one.at, UTC))
            self.till.settle(charge, "bill")
        elif refund := self._refund_of(one):
            self.till.refund_in_bill(refund)

    def _refund_of(self, one: Row[Any]) -> RefundState | None:
        """What WeChat Pay says of this refund; of one it cannot be asked about, the bill's row where the query agrees.

        A refund made in the merchant console may have no number of the merchant's: then the bill has WeChat Pay's own,
        by which nothing can be asked. The query by the order says at least that money of it went back.
        """
        gateway = self.till.gateway
        if (line := self._line(one)) is None:
            return None
        if one.key != line.refund_id and (found := gateway.query_refund(one.key)):
            return found
        charge = gateway.query(one.out_trade_no)
        same = charge.transaction_id == line.transaction_id and charge.mchid == line.mch_id
        if charge.state != "REFUND" or charge.amount is None or not same or line.state != "SUCCESS":
            return None
        return RefundState(
            out_refund_no=one.key,
            refund_id=line.refund_id,
            transaction_id=line.transaction_id,
            out_trade_no=one.out_trade_no,
            state=line.state,
            amount=-line.amount,
            total=charge.amount,
            refunded_at=datetime.fromtimestamp(line.at, UTC),
            account="",
        )

    def _line(self, one: Row[Any]) -> Row[Any] | None:
        mine = (BILL_LINE.c.reason == one.key) & (BILL_LINE.c.kind == REFUND)
        with reading(self.till.engine) as connection:
            return connection.execute(
                select(BILL_LINE).where(mine).order_by(BILL_LINE.c.day, BILL_LINE.c.place)
            ).first()
