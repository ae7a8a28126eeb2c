"""What things cost: each bench measures side by side with something known, in one run, because absolute figures do not
travel from machine to machine."""

from __future__ import annotations

import sys

KINDS = ("turn", "certificate", "reconcile", "strangers")


def run(what: str, seconds: float, storage: str = "postgresql", rows: int = 1_000_000) -> int:
    """Run one bench and print its table; `seconds` is the length of each round. Returns the exit code."""
    if what not in KINDS:
        sys.stderr.write(f"no such bench: {what}; there is {', '.join(KINDS)}\n")
        return 2
    if what == "certificate":
        from bot.bench.certificate import bench_certificate

        return bench_certificate(seconds)
    if what == "reconcile":
        from bot.bench.reconcile import bench_reconcile

        return bench_reconcile(storage, rows)
    if what == "strangers":
        from bot.bench.strangers import bench_strangers

        return bench_strangers()
    from bot.bench.turn import bench_turn

    return bench_turn(seconds)
