"""What a line typed into the terminal WeChat means: a message, a finger on something, or a word to the console."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.console.messages import word
from dialogs.transcript import TYPED, VERBS, Action, duration

Own = Literal["help", "quit", "menu", "pay", "scan", "phone", "unclear"]

# The slash as typed, full-width, and what its key gives in a Chinese input method.
SLASHES = "/／、"

OWN: dict[str, Own] = {
    "帮助": "help",
    "?": "help",
    "？": "help",
    "help": "help",
    "退出": "quit",
    "quit": "quit",
    "exit": "quit",
    "菜单": "menu",
    "付款": "pay",
    "扫码": "scan",
    "手机": "phone",
}
DEEDS = {
    "点": "点",
    "点旧": "点旧",
    "等": "等待",
    "等待": "等待",
    "图片": "图片",
    "语音": "语音",
    "视频": "视频",
    "位置": "位置",
    "链接": "链接",
    "关注": "关注",
    "取消关注": "取消关注",
}
EXAMPLES = {"点": "/点 2", "点旧": "/点旧 500元", "菜单": "[菜单] 全部服务", "扫码": "[扫码] 1", TYPED: "[打字] /帮助"}
# Actions of transcripts that need a bot started for them.
ELSEWHERE = ("故障", "重启", "更新", "打开", "照着打", "收银台", "输密码", "抄漏链接", "来文件", "退款不说去处")


@dataclass(frozen=True, slots=True)
class Command:
    """A word to the console; for `unclear`, `words` is the sentence that says why."""

    verb: Own
    words: str = ""


def meant(line: str) -> Action | Command | None:
    """What the line means; None for an empty one."""
    text = line.strip()
    if not text:
        return None
    if found := re.fullmatch(r"\[([^\s\]]+)(?:\s+([^\]]*))?\](.*)", text):
        verb, words = found[1], f"{found[2] or ''} {found[3]}".strip()
        if verb in VERBS:  # else a text that begins so, like [微笑]
            return _done(verb, words)
    if text[0] in SLASHES:
        return _slashed(text)
    if found := re.fullmatch(r"点 +(.+)", text):
        return Action("点", found[1])
    return Action(TYPED, line)


def _slashed(text: str) -> Action | Command:
    verb, _, words = text[1:].strip().partition(" ")
    words = words.strip()
    if re.fullmatch(r"[1-9]", verb):
        return Command("menu", f"{verb} {words}".strip())
    if found := re.fullmatch(r"([1-9])[-.]?([1-9])", verb):
        return Command("menu", f"{found[1]} {found[2]}")
    if verb in OWN:
        return Command(OWN[verb], words)
    if verb in DEEDS:
        return _done(DEEDS[verb], words)
    if found := re.fullmatch(r"(等待?|点旧?)(\S+)", verb):  # the space left out
        return _done(DEEDS[found[1]], f"{found[2]} {words}".strip())
    if text[0] not in SLASHES[:2]:  # an enumeration comma that begins a text
        return Action(TYPED, text)
    return Command("unclear", word("trouble.unclear", words=text.split()[0]))


def _done(verb: str, words: str) -> Action | Command:
    if verb in ELSEWHERE:
        return Command("unclear", word("trouble.not_here", words=verb))
    if verb == "等待" and duration(words) is None:
        return Command("unclear", word("trouble.wait"))
    if VERBS[verb] == "always" and not words:
        return Command("unclear", word("trouble.missing", words=verb, example=EXAMPLES[verb]))
    return Action(verb, words)
