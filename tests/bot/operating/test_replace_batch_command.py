"""`import --replace-batch` as an operator types it: what would change is said, and it is asked twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from bot.commands import app
from storage.database import open_database, reading
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, take, take_demo, write_file


class Desk:
    """A bureau's machine on which a batch of two rows was read wrongly, and the right file."""

    def __init__(self, folder: Path, migrated_file: Path) -> None:
        shutil.copyfile(migrated_file, folder / "bot.db")
        FieldSeal.create(folder / "field.key")
        self._config = folder / "bot.toml"
        self._config.write_text('[storage]\ndatabase = "sqlite:///bot.db"\nfield_key = "field.key"\n')
        self._engine = open_database(f"sqlite:///{folder / 'bot.db'}")
        self._seal = FieldSeal.read(folder / "field.key")
        take_demo(self._engine, self._seal, "institutions")
        li = ENROLMENT | {"row_no": "2", "person_no": "8", "id_no": "369902198511030032"}
        rows = [ENROLMENT | {"name": "浣曟祴"}, li | {"name": "鏉庢祴"}]
        take(self._engine, self._seal, "enrolments", write_file(folder / "wrong.csv", *rows))
        self._file = write_file(folder / "right.csv", ENROLMENT | {"name": "何测"}, li | {"name": "李测"})

    def replace(self, *options: str, typed: str = "") -> Result:
        words = ["import", "enrolments", str(self._file), "--replace-batch", *options, "--config", str(self._config)]
        return CliRunner().invoke(app, words, input=typed)

    def names(self) -> set[str]:
        with reading(self._engine) as connection:
            return {self._seal.open(name) for name in connection.execute(text("SELECT name FROM person")).scalars()}


@pytest.fixture
def desk(tmp_path: Path, migrated_file: Path) -> Desk:
    return Desk(tmp_path, migrated_file)


@pytest.mark.parametrize(("typed", "code"), [("n\n", 0), ("y\n3\n", 2), ("y\n\n", 1), ("", 1)])
def test_unless_both_questions_are_answered_nothing_is_changed(desk: Desk, typed: str, code: int) -> None:
    said = desk.replace(typed=typed)
    assert said.exit_code == code
    assert "批次 B1：文件 2 行。以前收过、内容不同的 2 行要更正，其中登记的内容会变的 2 行" in said.stdout
    assert desk.names() == {"浣曟祴", "鏉庢祴"}


def test_after_both_answers_the_batch_is_right_and_a_repetition_has_nothing_to_do(desk: Desk) -> None:
    assert desk.replace(typed="y\n2\n").exit_code == 0
    assert desk.names() == {"何测", "李测"}
    again = desk.replace()
    assert (again.exit_code, "没有要更正的行" in again.stdout) == (0, True)


def test_a_script_says_the_number_of_rows(desk: Desk) -> None:
    assert desk.replace("--confirm", "1").exit_code == 2
    assert desk.names() == {"浣曟祴", "鏉庢祴"}
    assert desk.replace("--confirm", "2").exit_code == 0
    assert desk.names() == {"何测", "李测"}
