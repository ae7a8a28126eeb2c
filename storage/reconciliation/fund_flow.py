"""The fund-flow bill, a second witness: what moved on the merchant's account, against trade bill and ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.reconciliation.bills import FundSummary
from storage.reconciliation.columns import OURS_ONLY, PAYMENT, REFUND
from storage.reconciliation.figures import Figures, untied
from storage.reconciliation.findings import Whole

IN, OUT = "收入", "支出"
TRADES, REFUNDS, FEES = "交易", "退款", "扣除交易手续费"  # 业务类型


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows of one business type in one direction: how many, and how much in fen."""

    business: str
    direction: str
    rows: int
    amount: int


@dataclass(frozen=True, slots=True)
class FundFlow:
    """A day's fund-flow bill: what its rows come to, and its own summary row."""

    moved: tuple[Moved, ...]
    summary: FundSummary

    def net(self, business: str, direction: str) -> int:
        """What moved this way for this business, less what moved back, in fen."""
        same = [one for one in self.moved if one.business == business]
        return sum(one.amount if one.direction == direction else -one.amount for one in same)

    def untied(self) -> list[Whole]:
        """Where its rows do not come to what its summary row says."""
        return untied("fund_sum", self.summary, _summed(self.moved))


def flow_of(sums: Mapping[str, Mapping[str, tuple[int, int]]], summary: FundSummary) -> FundFlow:
    """The bill as it is kept: business type, direction, rows and fen."""
    moved = [Moved(name, way, *numbers) for name, ways in sorted(sums.items()) for way, numbers in sorted(ways.items())]
    return FundFlow(tuple(moved), summary)


@dataclass(frozen=True, slots=True)
class Witness:
    """One kind of money as three books have it, in thousandths of a fen; the ledger books no fees."""

    kind: str
    flow: int
    bill: int
    ledger: int | None


def witnesses(flow: FundFlow, figures: Figures) -> tuple[Witness, ...]:
    """What moved on the account, what the trade bill's rows come to, what the ledger has for those rows.

    A refund leaves the account less the fee that comes back with it ("含手续费" in its remark).
    """
    summed, back = figures.summed, figures.fee_of_refunds
    paid, gone = (sum(one.ours for one in figures.of(kind) if one.verdict != OURS_ONLY) for kind in (PAYMENT, REFUND))
    return (
        Witness("fund_payments", flow.net(TRADES, IN) * 1000, summed.settled * 1000, paid * 1000),
        Witness("fund_refunds", flow.net(REFUNDS, OUT) * 1000, summed.refunded * 1000 + back, -gone * 1000 + back),
        Witness("fund_fees", flow.net(FEES, OUT) * 1000, summed.fee - back, None),
    )


def disagreeing(flow: FundFlow, figures: Figures) -> list[Whole]:
    """Where more or less moved than the trade bill says. Where bill and ledger differ, rows of the bill say why."""
    return [
        Whole(one.kind, {"fund flow": one.flow, "trade bill": one.bill})
        for one in witnesses(flow, figures)
        if one.flow != one.bill
    ]


def _summed(moved: tuple[Moved, ...]) -> FundSummary:
    came, went = ([one for one in moved if one.direction == way] for way in (IN, OUT))
    return FundSummary(
        rows=sum(one.rows for one in moved),
        rows_in=sum(one.rows for one in came),
        amount_in=sum(one.amount for one in came),
        rows_out=sum(one.rows for one in went),
        amount_out=sum(one.amount for one in went),
    )
