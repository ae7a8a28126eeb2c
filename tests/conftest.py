"""In which order and processes tests run; and at the end which services they ran on, so that no skip is overlooked."""

from __future__ import annotations

import gc
import os
import sys
from functools import cache, partial
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

FEW = 100  # tests of a run that asked for some only
SERVICES = {"Redis": "[redis", "PostgreSQL": "[postgresql"}

# What takes long begins first, so that no process is left with it at the end.
LONG = (
    "tests/elsewhere/",
    "tests/model/",
    "tests/storage/test_agency_machine.py",
    "tests/storage/test_money_machine.py",
    "tests/storage/test_family_order.py",
    "tests/faults/",
    "tests/dialogs/test_machine_properties.py",
    "tests/bot/background/test_workers.py",
    "tests/bot/web/test_serve.py",
)

# A run starts a hundred processes; without compiled modules on the disk each of them compiles everything anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
gc.disable()  # until everything is loaded: nothing of it is garbage


def pytest_configure(config: pytest.Config) -> None:
    """Databases and props, once for each process that runs tests: a fixture that two folders import is made twice."""
    if config.option.dist == "no":
        config.pluginmanager.import_plugin("tests.storage.databases")
        config.pluginmanager.import_plugin("tests.grounds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first; else as they were collected."""
    items.sort(key=lambda item: next((n for n, long in enumerate(LONG) if item.nodeid.startswith(long)), len(LONG)))


class _Compiled(dict[Any, Any]):
    """What SQLAlchemy compiled, for every engine of a kind: a run opens thousands, each of which would begin anew."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: keys are read once, and the collector of garbage need not look at it again."""
    if database := sys.modules.get("storage.database"):
        compiled = {"compiled_cache": _Compiled()}
        database.create_engine = partial(database.create_engine, execution_options=compiled)  # type: ignore[attr-defined]
    if pay := sys.modules.get("wechatpayv3.core"):  # each bot reads the same few keys: checking one takes 50 ms
        pay.load_private_key = cache(pay.load_private_key)  # type: ignore[attr-defined]
    if typer := sys.modules.get("typer.testing"):  # all commands are made anew for each that is run: 30 ms
        typer._get_command = cache(typer._get_command)  # type: ignore[attr-defined]
    if sandbox := sys.modules.get("bot.sandbox.keys"):
        sandbox._loaded_key = cache(sandbox._loaded_key)  # type: ignore[attr-defined]
    gc.freeze()  # without a last look, which would take half a second in each process
    gc.enable()
    gc.set_threshold(50_000, 20, 20)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for processes."""
    return (os.cpu_count() or 1) + 1


class _OneTownEach(LoadGroupScheduling):  # type: ignore[misc]
    """One process for each mode of tests/elsewhere, whose tests share an installation; else a test at a time.

    xdist 3.8 writes its groups into a place that pytest 9.2 does not read, so marks for groups do nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith("tests/elsewhere/"):
            return str(super()._split_scope(nodeid))
        return f"elsewhere on {'services' if 'redis-postgresql]' in nodeid else 'embedded'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling:
    """What hands the tests to the processes."""
    return _OneTownEach(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a service: how many tests ran on it, or were skipped for want of it. And what fault tests report."""
    passed = terminalreporter.stats.get("passed", ())
    for report in passed:
        for name, said in report.user_properties:
            if name == "fault points":  # whole where only a few tests were asked for
                terminalreporter.write_line(said if len(passed) < FEW else said.partition("\n")[0])
    for service, parameter in SERVICES.items():
        ran, skipped = (
            sum(parameter in report.nodeid for report in terminalreporter.stats.get(outcome, ()))
            for outcome in ("passed", "skipped")
        )
        if ran:
            terminalreporter.write_line(f"{service}: present, {ran} tests ran on it")
        elif skipped:
            terminalreporter.write_line(f"{service}: NOT present, {skipped} tests skipped", yellow=True)
