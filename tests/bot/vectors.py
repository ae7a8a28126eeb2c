"""Foreign samples, read in place and never kept; a test that needs one is skipped aloud where they are absent."""

import json
from pathlib import Path
from typing import Any

import pytest

PAY = Path(__file__).parents[3] / "shared" / "data" / "vectors" / "pay"


def foreign(name: str) -> bytes:
    path = PAY / name
    if not path.exists():
        pytest.skip(f"no foreign sample {name} here")
    return path.read_bytes()


def foreign_json(name: str) -> Any:
    return json.loads(foreign(name))
