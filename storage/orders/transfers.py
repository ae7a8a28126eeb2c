"""Money that WeChat Pay could not give back and that was given back by other means, such as a bank transfer.

The ledger is the book of what WeChat Pay took and gave, so such money is not in it: the refund itself keeps who
recorded it and why. To the payer and to the agency it is a refund like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, select

from storage.database import reading, writing
from storage.notices import transferred_notice, write_notice
from storage.orders.attempts import wind_up
from storage.orders.columns import ABNORMAL, ATTEMPT, CLOSED, DISCREPANCY, DUE, LINE, REFUND, REFUNDED, TRANSFER
from storage.orders.debts import close_notes, schedule, state_of_order
from storage.orders.events import note_event
from storage.orders.refund_requests import LONGEST_WHY
from storage.orders.refunds import take_back
from storage.orders.rows import change_refund, locked_refund, the_order

CALL_TAKES = 60  # seconds after which a call to WeChat Pay that was under way will not arrive any more


class NotTransferable(Exception):
    """Nothing was changed; the message says why, for the operator."""


def stuck_refunds(engine: Engine, order_no: str) -> Sequence[Row[Any]]:
    """The refunds of an order that WeChat Pay cannot bring to their end: closed, abnormal, or refused for good."""
    noted = exists().where(
        DISCREPANCY.c.kind == "refund", DISCREPANCY.c.key == REFUND.c.out_refund_no, DISCREPANCY.c.state != "closed"
    )
    stuck = REFUND.c.state.in_((CLOSED, ABNORMAL)) | ((REFUND.c.state == DUE) & noted)
    mine = (REFUND.c.order_no == order_no) & REFUND.c.owes.is_not(None)
    query = (
        select(REFUND, ATTEMPT.c.transaction_id, LINE.c.masked_name)
        .join(ATTEMPT, ATTEMPT.c.out_trade_no == REFUND.c.out_trade_no)
        .outerjoin(LINE, (LINE.c.order_no == REFUND.c.order_no) & (LINE.c.line_no == REFUND.c.line_no))
        .where(mine & stuck)
        .order_by(REFUND.c.out_refund_no)
    )
    with reading(engine) as connection:
        return connection.execute(query).all()


def record_transfer(
    engine: Engine, shown: Row[Any], at_wechat: str, *, by: str, why: str, zone: tzinfo, now: int
) -> None:
    """The money of this refund, as it was shown, was given back outside WeChat Pay.

    `at_wechat` is the state WeChat Pay has just given for its number: CLOSED, ABNORMAL or "" for a number it does not
    know; in any other the money may still go back there. Raises NotTransferable, DatabaseUnavailable.
    """
    if not why.strip() or len(why) > LONGEST_WHY or not why.isprintable():
        raise NotTransferable(f"--reason 要写明原因，最多 {LONGEST_WHY} 个字")
    if at_wechat not in ("CLOSED", "ABNORMAL", ""):
        raise NotTransferable("微信支付那边这笔退款还在办，不能再用别的办法退")
    with writing(engine) as connection:
        refund = locked_refund(connection, shown.out_refund_no)
        if refund is None or refund.owes is None or refund.state == REFUNDED:
            raise NotTransferable("这笔钱已经退过了，或者换了单号，没有登记")
        if (refund.state, refund.called_at) != (shown.state, shown.called_at):
            raise NotTransferable("这笔退款刚刚有变化，没有登记；请再看一次")
        if not at_wechat and refund.called_at is not None and now - refund.called_at < CALL_TAKES:
            raise NotTransferable("刚刚向微信支付申请过这笔退款，请过一分钟再来")
        _record(connection, refund, by, why, zone, now)


def _record(connection: Connection, refund: Row[Any], by: str, why: str, zone: tzinfo, now: int) -> None:
    changes = {"state": REFUNDED, "refunded_at": now, "given_back_by": TRANSFER, "ended_by": by, "ended_why": why}
    change_refund(connection, refund.out_refund_no, **changes)
    note_event(connection, refund.order_no, "transferred", now, refund.out_trade_no, refund=refund.out_refund_no)
    take_back(connection, refund, datetime.fromtimestamp(now, zone))
    close_notes(connection, refund, f"{by}：{why}", now)
    schedule(connection, refund.order_no)
    order = state_of_order(connection, refund.order_no)
    wind_up(connection, order)
    of_line = (LINE.c.order_no == refund.order_no) & (LINE.c.line_no == refund.line_no)
    line = connection.execute(select(LINE).where(of_line)).first()
    write_notice(connection, transferred_notice(the_order(connection, order.no), refund, now, line))
