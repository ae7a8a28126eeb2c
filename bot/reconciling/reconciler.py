"""对账 of one day, from the bills to the discrepancies. Any step may be repeated; the same bills change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from sqlalchemy import Connection

from bot.pay.till import Till
from bot.reconciling.fetching import NotKept, fetch_fund_flow, fetch_trade_bill, ready_at
from bot.reconciling.fund_flow_bill import read_fund_flow
from bot.reconciling.mending import Mender
from bot.reconciling.refusal import BillRefused, NoBillYet
from bot.reconciling.trade_bill import TradeBillFile
from bot.reconciling.unpacking import Unpacked, unpack_file
from storage.database import reading, writing
from storage.reconciliation.bills import (
    FundSummary,
    TradeLine,
    TradeSummary,
    keep_fund_flow,
    keep_trade_bill,
    stored_bill,
    take_time,
    trade_summary,
)
from storage.reconciliation.columns import BILL_SUM, FUND_FLOW, MATCHED, OF_FUNDS, OF_LINES, TRADE
from storage.reconciliation.days import Day
from storage.reconciliation.discrepancies import count_open
from storage.reconciliation.figures import Figures, figures_of
from storage.reconciliation.findings import Findings
from storage.reconciliation.fund_flow import FundFlow, disagreeing, flow_of

LOG = structlog.get_logger("reconciling")


@dataclass(frozen=True, slots=True)
class Report:
    """What a day came to. `flow` is None where there is no fund-flow bill, `no_flow` says why."""

    day: date
    figures: Figures
    flow: FundFlow | None
    no_flow: str
    open: int
    unanswered: int  # rows about which WeChat Pay gave no answer just now

    @property
    def ties(self) -> bool:
        """Nothing is open, and both bills were there."""
        return not self.open and not self.no_flow and not self.unanswered


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Over one till: its database, merchant, gateway, zone and clock."""

    till: Till

    def reconcile(self, day: date, *, bill: Path | None = None, fund_flow: Path | None = None) -> Report:
        """Bills from WeChat Pay, or those of the files alone. Raises NoBillYet, BillRefused, DatabaseUnavailable."""
        with TemporaryDirectory(prefix="bills") as folder:
            if bill is None and fund_flow is None:
                if self._now() < ready_at(day, self.till.zone):
                    raise NoBillYet(f"{day} 的账单要到第二天 10 点以后才有。")
                self._take_trade_bill(day, Path(folder))
                no_flow = self._take_fund_flow(day, Path(folder))
            else:
                no_flow = self._take_files(day, Path(folder), bill, fund_flow)
        report = self._match(Day.of(day, self.till.zone), no_flow)
        matched = sum(one.rows for one in report.figures.by if one.verdict == MATCHED)
        LOG.info("reconciled", day=str(day), rows=report.figures.summed.rows, matched=matched, open=report.open)
        return report

    # -- the bills

    def _take_trade_bill(self, day: date, folder: Path) -> None:
        try:
            self._keep_trade_bill(day, fetch_trade_bill(self.till.gateway, day, folder / TRADE))
        except NotKept:
            with reading(self.till.engine) as connection:
                if stored_bill(connection, day, TRADE) is None:
                    raise

    def _take_fund_flow(self, day: date, folder: Path) -> str:
        """Why there is none, or nothing."""
        try:
            self._keep_fund_flow(day, fetch_fund_flow(self.till.gateway, day, folder / FUND_FLOW))
        except (NoBillYet, BillRefused) as none:
            with reading(self.till.engine) as connection:
                return "" if stored_bill(connection, day, FUND_FLOW) else str(none)
        return ""

    def _take_files(self, day: date, folder: Path, bill: Path | None, fund_flow: Path | None) -> str:
        if bill is not None:
            self._keep_trade_bill(day, unpack_file(bill, folder / TRADE))
        if fund_flow is not None:
            self._keep_fund_flow(day, unpack_file(fund_flow, folder / FUND_FLOW))
        with reading(self.till.engine) as connection:
            if stored_bill(connection, day, TRADE) is None:
                raise BillRefused(f"还没有 {day} 的交易账单：用 --bill 给出，或者不带文件，从微信支付取。")
        return ""

    def _keep_trade_bill(self, day: date, got: Unpacked | None) -> None:
        with writing(self.till.engine) as connection:
            take_time(connection, day)
            sheet = _NoTrade() if got is None else _Mine(got.path, Day.of(day, self.till.zone), self.till)
            keep_trade_bill(connection, day, got.sha1 if got else "", sheet, self._now())

    def _keep_fund_flow(self, day: date, got: Unpacked | None) -> None:
        sums, summary = read_fund_flow(got.path) if got else ({}, FundSummary())
        with writing(self.till.engine) as connection:
            take_time(connection, day)
            keep_fund_flow(connection, day, got.sha1 if got else "", summary, sums, self._now())

    # -- the match

    def _match(self, day: Day, no_flow: str) -> Report:
        unanswered, asked = 0, set[str]()  # a payment that came home may bring a refund to be asked after
        while True:
            with writing(self.till.engine) as connection:
                take_time(connection, day.date)
                findings = Findings(connection, day)
                findings.look(self.till.settler.mch_id)
                missing = [one for one in findings.mendable() if one.key not in asked]
                if not missing:
                    return self._conclude(findings, no_flow, unanswered)
            asked |= {one.key for one in missing}
            unanswered += Mender(self.till).mend(missing)

    def _conclude(self, findings: Findings, no_flow: str, unanswered: int) -> Report:
        connection, day = findings.connection, findings.day
        bill = stored_bill(connection, day.date, TRADE)
        assert bill is not None
        figures = figures_of(connection, day, self.till.settler.mch_id, trade_summary(bill))
        flow = _flow(connection, day.date)
        whole = figures.untied()
        if flow is not None:
            whole += [*flow.untied(), *disagreeing(flow, figures)]
        findings.add(whole)
        findings.record((*OF_LINES, BILL_SUM, *(OF_FUNDS if flow else ())), self._now())
        return Report(day.date, figures, flow, no_flow, count_open(connection, day.date), unanswered)

    def _now(self) -> int:
        return int(self.till.clock())


class _Mine:
    """A bill file of type ALL that is of this day and this merchant; else nothing of it is taken."""

    def __init__(self, path: Path, day: Day, till: Till) -> None:
        self._file = TradeBillFile(path, till.zone)
        self._day = day
        self._mch_id = till.settler.mch_id
        if self._file.kind != "ALL":
            raise BillRefused(f"这是 {self._file.kind} 账单；对账要 ALL（所有订单）的。")

    @property
    def summary(self) -> TradeSummary:
        return self._file.summary

    def lines(self) -> Iterator[TradeLine]:
        rows, of_day, of_mine = 0, False, False
        for line in self._file.lines():
            rows += 1
            of_day = of_day or self._day.begins <= line.at < self._day.ends
            of_mine = of_mine or line.mch_id == self._mch_id
            yield line
        if rows and not of_day:
            raise BillRefused(f"账单里没有一笔是 {self._day} 的。")
        if rows and not of_mine:
            raise BillRefused(f"账单里没有一笔是商户号 {self._mch_id} 的。")


class _NoTrade:
    """What WeChat Pay says by NO_STATEMENT_EXIST."""

    summary = TradeSummary()

    def lines(self) -> Iterator[TradeLine]:
        return iter(())


def _flow(connection: Connection, day: date) -> FundFlow | None:
    row = stored_bill(connection, day, FUND_FLOW)
    return None if row is None else flow_of(json.loads(row.sums), FundSummary(**json.loads(row.summary)))
