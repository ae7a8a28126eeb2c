"""Commands refuse settings that are unsafe or of the wrong kind: one line, exit 2, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    config = folder / "bot.toml"
    config.write_text((ROOT / "bot.toml").read_text("utf-8"), "utf-8")
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), command, "--config", str(config)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_sandbox_on_a_public_address_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", BOT_SERVER__PUBLIC_URL="https://bot.example.cn")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("server.public_url: must be a loopback address")
    assert [file.name for file in tmp_path.iterdir()] == ["bot.toml"]


@pytest.mark.parametrize("command", ["serve", "doctor", "worker"])
def test_a_certificate_in_place_of_the_key_is_named_by_each_command(tmp_path: Path, command: str) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"
    done = run(tmp_path, command, BOT_SANDBOX__ENABLED="false", BOT_PAY__PRIVATE_KEY=certificate)
    assert done.returncode == 2
    assert "pay.private_key: is a certificate, not the key" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
