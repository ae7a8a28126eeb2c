"""The report of a day as a CSV file: the figures, then every discrepancy of the day; no cell runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from bot.reconciling.printed import SUMS, exact_yuan
from bot.reconciling.reconciler import Report
from bot.reconciling.words import DISCREPANCIES, FLOWS, KINDS, STATES, VERDICTS, word
from dialogs.terms.money import decimal_yuan
from storage.agency.files import spreadsheet_safe
from storage.reconciliation.discrepancies import listed
from storage.reconciliation.fund_flow import witnesses

COLUMNS = (
    "部分",
    "项目",
    "类别",
    "笔数",
    "账单",
    "账上",
    "是否相符",
    "编号",
    "单号",
    "商户订单号",
    "状态",
    "发现时间",
    "说明",
    "事实",
)


def report_path(out: Path, report: Report) -> Path:
    """The file itself, or one named after the day in a folder."""
    return out / f"reconcile_{report.day}.csv" if out.is_dir() else out


def write_report(path: Path, report: Report, connection: Connection, zone: tzinfo) -> None:
    """Write it anew; a BOM, so that spreadsheets read the Chinese. Raises OSError."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\r\n")
        writer.writeheader()
        for row in (*_figures(report), *_sums(report), *_funds(report)):
            writer.writerow({name: _safe(cell) for name, cell in row.items()})
        for found in listed(connection, day=report.day):
            writer.writerow({name: _safe(cell) for name, cell in _discrepancy(found, zone).items()})


def _safe(cell: object) -> str:
    """A negative amount stays a number; all else that a spreadsheet might run does not."""
    text = str(cell)
    return text if text.removeprefix("-").replace(".", "", 1).isdecimal() else spreadsheet_safe(text)


def _figures(report: Report) -> Iterator[dict[str, object]]:
    for kind, called in KINDS.items():
        for one in report.figures.of(kind):
            sums = {"账单": decimal_yuan(one.theirs), "账上": decimal_yuan(one.ours)}
            yield {"部分": "对账", "项目": called, "类别": word(VERDICTS, one.verdict), "笔数": one.rows, **sums}
        entries = report.figures.entries(kind)
        mine = {"部分": "对账", "项目": called}
        elsewhere = {
            "类别": "在另一天的账单里",
            "笔数": entries.elsewhere_rows,
            "账上": decimal_yuan(entries.elsewhere),
        }
        yield mine | elsewhere
        ties = "是" if report.figures.ledger_ties(kind) else "否"
        total = {"类别": "账上当日合计", "笔数": entries.rows, "账上": decimal_yuan(entries.amount), "是否相符": ties}
        yield mine | total


def _sums(report: Report) -> Iterator[dict[str, object]]:
    """The bill's own summary row under 账单, what its rows come to under 账上."""
    for name, called in SUMS.items():
        said, come = getattr(report.figures.summary, name), getattr(report.figures.summed, name)
        shown = [one if name == "rows" else exact_yuan(one if name == "fee" else one * 1000) for one in (said, come)]
        ties = "是" if said == come else "否"
        yield {"部分": "汇总行与明细合计", "项目": called, "账单": shown[0], "账上": shown[1], "是否相符": ties}


def _funds(report: Report) -> Iterator[dict[str, object]]:
    for one in witnesses(report.flow, report.figures) if report.flow else ():
        ties = "是" if one.flow == one.bill else "否"
        sums = {"账单": exact_yuan(one.flow), "账上": exact_yuan(one.bill)}
        yield {"部分": "资金账单与交易账单", "项目": FLOWS[one.kind], **sums, "是否相符": ties}


def _discrepancy(found: Row[Any], zone: tzinfo) -> dict[str, object]:
    return {
        "部分": "差异",
        "类别": word(DISCREPANCIES, found.kind),
        "编号": found.id,
        "单号": found.key,
        "商户订单号": found.out_trade_no,
        "状态": word(STATES, found.state),
        "发现时间": f"{datetime.fromtimestamp(found.found_at, zone):%Y-%m-%d %H:%M:%S}",
        "说明": found.closed_why or found.explained_why,
        "事实": found.facts,
    }
