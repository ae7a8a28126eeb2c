"""What happened to orders: placed, asked, said, booked, told, given back, reconciled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.story.entry import Entry
from dialogs.terms.money import yuan
from storage.database import table_of
from storage.orders.columns import ATTEMPT, DISCREPANCY, EXPORT, LEDGER, LINE, NOTICE, PAYMENT, REFUND
from storage.orders.events import PAY_EVENT
from storage.orders.rows import the_order
from storage.tables import BillLineRow

BILL_LINE = table_of(BillLineRow)
OURS, WECHAT, BOOKS, TOLD, BILL = "办理", "微信支付", "账", "通知", "对账"
BY = {"callback": "微信支付的回调", "query": "我们去问", "bill": "对账单"}
WHY = {"expired": "到时间没付", "refused": "微信支付一直不接受", "cancelled": "市民不缴了", "cancelling": "市民不缴了"}
SAID = {"NOTPAY": "还没有付", "NOT_PLACED": "没有这一笔", "USERPAYING": "正在付", "CLOSED": "已关闭"}
CHANNEL = {"jsapi": "自己付", "native": "家人扫码付"}
DELIVERED = {"push": "推送", "template": "模板消息", "reply": "写在下一次回答上面"}


def of_orders(connection: Connection, orders: Sequence[str]) -> Iterator[Entry]:
    """Everything the books know of these orders."""
    for no in orders:
        order = the_order(connection, no)
        tries = _of(connection, ATTEMPT, ATTEMPT.c.order_no == no)
        numbers = [one.out_trade_no for one in tries]
        yield from _opened(order, _of(connection, LINE, LINE.c.order_no == no))
        for one in tries:
            yield Entry(one.made_at, 2, OURS, f"商户订单号 {one.out_trade_no}，{CHANNEL.get(one.channel, one.channel)}")
        for one in _of(connection, PAY_EVENT, PAY_EVENT.c.order_no == no):
            yield Entry(one.at, 3, *_event(one))
        for one in _of(connection, LEDGER, LEDGER.c.order_no == no):
            what = "收到" if one.kind == "payment" else "退回"
            yield Entry(
                one.booked_at, 4, BOOKS, f"{what} {yuan(abs(one.amount))}，{one.out_trade_no}，单号 {one.reason}"
            )
        for one in _of(connection, REFUND, REFUND.c.order_no == no):
            whom = f"，{one.asked_by} 经办：{one.why}" if one.asked_by else "，自动退"
            yield Entry(one.asked_at, 5, OURS, f"退款 {one.out_refund_no} {yuan(one.amount)}{whom}")
        yield from _sent(connection, no)
        yield from _agency(connection, no)
        for one in _of(connection, DISCREPANCY, DISCREPANCY.c.out_trade_no.in_(numbers)):
            yield from _discrepancy(one)
        for one in _of(connection, BILL_LINE, BILL_LINE.c.out_trade_no.in_(numbers)):
            what = f"{one.day} 的账单第 {one.place} 行：{yuan(one.amount)} {one.state}，{_verdict(connection, one)}"
            yield Entry(one.at, 8, BILL, what)


def _of(connection: Connection, table: Any, where: Any) -> Sequence[Row[Any]]:
    return connection.execute(select(table).where(where).order_by(*table.primary_key.columns)).all()


def _opened(order: Row[Any], lines: Sequence[Row[Any]]) -> Iterator[Entry]:
    yield Entry(order.opened_at, 1, OURS, f"开缴费单 {order.no}，{yuan(order.amount)}，现在 {order.state}")
    for line in lines:
        what = f"　{line.masked_name} {line.cover_year} 年 {line.institution_name} {line.tier_name} {yuan(line.amount)}"
        yield Entry(order.opened_at, 1, OURS, what)


def _event(event: Row[Any]) -> tuple[str, str]:
    """Who did it and what it was."""
    facts: Mapping[str, Any] = json.loads(event.facts) if event.facts else {}
    number = f" {event.out_trade_no}" if event.out_trade_no else ""
    match event.what:
        case "placed":
            return WECHAT, f"收下了订单{number}，可以付款"
        case "asked":
            return WECHAT, f"问{number}，回答：{SAID.get(str(facts['said']), facts['said'])}"
        case "no_answer":
            return WECHAT, "没有回答，过一会儿再问"
        case "refused":
            return WECHAT, f"不接受，代码 {facts.get('code')}"
        case "closing":
            return OURS, f"要关单：{WHY.get(str(facts.get('reason')), facts.get('reason'))}"
        case "switched":
            return OURS, f"换付款方式：{CHANNEL.get(str(facts.get('channel')), '')}"
        case "anew":
            return OURS, f"换一个新的付款号，先关闭{number}"
        case "closed":
            return WECHAT, f"关闭了{number}"
        case "check":
            return "市民", "说付好了，向微信支付核对"
        case "settled":
            by = BY.get(str(facts.get("by")), "微信支付")
            back = f"，其中 {yuan(int(facts['refund']))} 没有对应的缴费，要退" if "refund" in facts else ""
            return WECHAT, f"{number.strip()} 已付款（{by}得知），记账{back}"
        case "refund_called":
            return OURS, f"请微信支付退款 {facts.get('refund')}"
        case "refund_accepted":
            return WECHAT, f"受理了退款 {facts.get('refund')}"
        case "refunded":
            return WECHAT, f"退款到账 {facts.get('refund')}"
        case "refunded_elsewhere":
            return WECHAT, f"有一笔不是这里发起的退款 {facts.get('refund')}，已经退完，记账"
        case "transferred":
            return OURS, f"退款 {facts.get('refund')} 没有退成，登记为转账退回"
        case other:
            return OURS, f"{other}{number} {event.facts}".rstrip()


def _sent(connection: Connection, no: str) -> Iterator[Entry]:
    for one in _of(connection, NOTICE, NOTICE.c.reason.contains(no, autoescape=True)):
        lines = " / ".join(json.loads(one.body).get("lines", ())) or {
            "card": "付款码图片",
            "captcha": "验证码图片",
            "page": "证明图片",
        }.get(one.kind, one.kind)
        yield Entry(one.made_at, 6, TOLD, f"要告诉市民：{lines}" + ("" if one.delivered_at else "（还没有送到）"))
        if one.delivered_at:
            yield Entry(
                one.delivered_at, 7, TOLD, f"送到了（{DELIVERED.get(one.delivered_by, one.delivered_by)}）：{lines}"
            )


def _agency(connection: Connection, no: str) -> Iterator[Entry]:
    mine = select(PAYMENT.c.id).where(PAYMENT.c.order_no == no)
    for one in _of(connection, EXPORT, EXPORT.c.payment_id.in_(mine)):
        payment = connection.execute(select(PAYMENT).where(PAYMENT.c.id == one.payment_id)).one()
        file = f"在文件 {one.file_no}" if one.file_no else "还没有写进文件"
        yield Entry(payment.paid_at, 6, BOOKS, f"交经办机构的缴费明细 {one.status} {one.settle_date}，{file}")


def _discrepancy(one: Row[Any]) -> Iterator[Entry]:
    yield Entry(one.found_at, 8, BILL, f"差异 {one.kind}（{one.state}）：{one.facts}")
    if one.explained_at:
        yield Entry(one.explained_at, 8, BILL, f"{one.explained_by} 说明：{one.explained_why}")
    if one.closed_at:
        yield Entry(one.closed_at, 8, BILL, f"{one.closed_by or '自动'} 结案：{one.closed_why}")


def _verdict(connection: Connection, line: Row[Any]) -> str:
    """Whether the ledger has what this row of the bill has."""
    ours = connection.execute(select(LEDGER.c.amount).where(LEDGER.c.reason == line.reason)).scalar()
    if ours is None:
        return "我们的账上没有"
    return "和我们的账相符" if ours == line.amount else f"我们的账上是 {yuan(abs(ours))}"
