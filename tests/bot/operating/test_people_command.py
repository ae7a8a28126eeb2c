"""`people spellings` and `people unprintable` as an operator types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from bot.commands import app
from storage.database import open_database
from storage.sealing import FieldSeal
from tests.storage.agency_files import ENROLMENT, take, take_demo, write_file


def test_spellings_are_listed_one_a_line_and_as_json(tmp_path: Path, migrated_file: Path) -> None:
    shutil.copyfile(migrated_file, tmp_path / "bot.db")
    FieldSeal.create(tmp_path / "field.key")
    (tmp_path / "bot.toml").write_text('[storage]\ndatabase = "sqlite:///bot.db"\nfield_key = "field.key"\n')
    engine, seal = open_database(f"sqlite:///{tmp_path / 'bot.db'}"), FieldSeal.read(tmp_path / "field.key")
    take_demo(engine, seal, "institutions")
    medical = {"row_no": "2", "insurance": "medical", "inst_code": "360102YB01", "person_no": "8", "name": "黃三"}
    take(engine, seal, "enrolments", write_file(tmp_path / "e.csv", ENROLMENT | {"name": "黄三"}, ENROLMENT | medical))
    command = ["people", "spellings", "--config", str(tmp_path / "bot.toml")]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "3699**********0021 黄*：medical 360102YB01 8 写法不同，黄/黃",
        "一共 1 处。",
    ]
    listed = [json.loads(line) for line in CliRunner().invoke(app, [*command, "--json"]).stdout.splitlines()]
    assert [one["difference"] for one in listed] == ["黄/黃"]
    assert ENROLMENT["id_no"] not in shown.stdout


def test_names_that_no_font_has_are_listed_with_their_characters(tmp_path: Path, migrated_file: Path) -> None:
    shutil.copyfile(migrated_file, tmp_path / "bot.db")
    FieldSeal.create(tmp_path / "field.key")
    (tmp_path / "bot.toml").write_text('[storage]\ndatabase = "sqlite:///bot.db"\nfield_key = "field.key"\n')
    engine, seal = open_database(f"sqlite:///{tmp_path / 'bot.db'}"), FieldSeal.read(tmp_path / "field.key")
    take_demo(engine, seal, "institutions")
    other = ENROLMENT | {"row_no": "2", "person_no": "8", "id_no": "369902198511030032", "name": "王\ue863"}
    rows = [ENROLMENT | {"name": "王\ue010"}, other]
    take(engine, seal, "enrolments", write_file(tmp_path / "e.csv", *rows))
    shown = CliRunner().invoke(app, ["people", "unprintable", "--config", str(tmp_path / "bot.toml")])
    assert shown.stdout.splitlines() == ["3699**********0021 王*：U+E010", "一共 1 位。"]
