"""Money of orders that a restored database has forgotten: made anew from what WeChat Pay says, refunds as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, select

from bot.pay.charge import Charge
from bot.pay.gateway import Gateway
from storage.database import reading
from storage.orders.columns import ATTEMPT
from storage.orders.refund_requests import NotRefundable, Part, Stands, ask_refund, parts_of
from storage.orders.restoring import Known, Restorer

THROUGH = ("SUCCESS", "PROCESSING")
BY, WHY = "system", "微信支付已有这笔退款，按其记录补记"

LOG = structlog.get_logger("homecoming")


@dataclass(frozen=True, slots=True)
class Homecoming:
    """Safe to repeat; `clock` gives unix seconds."""

    engine: Engine
    gateway: Gateway
    restorer: Restorer
    clock: Callable[[], float]

    def restore(self, charge: Charge) -> None:
        """Have its order in the database before it is settled, if it is ours. Raises GatewayTrouble."""
        if self.restorer.is_known(charge.out_trade_no):
            return
        back = self.gateway.query_refund(f"{charge.out_trade_no}-R") if charge.state == "REFUND" else None
        paid_at = int(charge.paid_at.timestamp()) if charge.paid_at else self._now()
        known = Known(
            out_trade_no=charge.out_trade_no,
            amount=charge.amount or 0,
            payer=charge.payer_openid or "",
            attach=charge.attach,
            native=charge.trade_type == "NATIVE",
            paid_at=paid_at,
        )
        restored = self.restorer.restore(known, self._now(), back=back.amount if back and back.state in THROUGH else 0)
        LOG.warning("an unknown number was paid", number=charge.out_trade_no, restored=restored)

    def adopt_refunds(self, out_trade_no: str) -> None:
        """Owe again what was given back of single lines since: its number is found again, so nothing goes back twice.

        Raises GatewayTrouble.
        """
        with reading(self.engine) as connection:
            number = select(ATTEMPT.c.order_no).where(ATTEMPT.c.out_trade_no == out_trade_no)
            order_no = str(connection.execute(number).scalar() or "")
        for part in parts_of(self.engine, order_no) or ():
            if part.out_trade_no == out_trade_no and self._is_back(part):
                try:
                    ask_refund(self.engine, order_no, [part], by=BY, why=WHY, booked=True, now=self._now())
                except NotRefundable:
                    LOG.info("a refund was adopted by somebody else", order=order_no, line=part.line_no)

    def _is_back(self, part: Part) -> bool:
        if part.stands not in (Stands.PAID, Stands.BOOKED):
            return False
        refund = self.gateway.query_refund(f"{part.out_trade_no}-L{part.line_no}")
        return refund is not None and refund.state in THROUGH and refund.amount == part.amount

    def _now(self) -> int:
        return int(self.clock())
