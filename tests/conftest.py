"""Says at the end of a run which services the tests ran on, so that a skipped one is not overlooked."""

from __future__ import annotations

from typing import Any

SERVICES = {"Redis": "[redis", "PostgreSQL": "[postgresql"}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a service: how many tests ran on it, or were skipped for want of it."""
    for service, parameter in SERVICES.items():
        ran, skipped = (
            sum(parameter in report.nodeid for report in terminalreporter.stats.get(outcome, ()))
            for outcome in ("passed", "skipped")
        )
        if ran:
            terminalreporter.write_line(f"{service}: present, {ran} tests ran on it")
        elif skipped:
            terminalreporter.write_line(f"{service}: NOT present, {skipped} tests skipped", yellow=True)
