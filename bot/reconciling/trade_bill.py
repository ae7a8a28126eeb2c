"""交易账单: its rows as values, and its own summary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

from bot.reconciling.cells import Sheet, places
from bot.reconciling.numbers import count, fen, thousandths
from bot.reconciling.refusal import BillRefused
from storage.reconciliation.bills import TradeLine, TradeSummary
from storage.reconciliation.columns import PAYMENT, REFUND

_ALWAYS = (
    "交易时间",
    "商户号",
    "微信订单号",
    "商户订单号",
    "交易状态",
    "货币种类",
    "应结订单金额",
    "手续费",
    "订单金额",
)
_OF_REFUNDS = (
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款状态",
    "申请退款金额",
)
_SUMMARY = (
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
)
_ONLY_IN_REFUNDS = "退款申请时间"
_WORD = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_WRONG_NUMBER = "单号不是字母和数字"


class TradeBillFile:
    """A trade bill on the disk, of any type; `lines` gives its rows and sets `summary`."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        """Reads the header. Raises BillRefused."""
        self._zone = zone
        self._sheet = Sheet(path, _SUMMARY)
        columns = self._sheet.read_columns()
        self._has_refunds = any(name in columns for name in _OF_REFUNDS)
        self._places = places(columns, _ALWAYS + (_OF_REFUNDS if self._has_refunds else ()))
        self.kind = "REFUND" if _ONLY_IN_REFUNDS in columns else "ALL" if self._has_refunds else "SUCCESS"
        self._summary = TradeSummary()

    @property
    def summary(self) -> TradeSummary:
        """Its own summary row, once the lines have been read."""
        return self._summary

    def lines(self) -> Iterator[TradeLine]:
        """Its rows, in order. Raises BillRefused naming the row."""
        for place, cells in enumerate(self._sheet.rows(), 1):
            try:
                yield self._line([cells[place] for place in self._places])
            except BillRefused as refused:
                raise BillRefused(refused.why, place) from None
        said = self._sheet.summary
        rows, settled, refunded, voucher, fee, ordered, asked = (said[name] for name in _SUMMARY)
        self._summary = TradeSummary(
            rows=count(rows),
            settled=fen(settled),
            refunded=fen(refunded),
            voucher=fen(voucher),
            fee=thousandths(fee),
            ordered=fen(ordered),
            asked=fen(asked),
        )

    def _line(self, cells: list[str]) -> TradeLine:
        at, mch_id, transaction_id, out_trade_no, state, currency, settled, fee, ordered, *rest = cells
        if _WORD.fullmatch(transaction_id) is None or _WORD.fullmatch(out_trade_no) is None:
            raise BillRefused(_WRONG_NUMBER)
        if state == "SUCCESS":
            kind, reason, refund_id = PAYMENT, transaction_id, ""
            amount, moved, voucher = fen(ordered), fen(settled), 0
        else:
            kind = REFUND
            refund_id, out_refund_no, back, coupons, its_state, asked = rest or ("", "", "0", "0", "", "0")
            reason = next((one for one in (out_refund_no, refund_id) if one.strip("0")), f"{state}-{transaction_id}")
            if _WORD.fullmatch(reason) is None:
                raise BillRefused(_WRONG_NUMBER)
            amount, moved, voucher = -fen(asked), -fen(back), -fen(coupons)
            state = its_state if state == "REFUND" else state
        if currency != "CNY":
            state = f"{state}/{currency}"
        return TradeLine(
            reason=reason,
            kind=kind,
            state=state[:32],
            mch_id=mch_id,
            transaction_id=transaction_id,
            out_trade_no=out_trade_no,
            refund_id=refund_id,
            amount=amount,
            settled=moved,
            voucher=voucher,
            fee=thousandths(fee),
            at=self._moment(at),
        )

    def _moment(self, text: str) -> int:
        try:
            return int(datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp())
        except ValueError:
            raise BillRefused("交易时间读不出来") from None
