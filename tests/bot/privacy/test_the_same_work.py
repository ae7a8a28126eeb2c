"""An unknown number and another name take the same words and the same work, so that no clock tells who is enrolled.

What is compared is not time but what takes it: every statement that reaches SQLite, every field opened or sealed, every
look-up key, in the whole bot behind HTTP.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bot.replay.performer import ScenePerformer
from bot.replay.stage import Props, staged
from dialogs.transcript import Action
from dialogs.transcript_reading import read
from storage.registry import StoredRegistry
from storage.sealing import FieldSeal

SCENE = read("@时间 2026-11-23 09:00\n@数据 demo\n@作为 暖场\n> 好\n@作为 有\n> 好\n@作为 没有\n> 好")
ENROLLED, NOBODY, ANOTHER = "369902198511030032", "440308199901101512", "369901197005210021"
WRONG_NAME = "张试十一"
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|x'[0-9a-f]*'", re.IGNORECASE)
PAY = (Action("菜单", "医疗保险费缴纳"),)
PAY_ASSESSED = (Action("菜单", "养老核定缴费"),)
KEEP = (Action("菜单", "常用联系人"), Action("点", "加一个人"))
LOOK_UP = (Action("菜单", "参保信息"),)
CERTIFY = (Action("菜单", "缴费证明"), Action("点", "开别处缴的"))
CODE = (Action("点", "换一种"), Action("算"))

Work = list[str]


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """What is done meanwhile: statements without their values, and cryptography by its kind and the length it is on."""
    done: Work = []

    def listen(connection: Any, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(lambda sql: done.append(LITERAL.sub("?", sql)))

    def counted(name: str) -> Callable[[FieldSeal, str], str]:
        honest: Callable[[FieldSeal, str], str] = getattr(FieldSeal, name)

        def count(seal: FieldSeal, text: str) -> str:
            done.append(f"{name} {len(text)}")
            return honest(seal, text)

        return count

    for name in ("open", "seal", "look_up_key"):
        monkeypatch.setattr(FieldSeal, name, counted(name))
    event.listen(Engine, "connect", listen)
    try:
        yield done
    finally:
        event.remove(Engine, "connect", listen)


def asked(who: str, number: str, ways: tuple[Action, ...], scene: ScenePerformer, done: Work) -> list[tuple[Work, str]]:
    """What each step of asking about this number took, and what was said (the number is masked in it)."""
    begin, end = (ways[:-2], ways[-2:]) if ways[-1] in CODE else (ways, ())
    found = []
    for action in (*begin, Action("打字", number), Action("打字", WRONG_NAME), *end):
        done.clear()
        lines = scene.perform(who, action)
        work = sorted(one for one in done if not one.startswith("PRAGMA"))
        said = re.sub(r"（\d{4}\*+\d{3}[\dX]）|\d+ \+ \d+ = ？.*", "", "\n".join(map(str, lines)))
        found.append((work, said))
    return found


@pytest.mark.parametrize("ways", [PAY, PAY_ASSESSED, KEEP, LOOK_UP + CODE, CERTIFY + CODE])
def test_an_unknown_number_and_another_name_take_the_same_words_and_the_same_work(
    ways: tuple[Action, ...], props: Props, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(monkeypatch) as done, staged(SCENE, props) as scene:
        asked("暖场", ANOTHER, ways, scene, done)  # what is kept from one turn to the next is kept now
        unknown = asked("没有", NOBODY, ways, scene, done)
        enrolled = asked("有", ENROLLED, ways, scene, done)
    assert any("SELECT" in one for work, _ in enrolled for one in work), "no statement was seen"
    assert any("对不上" in said for _, said in enrolled)
    assert unknown == enrolled


def test_a_registry_that_opens_nothing_for_nobody_would_be_noticed(
    props: Props, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = StoredRegistry.confirm
    monkeypatch.setattr(
        StoredRegistry, "confirm", lambda self, key, name: honest(self, key, name) if self._find(key) else None
    )
    with watched(monkeypatch) as done, staged(SCENE, props) as scene:
        asked("暖场", ANOTHER, PAY, scene, done)
        assert asked("没有", NOBODY, PAY, scene, done) != asked("有", ENROLLED, PAY, scene, done)
