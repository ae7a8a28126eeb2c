"""Emoji, WeChat's emoticons and the texts that stand for stickers: what is left of an answer without them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.terms.emoticons import is_sticker_text, without_emoticons


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("王样三[微笑]", "王样三"),
        ("王样三/::)", "王样三"),
        ("王样三/微笑", "王样三"),
        ("王样三😊", "王样三"),
        ("[强]王样三", "王样三"),
        ("1👍🏽", "1"),
        ("1️⃣", "1"),
        ("❸", "3"),
        ("🔟", "10"),
        ("好的^_^", "好的"),
        ("500元 :)", "500元"),
        ("👨‍👩‍👧 全家", "全家"),
        ("买试●吐尔示", "买试●吐尔示"),  # a dot
        ("王□三", "王□三"),  # a character that was lost: to be refused, not left out
        ("✓ 李*二", "✓ 李*二"),  # the label of an option that is marked
        ("⼀二", "⼀二"),  # a radical in a name of an old system
        ("䶮样", "䶮样"),
        ("2026-11-23 09:00", "2026-11-23 09:00"),
        ("👌", "👌"),  # nothing else was said
        ("[微笑]", "[微笑]"),
        ("", ""),
    ],
)
def test_an_answer_is_left_without_its_emoticons(typed: str, left: str) -> None:
    assert without_emoticons(typed) == left


@given(st.text())
def test_nothing_but_an_empty_text_becomes_empty_and_twice_is_once(typed: str) -> None:
    left = without_emoticons(typed)
    assert bool(left) == bool(typed)
    assert without_emoticons(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "【收到不支持的消息类型，暂无法显示】",
        "[Unsupported Message]",
        "[收到不支持的消息类型,暂时无法显示]",
        " [unsupported message] ",
        "[收到不支援的訊息類型，無法顯示]",
        "【动画表情】",
        "[Sticker]",
    ],
)
def test_a_text_that_stands_for_a_sticker_is_known(text: str) -> None:
    assert is_sticker_text(text)


@pytest.mark.parametrize(
    "text", ["[微笑]", "收到不支持的消息类型", "你们不支持的消息类型有哪些", "（王样三）", "[强]500元", ""]
)
def test_what_a_citizen_types_is_no_sticker(text: str) -> None:
    assert not is_sticker_text(text)
