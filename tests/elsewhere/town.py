"""One installation of the bot in processes of its own, between this WeChat and this WeChat Pay, and its people."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.elsewhere.account import Account
from tests.elsewhere.agency_file import write_file
from tests.elsewhere.ground import Bell, Clock, Violations
from tests.elsewhere.handset import Handset
from tests.elsewhere.merchant import Merchant
from tests.processes.quick import Loaded, Quick

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://jiaofei.example"
PLACES = {"pension": "360102YL01", "medical": "360102YB01"}
PEOPLE = 80
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
SURNAMES, GIVEN = "试测样例演示", "一二三四五六七八九十"


@dataclass(frozen=True)
class Person:
    """A made-up insured; the division 369998 is nobody's."""

    number: str
    name: str

    @property
    def masked(self) -> str:
        """As the bot writes the name."""
        return f"{self.name[0]}*{self.name[-1]}"


class Town:
    """Everything one mode's tests share; `storage` is laid over the embedded default."""

    def __init__(self, folder: Path, storage: dict[str, str], *, worker: bool) -> None:
        self.folder, self.storage = folder, storage
        self.clock, self.violations, self.bell = Clock(folder / "clock"), Violations(), Bell()
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.account = Account(self.clock, self.violations, self.bell)
        self.merchant = Merchant(
            self.clock, self.violations, self.bell, self.account.app_id, f"{PUBLIC_URL}/pay/notify", self.url
        )
        self._everybody = _people()
        self._people = iter(self._everybody)
        self._processes: list[subprocess.Popen[str]] = []
        self._loaded = Loaded(self._environment)  # by this town's clock
        self._worker = worker

    # -- setting up

    def start(self) -> None:
        """Configure, load the agencies' data, serve."""
        self._write_configuration()
        (self.folder / "field.key").write_text(b64encode(secrets.token_bytes(32)).decode())
        assert self.command("seed")[0] == 0
        self._write_enrolments(self.folder / "enrolments.csv")
        code, said = self.command("import", "enrolments", str(self.folder / "enrolments.csv"))
        assert code == 0, said
        self._begin(["serve"], f"ready {self.url}\n")
        if self._worker:
            self._begin(["worker"], "ready worker\n")

    def stop(self) -> None:
        """End the processes as an operator does; each finishes what it was doing and ends with 0."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        ends = []
        for process in self._processes:
            try:
                process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            ends.append(process.returncode)
        self._loaded.end()
        self.account.server.stop()
        self.merchant.server.stop()
        log = (self.folder / "said.log").read_text("utf-8")
        assert ends == [0] * len(ends), log[-3000:]
        assert "Traceback" not in log, log[-5000:]

    def command(self, *words: str) -> tuple[int, str]:
        """`run.py` with these words: exit code, and what it said."""
        with self._process(words, stderr=subprocess.PIPE) as process:
            said = process.communicate(timeout=60)
        return process.returncode, "".join(said)

    def hurry(self, fact: Callable[[], object], what: str) -> None:
        """Let time pass quickly until it is so; `what` says it where it never is."""

        def sooner() -> object:
            self.clock.move(3)
            return fact()

        self.bell.until(sooner, what)

    def logged(self, event: str, **facts: object) -> dict[str, Any]:
        """The newest line of this event with these facts in the bot's log; empty where there is none."""
        found: dict[str, Any] = {}
        for line in (self.folder / "said.log").read_text("utf-8").splitlines():
            if f'"{event}"' in line:
                told = json.loads(line)
                found = told if told["event"] == event and told.items() >= facts.items() else found
        return found

    @property
    def on_services(self) -> bool:
        """Whether this installation stands on Redis and PostgreSQL."""
        return self._worker

    # -- who is there

    def phone(self) -> Handset:
        """A citizen who never spoke to the bot."""
        return Handset(self.account, self.merchant, PUBLIC_URL, self.url)

    def person(self) -> Person:
        """Somebody enrolled in both insurances at one place, who has paid nothing, and whom nobody spoke of."""
        return next(self._people)

    def index_of(self, person: Person) -> int:
        """The place of a person in the agencies' files."""
        return self._everybody.index(person)

    # -- inside

    @property
    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        laid = [str(Path(__file__).parent / "clocked"), clean.get("PYTHONPATH", "")]
        return clean | {"ELSEWHERE_CLOCK": str(self.clock.file), "PYTHONPATH": os.pathsep.join(filter(None, laid))}

    def _process(self, words: Sequence[str], stderr: IO[str] | int) -> Quick:
        command = [sys.executable, "run.py", *words, "--config", str(self.folder / "bot.toml")]
        pipe, environment = subprocess.PIPE, self._environment
        return Quick(
            command, loaded=self._loaded, cwd=ROOT, env=environment, stdout=pipe, stderr=stderr, encoding="utf-8"
        )

    def _begin(self, words: list[str], ready: str) -> None:
        with (self.folder / "said.log").open("a", encoding="utf-8") as log:
            process = self._process(words, stderr=log)
        self._processes.append(process)
        assert process.stdout
        said = process.stdout.readline()
        assert said == ready, (said, (self.folder / "said.log").read_text("utf-8")[-3000:])

    def _write_configuration(self) -> None:
        account, merchant = self.account, self.merchant
        sections: dict[str, dict[str, object]] = {
            "server": {"host": "127.0.0.1", "port": self.port, "public_url": PUBLIC_URL, "threads": 8},
            "wechat": {
                "app_id": account.app_id,
                "secret": account.secret,
                "token": account.token,
                "encoding_aes_key": account.aes_key,
                "api_base": account.server.url,
                "notice_template": account.template_id,
            },
            "pay": {
                "mch_id": merchant.mch_id,
                "api_v3_key": merchant.api_v3_key,
                "serial_no": merchant.serial_no,
                "private_key": merchant.key.private_pem,
                "platform_public_key": merchant.platform_key.public_pem,
                "platform_public_key_id": merchant.platform_key_id,
                "api_base": merchant.server.url,
            },
            "storage": {"database": "sqlite:///bot.db", "field_key": "field.key", **self.storage},
            "certificate": {"issuer": "别处市税务局（测试）", "wechat_qr": True},
            "sandbox": {"enabled": False},
        }
        lines = []
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        (self.folder / "bot.toml").write_text("\n".join(lines) + "\n", "utf-8")

    def _write_enrolments(self, path: Path) -> None:
        """The agencies' file of everybody."""
        columns = (
            "batch_no,row_no,op,insurance,inst_code,person_no,id_type,id_no,name,identity_code,status,"
            "valid_from,valid_to"
        )
        rows = [
            ["ELSEWHERE1", f"{2 * number + at}", "A", kind, place, f"998{number:010}", "201", one.number, one.name]
            + ["011", "active", "2012-01-01", ""]
            for number, one in enumerate(self._everybody)
            for at, (kind, place) in enumerate(PLACES.items(), 1)
        ]
        write_file(path, columns, rows, "0.00")


def _people() -> list[Person]:
    return [Person(_number(index), _name(index)) for index in range(PEOPLE)]


def _number(index: int) -> str:
    body = f"369998{1975 + index % 24}{index % 12 + 1:02}{index % 28 + 1:02}{index:03}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def _name(index: int) -> str:
    return SURNAMES[index % 6] + SURNAMES[index // 6 % 6] + GIVEN[index % 10]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
