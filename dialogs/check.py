"""What can be known before anybody speaks: dead ends, unmet needs, missing texts. `python -m dialogs.check`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dialogs.checking import flows, texts
from dialogs.checking.finding import Finding
from dialogs.checking.source import python_sources
from dialogs.flows import MENU, SERVICES
from dialogs.step import Service
from dialogs.texts import sentences

ROOT = Path(__file__).resolve().parent.parent


def findings(
    services: Mapping[str, Service],
    menu: Mapping[str, Sequence[str]],
    said: Mapping[str, str],
    sources: Mapping[str, str],
) -> list[Finding]:
    """Everything wrong with these flows and texts. `said` are the texts by key, `sources` modules by dotted name."""
    trees = {name: ast.parse(text, name) for name, text in sources.items()}
    return [
        *flows.findings(services, menu, trees),
        *flows.labels(services, said),
        *texts.findings(services, said, trees),
    ]


def real_findings() -> list[Finding]:
    """The findings of the dialogs as they are."""
    return findings(SERVICES, MENU, sentences(), python_sources(ROOT))


def main() -> int:
    """Print each finding; 0 where there is none, else 1."""
    found = real_findings()
    for finding in found:
        print(finding)
    print(f"dialogs: {len(found)} findings" if found else "dialogs: nothing to find fault with")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
