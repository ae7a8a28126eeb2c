"""The report of a day as an operator reads it: rows by verdict, and every sum beside the one it has to equal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from bot.reconciling.reconciler import Report
from bot.reconciling.words import FLOWS, KINDS, VERDICTS, word
from dialogs.terms.money import decimal_yuan
from storage.reconciliation.columns import OURS_ONLY
from storage.reconciliation.figures import Figures
from storage.reconciliation.fund_flow import FundFlow, Witness, witnesses

SUMS = {
    "rows": "笔数",
    "settled": "应结订单金额",
    "refunded": "退款金额",
    "voucher": "充值券退款",
    "fee": "手续费",
    "ordered": "订单金额",
    "asked": "申请退款金额",
}


def print_report(report: Report, console: Console) -> None:
    """All of it, and the sentence that says what to do."""
    figures = report.figures
    console.print(_verdicts(report))
    console.print(_sums(figures))
    if report.flow is not None:
        console.print(_funds(report.flow, figures))
    for line in conclusions(report):
        console.print(line, markup=False, highlight=False)


def conclusions(report: Report) -> Iterator[str]:
    """What it comes to, a sentence each."""
    for kind in KINDS:
        if not report.figures.ledger_ties(kind):
            yield f"账上当日的{KINDS[kind]}没有全部对到：请再对一次，仍然如此请报告。"
    if report.no_flow:
        yield f"没有资金账单，缺第二个证据：{report.no_flow}"
    if report.unanswered:
        yield f"有 {report.unanswered} 笔微信支付这次没有回答，过一会儿再对一次。"
    if report.open:
        yield f"{report.day}：待核对的差异 {report.open} 项。看：run.py discrepancies list --day {report.day}"
    elif report.ties:
        yield f"{report.day}：全部相符，没有待核对的差异。"


def exact_yuan(thousandths: int) -> str:
    """Thousandths of a fen in yuan, without decimals nobody needs."""
    sign, (whole, rest) = "-" if thousandths < 0 else "", divmod(abs(thousandths), 100_000)
    text = f"{whole}.{rest:05}"
    return sign + (text[:-3] if text.endswith("000") else text)


def _verdicts(report: Report) -> Table:
    table = Table(title=f"对账 {report.day}", title_justify="left")
    for name in ("", "类别", "笔数", "账单", "账上"):
        table.add_column(name, justify="left" if name in ("", "类别") else "right")
    for kind, called in KINDS.items():
        mine = report.figures.of(kind)
        for one in mine:
            theirs = "-" if one.verdict == OURS_ONLY else decimal_yuan(one.theirs)
            table.add_row(
                called,
                word(VERDICTS, one.verdict),
                f"{one.rows:,}",
                theirs,
                decimal_yuan(one.ours) if one.ours else "-",
            )
        entries = report.figures.entries(kind)
        if entries.elsewhere_rows:
            elsewhere = decimal_yuan(entries.elsewhere)
            table.add_row(called, "在另一天的账单里", f"{entries.elsewhere_rows:,}", "-", elsewhere)
        rows = sum(one.rows for one in mine if one.verdict != OURS_ONLY)
        total = decimal_yuan(sum(one.theirs for one in mine))
        table.add_row(called, "账单合计", f"{rows:,}", total, "")
        table.add_row(called, "账上当日合计", f"{entries.rows:,}", "", decimal_yuan(entries.amount), end_section=True)
    return table


def _sums(figures: Figures) -> Table:
    table = Table(title="账单明细与它的汇总行", title_justify="left")
    for name in ("", "汇总行", "明细合计", ""):
        table.add_column(name, justify="right" if name else "left")
    for name, called in SUMS.items():
        said, come = getattr(figures.summary, name), getattr(figures.summed, name)
        shown = [
            str(one) if name == "rows" else exact_yuan(one if name == "fee" else one * 1000) for one in (said, come)
        ]
        table.add_row(called, *shown, "平" if said == come else "不平")
    return table


def _funds(flow: FundFlow, figures: Figures) -> Table:
    table = Table(title="资金账单", title_justify="left")
    for name in ("", "资金账单", "交易账单", "账上", " "):
        table.add_column(name, justify="right" if name.strip() else "left")
    for one in witnesses(flow, figures):
        table.add_row(FLOWS[one.kind], *_witness(one), "平" if one.flow == one.bill else "不平")
    return table


def _witness(one: Witness) -> tuple[str, str, str]:
    return exact_yuan(one.flow), exact_yuan(one.bill), "-" if one.ledger is None else exact_yuan(one.ledger)
