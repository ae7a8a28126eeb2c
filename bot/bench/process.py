"""A server process under measurement: started, watched through /proc, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class DidNotStart(RuntimeError):
    """It ended before it said that it is ready; holds the end of what it said."""


@dataclass(frozen=True)
class Server:
    """One that answers; `port` is on the loopback."""

    process: subprocess.Popen[str]
    port: int

    def cpu_seconds(self) -> float:
        """User and system time of the main process and its children so far; 0 where there is no /proc."""
        ticks = 0
        for pid in self.family():
            fields = _read(pid, "stat").rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if fields else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Resident memory of the main process and its children; pages they share are counted in each."""
        pages = sum(int((_read(pid, "statm").split() or ["0", "0"])[1]) for pid in self.family())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def family(self) -> list[int]:
        """The main process and its children."""
        pid = self.process.pid
        return [pid, *(int(child) for child in _read(pid, f"task/{pid}/children").split())]

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def start(arguments: list[str], log: Path) -> Server:
    """Run Python with these arguments and wait for its `ready`; what it says to standard error goes to `log`."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout
    line = process.stdout.readline()
    if not line.startswith("ready http://"):
        process.kill()
        process.communicate()
        raise DidNotStart("\n".join(log.read_text().splitlines()[-5:]))
    return Server(process, int(line.strip().rpartition(":")[2]))


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""
