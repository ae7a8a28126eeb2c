"""What WeChat Pay knows of money taken and given back: the truth that our own ledger is compared with."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.pay_orders import Order
from bot.sandbox.pay_refunds import Refund


@dataclass(frozen=True)
class BookedPayment:
    """Money WeChat Pay took: fen, unix seconds."""

    transaction_id: str
    out_trade_no: str
    openid: str
    total: int
    paid_at: float
    trade_type: str


@dataclass(frozen=True)
class BookedRefund:
    """Money WeChat Pay gave back, is giving back, or could not (status)."""

    out_refund_no: str
    refund_id: str
    transaction_id: str
    out_trade_no: str
    refund: int
    status: str


@dataclass(frozen=True)
class Books:
    """What WeChat Pay knows; the truth a torture run compares our ledger with."""

    payments: tuple[BookedPayment, ...]
    refunds: tuple[BookedRefund, ...]


def books(orders: Iterable[Order], refunds: Iterable[Refund]) -> Books:
    """The books over these orders, of which the paid ones count, and refunds."""
    paid = (order for order in orders if order.transaction_id is not None)
    return Books(tuple(map(_booked, paid)), tuple(map(_booked_refund, refunds)))


def _booked(order: Order) -> BookedPayment:
    terms = order.terms
    return BookedPayment(
        order.transaction_id or "", terms.out_trade_no, order.openid or "", terms.total, order.paid_at, terms.trade_type
    )


def _booked_refund(refund: Refund) -> BookedRefund:
    terms, order = refund.terms, refund.order
    return BookedRefund(
        terms.out_refund_no,
        refund.refund_id,
        order.transaction_id or "",
        order.terms.out_trade_no,
        terms.refund,
        refund.status,
    )
