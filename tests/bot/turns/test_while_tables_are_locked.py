"""While an import or another writer has the lock of the tables, conversations go on and each message is answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialogs.texts import say
from storage.agency.importing import ImportResult, import_file
from storage.database import writing
from storage.sealing import FieldSeal
from tests.bot.served import NAME, NUMBER, Bot, installed
from tests.storage.agency_files import ENROLMENT, write_file

PENSION, MEDICAL, AGREE = "pay.pension", "pay.medical", "同意"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with installed(tmp_path) as one:
        one.serve()
        yield one


class PausedImport:
    """A real import of some thousand rows that stops in the middle until it is let go."""

    def __init__(self, bot: Bot) -> None:
        rows = [ENROLMENT | {"row_no": str(n), "person_no": f"9{n:06}"} for n in range(1, 2_501)]
        self._file = write_file(bot.folder / "enrolments.csv", *rows)
        self._bot = bot
        self._reached, self._go_on = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._result = self._pool.submit(self._run)
        assert self._reached.wait(60)

    def _run(self) -> ImportResult:
        engine, seal = self._bot.engine, FieldSeal.read(self._bot.folder / "field.key")
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        try:
            return import_file("enrolments", self._file, engine, seal, today=today, progress=self._pause)
        finally:
            engine.dispose()

    def _pause(self, rows: int, total: int | None) -> None:
        self._reached.set()
        assert self._go_on.wait(60)

    def finish(self) -> ImportResult:
        self._go_on.set()
        with self._pool:
            return self._result.result(60)


def test_conversations_go_on_while_an_import_runs(bot: Bot) -> None:
    ann, ben = bot.sandbox.wechat.phone("oAnn"), bot.sandbox.wechat.phone("oBen")
    ann.click(PENSION)
    [asked] = ann.tap(AGREE)
    assert "身份证号码" in asked.text
    running = PausedImport(bot)
    try:
        assert "姓名" in ann.type(NUMBER)[0].text
        assert "500" in ann.type(NAME)[-1].text
        assert "就是同意" in ben.click(MEDICAL)[0].text
        assert "身份证号码" in ben.tap(AGREE)[0].text  # a consent is written into the tables
    finally:
        assert running.finish().added == 2_500
    assert not ann.failures + ben.failures


def test_a_turn_that_must_write_says_politely_that_it_could_not(bot: Bot) -> None:
    ann = bot.sandbox.wechat.phone("oAnn")
    ann.click(PENSION)
    ben = bot.sandbox.wechat.phone("oBen")
    with writing(bot.engine):
        assert "就是同意" in ben.click(MEDICAL)[0].text  # who writes nothing notices nothing
        replies = [ann.tap(AGREE), ann.tap(AGREE)]
    sentence = say("machine.unavailable")
    assert [[bubble.text for bubble in reply] for reply in replies] == [[sentence], [sentence]]
    assert "身份证号码" in ann.tap(AGREE)[0].text
    assert not ann.failures
    assert not [bubble for bubble in ann.inbox if bubble.pushed]


def test_a_message_that_waited_in_line_is_answered_in_time_too(bot: Bot) -> None:
    ann = bot.sandbox.wechat.phone("oAnn")
    ann.click(PENSION)
    with writing(bot.engine), ThreadPoolExecutor(2) as hands:
        replies = [one.result() for one in [hands.submit(ann.tap, AGREE), hands.submit(ann.tap, AGREE)]]
    assert [[bubble.text for bubble in reply] for reply in replies] == [[say("machine.unavailable")]] * 2
    assert not ann.failures
