"""What WeChat Pay says about a charge or a refund, read strictly; the same for queries and callbacks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PAID_STATES = frozenset({"SUCCESS", "REFUND"})
_WORD = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_OPENID = re.compile(r"[0-9A-Za-z_\-]{1,128}")


class Garbled(ValueError):
    """A signed message that is not of the documented form; the words name the field, never its value."""


@dataclass(frozen=True)
class Charge:
    """One attempt as WeChat Pay sees it.

    `state` is NOTPAY, SUCCESS, REFUND (also after a partial refund), CLOSED and, for other products, REVOKED,
    USERPAYING, PAYERROR. For SUCCESS and REFUND transaction_id, amount (fen) and currency are there; for SUCCESS
    paid_at too. Whether number, mchid, appid, amount and currency are the expected ones is for `settle` to say.
    """

    out_trade_no: str
    transaction_id: str | None
    mchid: str
    appid: str
    amount: int | None
    currency: str | None
    state: str
    trade_type: str | None
    payer_openid: str | None
    paid_at: datetime | None
    attach: str = ""  # what we gave it when it was placed


@dataclass(frozen=True)
class RefundState:
    """A refund as WeChat Pay sees it, in fen.

    `state` is PROCESSING, SUCCESS, CLOSED (a new number is needed) or ABNORMAL.
    """

    out_refund_no: str
    refund_id: str
    transaction_id: str
    out_trade_no: str
    state: str
    amount: int
    total: int
    refunded_at: datetime | None
    account: str = ""  # where it went: 支付用户零钱, a bank card by its bank and last four digits


@dataclass(frozen=True)
class RefundNotice:
    """A refund as a callback tells it."""

    mchid: str
    refund: RefundState


def charge_of(payload: Mapping[str, object]) -> Charge:
    """Reads the answer of a query or the opened resource of a callback. Raises Garbled."""
    amount = _object(payload, "amount") if "amount" in payload else {}
    payer = _object(payload, "payer") if payload.get("payer") else {}
    charge = Charge(
        out_trade_no=_word(payload, "out_trade_no"),
        transaction_id=_word(payload, "transaction_id") if payload.get("transaction_id") else None,
        mchid=_word(payload, "mchid"),
        appid=_word(payload, "appid"),
        amount=_fen(amount, "total") if "total" in amount else None,
        currency=_word(amount, "currency") if amount.get("currency") else None,
        state=_word(payload, "trade_state"),
        trade_type=_word(payload, "trade_type") if payload.get("trade_type") else None,
        payer_openid=_openid(payer) if payer.get("openid") else None,
        paid_at=_moment(payload, "success_time") if payload.get("success_time") else None,
        attach=_attach(payload),
    )
    if charge.state in PAID_STATES and None in (charge.transaction_id, charge.amount, charge.currency):
        raise Garbled("a paid charge without transaction_id, amount.total or amount.currency")
    if charge.state == "SUCCESS" and charge.paid_at is None:
        raise Garbled("a paid charge without success_time")
    return charge


def refund_of(payload: Mapping[str, object]) -> RefundState:
    """Reads the answer to a refund or its query (`status`), or a callback (`refund_status`). Raises Garbled."""
    amount = _object(payload, "amount")
    return RefundState(
        out_refund_no=_word(payload, "out_refund_no"),
        refund_id=_word(payload, "refund_id"),
        transaction_id=_word(payload, "transaction_id"),
        out_trade_no=_word(payload, "out_trade_no"),
        state=_word(payload, "refund_status" if "refund_status" in payload else "status"),
        amount=_fen(amount, "refund"),
        total=_fen(amount, "total"),
        refunded_at=_moment(payload, "success_time") if payload.get("success_time") else None,
        account=_account(payload),
    )


def refund_notice_of(payload: Mapping[str, object]) -> RefundNotice:
    """Reads the opened resource of a REFUND.* callback. Raises Garbled."""
    return RefundNotice(mchid=_word(payload, "mchid"), refund=refund_of(payload))


def _object(payload: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = payload.get(name)
    if not isinstance(value, dict):
        raise Garbled(f"{name} is not an object")
    return value


def _word(payload: Mapping[str, object], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise Garbled(f"{name} is missing or not a plain word")
    return value


def _account(payload: Mapping[str, object]) -> str:
    """Shown to the payer only; what is not a short printable word is left out."""
    value = payload.get("user_received_account")
    return value if isinstance(value, str) and len(value) <= 40 and value.isprintable() else ""


def _attach(payload: Mapping[str, object]) -> str:
    """Ours is sealed; anybody else's says nothing to us."""
    value = payload.get("attach")
    return value if isinstance(value, str) and len(value) <= 128 else ""


def _openid(payer: Mapping[str, object]) -> str:
    value = payer.get("openid")
    if not isinstance(value, str) or not _OPENID.fullmatch(value):
        raise Garbled("payer.openid is not a plain word")
    return value


def _fen(payload: Mapping[str, object], name: str) -> int:
    value = payload.get(name)
    if type(value) is not int or not 0 <= value < 10**12:
        raise Garbled(f"amount.{name} is not a number of fen")
    return value


def _moment(payload: Mapping[str, object], name: str) -> datetime:
    value = payload.get(name)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Garbled(f"{name} is not a time with its zone")
    return moment
