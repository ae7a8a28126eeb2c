"""One order for an operator: its lines, attempts, ledger entries and notices, masked."""

from __future__ import annotations

from datetime import tzinfo

from sqlalchemy import Engine, select

from dialogs.terms.money import yuan
from storage.database import reading
from storage.orders.columns import ATTEMPT, LEDGER, NOTICE, REFUND, TRANSFER
from storage.orders.reading import moment
from storage.orders.rows import lines_of, order_of


def order_sheet(engine: Engine, no: str, zone: tzinfo) -> str | None:
    """The order of this number, or of this `out_trade_no`; None where there is none."""

    def at(seconds: int | None) -> str:
        return f"{moment(seconds, zone):%Y-%m-%d %H:%M:%S}" if seconds else "-"

    with reading(engine) as connection:
        number = connection.execute(select(ATTEMPT.c.order_no).where(ATTEMPT.c.out_trade_no == no)).scalar() or no
        order = order_of(connection, number)
        if order is None:
            return None
        lines = lines_of(connection, number)
        tries = connection.execute(
            select(ATTEMPT).where(ATTEMPT.c.order_no == number).order_by(ATTEMPT.c.made_at)
        ).all()
        back = connection.execute(
            select(REFUND).where(REFUND.c.order_no == number).order_by(REFUND.c.asked_at, REFUND.c.out_refund_no)
        ).all()
        entries = connection.execute(select(LEDGER).where(LEDGER.c.order_no == number).order_by(LEDGER.c.id)).all()
        news = connection.execute(select(NOTICE).where(NOTICE.c.reason.contains(number)).order_by(NOTICE.c.id)).all()
    sheet = [
        f"缴费单 {order.no}  {order.state}  {yuan(order.amount)}  {order.service}  付款方式 {order.channel}",
        f"  开单 {at(order.opened_at)}  有效至 {at(order.expires_at)}",
        f"  付款 {at(order.paid_at)}  关闭 {at(order.closed_at)}",
    ]
    sheet += [
        f"  明细 {line.line_no}  {line.masked_name}  {line.insurance}  {line.cover_year}  {line.institution_name}  "
        f"{line.tier_name}  {yuan(line.amount)}"
        for line in lines
    ]
    sheet += [
        f"  尝试 {one.out_trade_no}  {one.channel}  {one.state}  下单 {at(one.called_at)}  付款 {at(one.paid_at)}  "
        f"微信单号 {one.transaction_id or '-'}" + (f"  退款 {yuan(one.refund_amount)}" if one.refund_amount else "")
        for one in tries
    ]
    sheet += [
        f"  退款 {one.out_refund_no}  {one.state}  {yuan(one.amount)}  登记 {at(one.asked_at)}  "
        f"到账 {at(one.refunded_at)}"
        + (f"  {one.asked_by}：{one.why}" if one.asked_by else "")
        + (f"  由 {one.given_back_by} 退回" if one.given_back_by not in ("", TRANSFER) else "")
        + (f"  转账退回  {one.ended_by}：{one.ended_why}" if one.given_back_by == TRANSFER else "")
        for one in back
    ]
    sheet += [f"  账 {one.kind}  {yuan(one.amount)}  {one.reason}  {at(one.at)}" for one in entries]
    sheet += [
        f"  通知 {one.kind}  {at(one.made_at)}  " + (f"已送达（{one.delivered_by}）" if one.delivered_at else "未送达")
        for one in news
    ]
    return "\n".join(sheet)
