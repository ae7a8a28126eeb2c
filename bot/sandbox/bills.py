"""The trade bill (交易账单) of a day, in WeChat Pay's own format (facts/wechat.md B1, B2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from bot.sandbox.keys import SandboxKeys
from bot.sandbox.pay_orders import SHANGHAI, Order
from bot.sandbox.pay_refunds import Refund

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
_STATES = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "CLOSED": "FAIL", "ABNORMAL": "CHANGE"}


@dataclass(frozen=True)
class _Line:
    cells: dict[str, str]
    paid: int
    refunded: int
    fee: Decimal


def trade_bill(keys: SandboxKeys, kind: str, payments: Iterable[Order], refunds: Iterable[Refund]) -> str | None:
    """The bill over these payments and refunds, LF, no BOM; None where it would have no line."""
    lines = [_payment(keys, order) for order in payments] if kind != "REFUND" else []
    lines += [_refund(keys, refund) for refund in refunds] if kind != "SUCCESS" else []
    if not lines:
        return None
    header = _COLUMNS[kind]
    rows = [",".join("`" + line.cells.get(name, "") for name in header.split(",")) for line in lines]
    paid, refunded = sum(line.paid for line in lines), sum(line.refunded for line in lines)
    fee = sum((line.fee for line in lines), Decimal(0))
    totals = [str(len(lines)), _yuan(paid), _yuan(refunded), "0.00", f"{fee:.5f}", _yuan(paid), _yuan(refunded)]
    return "\n".join([header, *rows, _SUMMARY, ",".join("`" + total for total in totals), ""])


def _payment(keys: SandboxKeys, order: Order) -> _Line:
    total = order.terms.total
    cells = _shared(keys, order) | {
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
    return _Line(cells, total, 0, _fee(total))


def _refund(keys: SandboxKeys, refund: Refund) -> _Line:
    back = refund.terms.refund
    cells = _shared(keys, refund.order) | {
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
    return _Line(cells, 0, back, -_fee(back))


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
