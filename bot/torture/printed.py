"""A verdict in words and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.torture.audit import told_sentences
from bot.torture.torture import Verdict


def lines_of(verdict: Verdict) -> Iterator[str]:
    """What was injected, what happened, and the verdict, a line each."""
    yield f"seed {verdict.seed}, storage {verdict.storage}, {verdict.seconds:g} s of faults"
    yield _section("injected", verdict.injected)
    yield _section("processes", verdict.processes)
    yield _section("citizens", verdict.lived)
    yield _section("orders", verdict.orders)
    yield _section("money", verdict.money)
    yield _section("errors logged", verdict.complaints)
    told = verdict.told
    yield f"told: {told.by_notice} payers by notice, {told.by_orders} by 我的订单, {len(told.not_told)} not"
    yield from (f"reconciled {line}" for line in verdict.reconciled)
    yield from (f"WRONG {sentence}" for sentence in told_sentences(verdict.found))
    yield "verdict: every promise was kept" if not verdict.found else f"verdict: {len(verdict.found)} promises broken"


def _section(title: str, counts: Counter[str]) -> str:
    return f"{title}: " + (", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count) or "none")
