"""Options: numbered, paged and recognised from one list, so that these cannot disagree."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from dialogs.said import Shown
from dialogs.step import Option

PER_PAGE = 9
PAGE_BYTES = 1300  # of markup, so that with the text a reply stays below WeChat's 2,048 (facts/wechat.md A2)
MARKUP_BYTES = 80  # of one option besides its label, which stands twice

DIGITS = "一二三四五六七八九"
NUMERALS = (
    {digit: number for number, digit in enumerate(DIGITS, 1)}
    | {f"十{digit}": 10 + number for number, digit in enumerate(DIGITS, 1)}
    | {"十": 10, "两": 2, "俩": 2, "二十": 20}
)
CAPITALS = str.maketrans("壹贰貳叁參肆伍陆陸柒捌玖拾", "一二二三三四五六六七八九十")  # figures as cheques have them
ORDINAL = re.compile(r"(?:第|选|选第)?(\d{1,3}|[一二三四五六七八九十两俩]{1,2})(?:个|项|条|笔|档|号|家)?")
# What people say around an answer: 我选1, 就1吧, 那就500元. No word that denies or asks is among these.
LEAD = r"(?:我?(?:就|要|想)?(?:选择|选|要|回复)|那?我?就(?:是)?|(?:选项|答案|数字|序号)(?:是)?|嗯|哦|噢)"
TAIL = r"(?:吧|呢|啊|呀|哦|噢|啦|哈|嘛|咯|哟|好了|就好|就行|就可以|谢谢(?:您|你)?)"
AROUND = re.compile(rf"{LEAD}?(.+?){TAIL}?")
COUNTERS = re.compile("[第个笔条项号要选]")
RANGE = re.compile(r"(\d{1,3})(?:\s*[-~—到至]\s*(\d{1,3}))?")
SEVERAL = re.compile(rf"(?:{RANGE.pattern}[\s,、;.和，。]+)*\d{{1,3}}\s*(?:[-~—到至,、;.和，。]|\s)\s*\d{{1,3}}")
FILLER = re.compile(r"[\s、,，。!！?？~～:：;；'\"“”‘’()（）]+|(?<!\d)\.|\.(?!\d)")  # the point of 80.50元 stays


def pages(options: Sequence[Option]) -> list[range]:
    """Which options stand on which page: at most nine that are numbered, and no more than a reply can carry."""
    found: list[range] = []
    start, size, count = 0, 0, 0
    for index, option in enumerate(options):
        cost = 2 * len(option.label.encode()) + MARKUP_BYTES + len(option.url)
        if option.numbered and index > start and (count == PER_PAGE or size + cost > PAGE_BYTES):
            found.append(range(start, index))
            start, size, count = index, 0, 0
        size += cost
        count += option.numbered
    return [*found, range(start, len(options))]


def show(
    options: Sequence[Option], sheets: Sequence[range], page: int, revision: int, more: str, fewer: str
) -> tuple[Shown, ...]:
    """The options of one of the `pages` as they are shown; `more` and `fewer` are the labels that turn the page."""
    if not options:
        return ()
    numbers = _numbers(options)
    sheet = sheets[min(page, len(sheets) - 1)]
    lines = [_shown(options[index], f"{revision}.{index}", numbers.get(index)) for index in sheet]
    if page + 1 < len(sheets):
        lines.append(Shown(f"{revision}.next", more))
    if page > 0:
        lines.append(Shown(f"{revision}.before", fewer))
    return tuple(lines)


def plain(text: str) -> str:
    """Words as they are compared: half-width, lower case, without spaces and punctuation."""
    return FILLER.sub("", unicodedata.normalize("NFKC", text)).lower()


@lru_cache(maxsize=4096)
def plain_label(label: str) -> str:
    """A label as it is compared; labels come back turn after turn, what citizens type is not kept."""
    return plain(label)


def exactly(text: str, options: Sequence[Option]) -> Option | None:
    """The option meant by its number, its whole label, its amount, or another word for it.

    With polite words around it (我选1, 500元吧) a number and a label count as they do alone; other words for an option
    do not, as these are often what one says before deciding (撤回吧).
    """
    said = plain(text)
    if not said or not options:
        return None
    if option := _named(said, options):
        return option
    around = AROUND.fullmatch(said)
    option = _named(around[1], options) if around else None
    return option if option and around and not _has_alias(option, around[1]) else None


def _named(said: str, options: Sequence[Option]) -> Option | None:
    """The option that is called exactly so; `said` is as `plain` gives it."""
    said = said.translate(CAPITALS) if ORDINAL.fullmatch(said.translate(CAPITALS)) else said
    if match := ORDINAL.fullmatch(said):
        numbers = {number: options[index] for index, number in _numbers(options).items()}
        number = int(match[1]) if match[1].isdecimal() else NUMERALS.get(match[1], 0)
        # "第一档" among tiers is the first of them; where options are acts it speaks of a tier, not of 确认缴费
        if number in numbers and not (said.endswith("档") and numbers[number].act):
            return numbers[number]
    labelled = [option for option in options if plain_label(option.label) == said]
    found = labelled or [option for option in options if _is_called(option, said)]
    return found[0] if len(found) == 1 else None


def is_several(text: str) -> bool:
    """Whether more than one number is meant: "1 3 5", "1、3", "1-4"."""
    return bool(SEVERAL.fullmatch(_bare(text)))


def numbers_of(text: str, most: int) -> tuple[int, ...]:
    """The numbers meant by such words, sorted; none where one is not among 1 to `most`, or these are other words."""
    if not is_several(text):
        return ()
    found: set[int] = set()
    for begin, end in RANGE.findall(_bare(text)):
        first, last = int(begin), int(end or begin)
        if not 1 <= first <= last <= most:
            return ()
        found |= {*range(first, last + 1)}
    return tuple(sorted(found))


def _bare(text: str) -> str:
    """Numbers and what stands between them: "第1笔和第2笔" is "1和2"."""
    return COUNTERS.sub("", unicodedata.normalize("NFKC", text)).strip().rstrip("。.,，、")


def partly(text: str, options: Sequence[Option]) -> Option | None:
    """The only option whose label holds these words; a number counts only whole ("50" is not part of "500元")."""
    said = plain(text)
    if len(said) < 2:
        return None
    found = [option for option in options if _holds(plain_label(option.label), said)]
    return found[0] if len(found) == 1 else None


def _holds(label: str, said: str) -> bool:
    """Whether the words stand in the label, with no figure of a longer number on either side of theirs."""
    start = label.find(said)
    while start >= 0:
        before, after = label[start - 1 : start], label[start + len(said) : start + len(said) + 1]
        if not (_is_figure(said[0]) and _is_figure(before)) and not (_is_figure(said[-1]) and _is_figure(after)):
            return True
        start = label.find(said, start + 1)
    return False


def _is_figure(sign: str) -> bool:
    return sign.isdigit() or sign == "."


def _is_called(option: Option, said: str) -> bool:
    """Whether these words are another name for it than its label: the bare amount, 500块, a word of its own."""
    bare = plain_label(option.label).removesuffix("元")
    return said in (bare, f"{bare}块") or _has_alias(option, said)


def _has_alias(option: Option, said: str) -> bool:
    return said in map(plain_label, option.also)


def _numbers(options: Sequence[Option]) -> dict[int, int]:
    numbered = [index for index, option in enumerate(options) if option.numbered]
    return {index: number for number, index in enumerate(numbered, 1)}


def _shown(option: Option, tap_id: str, number: int | None) -> Shown:
    if option.go and option.value is None:
        return Shown(f"go:{option.go}", option.label, number)
    return Shown(tap_id, option.label, number, option.url)
