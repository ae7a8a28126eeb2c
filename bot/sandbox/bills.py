"""The bills of a day, in WeChat Pay's own format (facts/wechat.md B1, B2): trades, and what moved on the account."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import SHANGHAI, Order
from bot.sandbox.pay_refunds import Refund

Cells = dict[str, str]
"""One row of a bill, by column."""

BILL_TYPES = ("ALL", "SUCCESS", "REFUND")
_RATE = Decimal("0.006")
_START = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
_REFUND_TIMES = "退款申请时间,退款成功时间"
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_COLUMNS = {
    "ALL": f"{_START},{_REFUND},商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
    "SUCCESS": f"{_START},商品名称,商户数据包,手续费,费率,订单金额,费率备注",
    "REFUND": f"{_START},{_REFUND_TIMES},{_REFUND},商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
}
_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
_SUMMED = ("应结订单金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
_FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
_FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
_STATES = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "CLOSED": "FAIL", "ABNORMAL": "CHANGE"}


def trade_rows(keys: SandboxKeys, payments: Iterable[Order], refunds: Iterable[Refund]) -> list[Cells]:
    """The rows over these payments and refunds, with the columns of every type of bill."""
    return [*(_payment(keys, order) for order in payments), *(_refund(keys, refund) for refund in refunds)]


def trade_bill(kind: str, rows: Sequence[Cells]) -> str | None:
    """The bill of these rows, LF, no BOM; None where it would have no line."""
    mine = [row for row in rows if kind == "ALL" or (row["交易状态"] == "SUCCESS") == (kind == "SUCCESS")]
    sums = [sum((Decimal(row.get(name) or 0) for row in mine), Decimal(0)) for name in _SUMMED]
    totals = [
        str(len(mine)),
        *(f"{total:.{5 if name == '手续费' else 2}f}" for name, total in zip(_SUMMED, sums, strict=True)),
    ]
    return _written(_COLUMNS[kind], mine, _SUMMARY, totals) if mine else None


def fund_rows(payments: Iterable[Order], refunds: Iterable[Refund]) -> list[Cells]:
    """What these payments and refunds moved on the basic account, fees apart; a refund takes its fee back along."""
    rows = []
    for order in payments:
        numbers = order.transaction_id or "", order.terms.out_trade_no
        rows.append(_moved(order.paid_at, numbers, "交易", "收入", Decimal(order.terms.total) / 100))
        if fee := _fee(order.terms.total):
            rows.append(_moved(order.paid_at, numbers, "扣除交易手续费", "支出", fee))
    for refund in refunds:
        numbers, fee = (refund.refund_id, refund.terms.out_refund_no), _fee(refund.terms.refund)
        row = _moved(refund.asked_at, numbers, "退款", "支出", Decimal(refund.terms.refund) / 100 - fee)
        rows.append(row | {"备注": f"退款总金额{_yuan(refund.terms.refund)}元;含手续费{fee:.2f}元"})
    return rows


def fund_bill(rows: Sequence[Cells]) -> str | None:
    """The fund-flow bill of these rows; None where it would have no line."""
    totals = [str(len(rows))]
    for way in ("收入", "支出"):
        amounts = [Decimal(row["收支金额(元)"]) for row in rows if row["收支类型"] == way]
        totals += [str(len(amounts)), f"{sum(amounts, Decimal(0)):.2f}"]
    return _written(_FUND_COLUMNS, rows, _FUND_SUMMARY, totals) if rows else None


def _written(header: str, rows: Sequence[Cells], summary_header: str, totals: Sequence[str]) -> str:
    lines = [",".join("`" + row.get(name, "") for name in header.split(",")) for row in rows]
    return "\n".join([header, *lines, summary_header, ",".join("`" + total for total in totals), ""])


def _moved(at: float, numbers: tuple[str, str], business: str, way: str, amount: Decimal) -> Cells:
    return {
        "记账时间": _time(at),
        "微信支付业务单号": numbers[0],
        "资金流水单号": f"F{numbers[0]}{'F' if business == '扣除交易手续费' else ''}",
        "业务名称": business,
        "业务类型": business,
        "收支类型": way,
        "收支金额(元)": f"{amount:.2f}",
        "账户结余(元)": "0.00",
        "资金变更提交申请人": "system",
        "业务凭证号": numbers[1],
    }


def _payment(keys: SandboxKeys, order: Order) -> Cells:
    total = order.terms.total
    return _shared(keys, order) | {
        "交易时间": _time(order.paid_at),
        "交易状态": "SUCCESS",
        "应结订单金额": _yuan(total),
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "手续费": f"{_fee(total):.5f}",
        "订单金额": _yuan(total),
        "申请退款金额": "0.00",
    }


def _refund(keys: SandboxKeys, refund: Refund) -> Cells:
    back = refund.terms.refund
    return _shared(keys, refund.order) | {
        "交易时间": _time(refund.asked_at),
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "退款申请时间": _time(refund.asked_at),
        "退款成功时间": _time(refund.done_at) if refund.status == "SUCCESS" else "",
        "微信退款单号": refund.refund_id,
        "商户退款单号": refund.terms.out_refund_no,
        "退款金额": _yuan(back),
        "退款类型": "ORIGINAL",
        "退款状态": _STATES[refund.status],
        "手续费": f"{-_fee(back):.5f}",
        "订单金额": "0.00",
        "申请退款金额": _yuan(back),
    }


def _shared(keys: SandboxKeys, order: Order) -> dict[str, str]:
    return {
        "公众账号ID": keys.app_id,
        "商户号": keys.mch_id,
        "特约商户号": "0",
        "微信订单号": order.transaction_id or "",
        "商户订单号": order.terms.out_trade_no,
        "用户标识": order.openid or "",
        "交易类型": order.terms.trade_type,
        "付款银行": order.bank_type,
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "充值券退款金额": "0.00",
        "商品名称": _plain(order.terms.description),
        "商户数据包": _plain(order.terms.attach or ""),
        "费率": "0.60%",
    }


def _plain(text: str) -> str:
    return text.replace(",", "\\ ").replace("\n", "\\n")


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def _fee(fen: int) -> Decimal:
    return (Decimal(fen) / 100 * _RATE).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
