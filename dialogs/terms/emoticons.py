"""Pictures among the characters of a message: emoji, WeChat's own emoticons, and the texts that stand for stickers."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# A sticker, and whatever else WeChat does not pass on, arrives as one of a few fixed texts in brackets:
# 【收到不支持的消息类型，暂无法显示】, [收到不支持的消息类型,暂时无法显示] or [Unsupported Message], say developers.
_NOT_PASSED_ON: Final = re.compile(
    r"\s*[\[【(（〔].{0,20}?"
    r"(?:不支持的(?:消息|訊息|信息)|不支援的|(?:无法|無法)(?:显示|顯示|查看)|(?:动画|動畫)表情|[貼贴][圖图]"
    r"|unsupported|not supported|sticker)"
    r".{0,40}[\]】)）〕]\s*",
    re.IGNORECASE,
)

# WeChat's emoticons are written in three ways: [呲牙], /呲牙 and /::D.
_BRACKETED: Final = re.compile(r"\[[\u3400-\u9fffA-Za-z]{1,12}\]")
_CODED: Final = re.compile(r"/:[!-~]{1,7}(?=\s|$|[^!-~])")
_SLASHED: Final = re.compile(
    "/(?:微笑|撇嘴|色|发呆|得意|流泪|害羞|闭嘴|睡|大哭|尴尬|发怒|调皮|呲牙|惊讶|难过|酷|偷笑|可爱|愉快|憨笑|抱拳|强"
    "|握手|胜利|OK|玫瑰|爱心|拥抱|再见|鼓掌|坏笑|疑问|晕)"
)
_FACES: Final = re.compile(r"\^[_\-.]?\^|[:;]-?[)D](?=\s|$)")
_MODIFIERS: Final = re.compile("[\u200d\u20e3\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
# Of category So as emoji are, and no pictures: ✓ before a marked option, shapes typed for a dot or for a character that
# a keyboard does not have (●, □), radicals in names of old systems.
_NO_PICTURES: Final = re.compile("[\u2713\u25a0-\u25ff\u2e80-\u2fdf]")
_IN_ASCII: Final = frozenset("/[^:;")
_ROUND_DIGITS: Final = str.maketrans(
    {chr(first + step): str(step + 1) for first in (0x2776, 0x2780, 0x278A) for step in range(9)} | {"\U0001f51f": "10"}
)


def is_sticker_text(text: str) -> bool:
    """Return whether the whole text is what WeChat puts in place of a sticker or of another kind of message."""
    return bool(_NOT_PASSED_ON.fullmatch(text))


def without_emoticons(text: str) -> str:
    """Return the text without emoji and emoticons, and with keycaps (1️⃣) and round digits (❶) as digits.

    A text of nothing but these stays as it is: it is an answer of its own, not an empty one.
    """
    return _without(text) or text


def has_only_emoticons(text: str) -> bool:
    """Return whether nothing is left of the text without emoji and emoticons."""
    return not _without(text)


def _without(text: str) -> str:
    if text.isascii() and not _IN_ASCII.intersection(text):
        return text
    bare = text.translate(_ROUND_DIGITS)
    for pattern in (_BRACKETED, _CODED, _SLASHED, _FACES, _MODIFIERS):
        bare = pattern.sub("", bare)
    return "".join(one for one in bare if not _is_picture(one)).strip()


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So" and not _NO_PICTURES.match(character)
