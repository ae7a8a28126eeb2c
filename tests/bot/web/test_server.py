"""Granian around an application: ready, serving, and a stop that finishes what was begun."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.web.server import AddressTaken, Listen, serve

ROOT = Path(__file__).parents[3]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []

    def run(factory: str = "tests.bot.serving:Tiny", port: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.bot.serving", factory, str(tmp_path), str(port)]
        begun.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield run
    (tmp_path / "go").touch()
    for process in begun:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=40)


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("ready http://127.0.0.1:")
    return line.split()[1]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def until(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, path.name
        time.sleep(0.01)


def test_it_says_ready_when_it_serves_and_ends_with_0_on_sigterm(start: Start, tmp_path: Path) -> None:
    process = start()
    url = address(process)
    assert get(f"{url}/hello") == "/hello"
    assert (tmp_path / "background").exists()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
    assert (tmp_path / "stopped").exists()


def test_a_request_in_flight_is_finished_on_sigterm(start: Start, tmp_path: Path) -> None:
    process = start()
    url = address(process)
    with ThreadPoolExecutor(1) as requests:
        slow = requests.submit(get, f"{url}/slow")
        until(tmp_path / "begun")
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        (tmp_path / "go").touch()
        assert slow.result(30) == "/slow"
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert (tmp_path / "stopped").exists()


def test_an_application_that_cannot_be_built_ends_with_1_and_never_says_ready(start: Start) -> None:
    process = start("tests.bot.serving:broken")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "no configuration" in err


def test_an_address_in_use_is_an_error_at_once() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"127.0.0.1:{port} is in use"):
            serve("tests.bot.serving:Tiny", listen=Listen(port=port))
