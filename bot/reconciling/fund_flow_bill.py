"""资金账单: what its rows come to by business type and direction; the rows themselves are not kept."""

from __future__ import annotations

from pathlib import Path

from bot.reconciling.cells import Sheet, places
from bot.reconciling.numbers import count, fen
from bot.reconciling.refusal import BillRefused
from storage.reconciliation.bills import FundSummary
from storage.reconciliation.fund_flow import IN, OUT

Sums = dict[str, dict[str, tuple[int, int]]]  # business type, direction: rows and fen

_COLUMNS = ("业务类型", "收支类型", "收支金额(元)")
_SUMMARY = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_MOST_TYPES = 200


def read_fund_flow(path: Path) -> tuple[Sums, FundSummary]:
    """The sums of a fund-flow bill on the disk, and its own summary. Raises BillRefused."""
    sheet = Sheet(path, _SUMMARY)
    business_at, way_at, amount_at = places(sheet.read_columns(), _COLUMNS)
    sums: Sums = {}
    for place, cells in enumerate(sheet.rows(), 1):
        business, way = cells[business_at][:32], cells[way_at]
        try:
            amount = fen(cells[amount_at])
        except BillRefused as refused:
            raise BillRefused(refused.why, place) from None
        if way not in (IN, OUT):
            raise BillRefused("收支类型不是收入或支出", place)
        ways = sums.setdefault(business, {})
        rows, total = ways.get(way, (0, 0))
        ways[way] = (rows + 1, total + amount)
        if len(sums) > _MOST_TYPES:
            raise BillRefused("业务类型多得不像资金账单", place)
    rows_all, rows_in, amount_in, rows_out, amount_out = (sheet.summary[name] for name in _SUMMARY)
    summary = FundSummary(count(rows_all), count(rows_in), fen(amount_in), count(rows_out), fen(amount_out))
    return sums, summary
