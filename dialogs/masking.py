"""What a citizen said, as it may be kept: no ID number, no name, no code; enough of it to understand the conversation.

What is recognised (an option, a command, a service) is kept word for word. Of other words only those pairs of Chinese
characters stay that stand in the bot's own sentences (养老, 缴费, 多少), so that a name does not stay by accident.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache

from dialogs.choices import is_several, plain, plain_label
from dialogs.flows import SERVICES
from dialogs.terms.certificate import read_code, read_number
from dialogs.terms.identity import Document, NotADocument, NotAName, mask_name, read_document, read_typed_name
from dialogs.terms.number_in_text import FIGURES
from dialogs.texts import sentences
from dialogs.vocabulary import GREETINGS, THANKS, command_of

NAMED = frozenset({"insured", "lookup_name"})  # steps whose answer is a name
FEW_DIGITS, SOME_DIGITS = 4, 8
NUMBER, CODE, NAME = "证件号", "证明编号和查验码", "姓名"
LONGEST = 200
LABEL = 16  # a sentence of the bot's that is shorter may be an option
COUNTED = "元块年月日岁个笔项条号档"  # what stays behind a figure
EXAMPLES = frozenset({"insured.wrong", "lookup_name.wrong"})  # sentences that show a name
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
CODE_WORD = "查验码："
FEWEST_DIGITS = 12  # of an ID number: the old foreigner's card
_CODE_SHOWN = re.compile(rf"(?<={CODE_WORD})[0-9A-Z]{{4}}(?:-[0-9A-Z]{{4}}){{2}}")


def masked_words(text: str, asked: str, options: Collection[str], today: date) -> str:
    """`text` as it may be kept; `asked` is the step it answers, `options` the labels that were shown with it."""
    said = plain(text)
    if _is_known(said) or said in map(plain_label, options):
        return text.strip()
    if read_number(text) or (read_code(text) and asked.startswith("certificate")):
        return f"〔{CODE}〕"
    if document := _document(text, today):
        return f"〔{NUMBER} {document.masked}〕"
    if asked in NAMED:
        try:
            return f"〔{NAME} {mask_name(read_typed_name(text))}〕"
        except NotAName:
            pass
    return _loose(text)[:LONGEST]


def masked_reply(lines: Sequence[str]) -> tuple[str, ...]:
    """The bot's lines as they may be kept: the code with which anybody could verify a certificate is left out."""
    return tuple(_CODE_SHOWN.sub("****", line) if CODE_WORD in line else line for line in lines)


def _document(text: str, today: date) -> Document | None:
    if sum(sign.isdigit() or sign in FIGURES for sign in text) < FEWEST_DIGITS:
        return None
    try:
        return read_document(text, today)
    except NotADocument:
        return None


def _is_known(said: str) -> bool:
    return bool(command_of(said)) or said in GREETINGS or said in THANKS or said in _labels()


def _loose(text: str) -> str:
    digits = sum(sign.isdigit() for sign in text)
    few = digits <= FEW_DIGITS or (is_several(text) and digits <= SOME_DIGITS)
    found = text if few else re.sub(r"\d", "*", text)
    found = re.sub(r"[^\W\d_]", lambda match: _letter(match, found), found)
    return " ".join(found.split())


def _letter(match: re.Match[str], text: str) -> str:
    """A letter alone, where a pair of it and its neighbour is one of the bot's own; otherwise a star."""
    place, letter = match.start(), match[0]
    if not re.fullmatch(f"[{_HAN}]", letter):
        return "*"
    if letter in COUNTED and text[place - 1 : place].isdigit():
        return letter
    pairs = _pairs()
    return letter if text[place - 1 : place + 1] in pairs or text[place : place + 2] in pairs else "*"


@cache
def _labels() -> frozenset[str]:
    labels = [service.label for service in SERVICES.values()]
    return frozenset(map(plain_label, [*labels, *(text for text in sentences().values() if len(text) < LABEL)]))


@cache
def _pairs() -> frozenset[str]:
    """Every two Chinese characters that stand together in the bot's own words."""
    words = [text for key, text in sentences().items() if key not in EXAMPLES]
    words += [word for service in SERVICES.values() for several in service.words for word in several]
    return frozenset(
        text[place : place + 2]
        for text in words
        for place in range(len(text) - 1)
        if re.fullmatch(f"[{_HAN}]{{2}}", text[place : place + 2])
    )
