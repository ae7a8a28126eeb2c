"""The report over three books in words: a table for the terminal, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from dialogs.terms.money import decimal_yuan
from storage.agency.three_ways import DayInThree, Sum

NOT_RECONCILED = "未对账"
COLUMNS = (
    ("账单收", "bill_paid"),
    ("账单退", "bill_back"),
    ("本账收", "ledger_paid"),
    ("本账退", "ledger_back"),
    ("没用上", "surplus"),
    ("没用上已退", "surplus_back"),
    ("转账退", "transferred"),
    ("应给机构", "agency_paid"),
    ("应给机构退", "agency_back"),
    ("已导出", "exported"),
    ("已入库", "booked"),
    ("拒收", "refused"),
    ("未回执", "unanswered"),
)


def table_of_days(days: Sequence[DayInThree], whole: DayInThree) -> str:
    """A block for each day: what each book says, rows and yuan, and whether they tie."""
    return "\n".join(
        [*(_block(str(day.day), day) for day in days), *([_block("合计", whole)] if len(days) > 1 else [])]
    )


def csv_of(days: Sequence[DayInThree], whole: DayInThree) -> str:
    """The same, a row for each day and one for all, two cells for each figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["日期", *(f"{name}{what}" for name, _ in COLUMNS for what in ("笔数", "金额")), "平"])
    for name, day in [*((str(day.day), day) for day in days), ("合计", whole)]:
        cells = [cell for _, column in COLUMNS for cell in _cells(getattr(day, column))]
        writer.writerow([name, *cells, _verdict(day)])
    return text.getvalue()


def _block(name: str, day: DayInThree) -> str:
    lines = [f"{name}  {_verdict(day)}"]
    for title, column in COLUMNS:
        rows, amount = _cells(getattr(day, column))
        lines.append(f"  {title}  {NOT_RECONCILED}" if not amount else f"  {title}  {rows} 笔  {amount} 元")
    return "\n".join(lines)


def _cells(one: Sum | None) -> tuple[str, str]:
    return (NOT_RECONCILED, "") if one is None else (str(one.rows), decimal_yuan(one.amount))


def _verdict(day: DayInThree) -> str:
    if not day.ties:
        return "不平"
    return "平" if day.bill_paid is not None else "平（未对账）"
