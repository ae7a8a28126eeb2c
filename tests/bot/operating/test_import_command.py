"""`import` as an operator types it: what a file is, and what to do, in a line each; nothing of it is taken."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.commands import app
from storage.database import open_database
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, count, take_demo, write_control, write_file


class Desk:
    """A bureau's machine that knows the demo's institutions."""

    def __init__(self, folder: Path, migrated_file: Path) -> None:
        shutil.copyfile(migrated_file, folder / "bot.db")
        FieldSeal.create(folder / "field.key")
        self.config = folder / "bot.toml"
        self.config.write_text('[storage]\ndatabase = "sqlite:///bot.db"\nfield_key = "field.key"\n')
        self.engine = open_database(f"sqlite:///{folder / 'bot.db'}")
        take_demo(self.engine, FieldSeal.read(folder / "field.key"), "institutions")

    def run(self, file: Path, *options: str) -> Result:
        return CliRunner().invoke(app, ["import", "enrolments", str(file), *options, "--config", str(self.config)])


@pytest.fixture
def desk(tmp_path: Path, migrated_file: Path) -> Desk:
    return Desk(tmp_path, migrated_file)


def refused(desk: Desk, file: Path, *options: str) -> str:
    """What the operator reads; two lines, and nothing was taken."""
    said = desk.run(file, *options)
    assert (said.exit_code, count(desk.engine, "enrolment")) == (1, 0)
    reason, outcome = said.stderr.strip().splitlines()
    assert outcome == "整个文件没有收下，数据库没有改动。"
    return reason


def test_a_workbook_called_csv(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    write_control(path, rows=1)
    assert refused(desk, path) == (
        "e.csv 是 Excel 工作簿（xlsx）：请打开它，另存为“CSV UTF-8（逗号分隔）”再导入，.ctl 也要按新文件重写"
    )


def test_utf8_named_gb18030_is_taken_once_it_is_named_utf8(desk: Desk, tmp_path: Path) -> None:
    path = write_file(tmp_path / "e.csv", ENROLMENT | {"name": "何测"})
    assert "--encoding utf-8" in refused(desk, path, "--encoding", "gb18030")
    assert desk.run(path).exit_code == 0
    assert count(desk.engine, "enrolment") == 1
