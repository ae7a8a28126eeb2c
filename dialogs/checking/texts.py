"""What is wrong with the texts: missing, never said, with the wrong slots, or not in the bot's way of speaking."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from string import Formatter

from dialogs.checking.finding import Finding
from dialogs.checking.source import ANYTHING, Call, Meanings, Part, calls_of, words_of, written
from dialogs.step import Service, Step
from dialogs.terms.insurance import Insurance, PayKind
from dialogs.world import OrderState

LONGEST = 600  # characters; with its options a reply has to fit into WeChat's 2,048 bytes
JARGON = ("征收品目", "征收项目", "征收子目", "费款所属期", "应征凭证")
KEY = re.compile(r"[a-z_]+\.[a-z_0-9]+")
NOT_LOOKED_AT = ("bot", "dialogs.checking", "dialogs.diagram")  # for keys beside a say: other names look like them
OPTIONAL = (".help", ".stale", ".no_back")  # said where a step has them
PAPER = ("paper.",)  # printed for offices, in their words
HAN = r"[\u4e00-\u9fff]"
ASCII_POINT = re.compile(rf"{HAN}\s?[,;:?!]|{HAN}\.(?!\w)|[,;?!]{HAN}")
SENTENCE = re.compile("[，。？！]")
ENDS = tuple("。？！：…）”")


def findings(
    services: Mapping[str, Service], texts: Mapping[str, str], trees: Mapping[str, ast.AST]
) -> Iterator[Finding]:
    """Everything that is wrong with the texts, as far as the sources tell."""
    meanings = meanings_of(services)
    calls = [call for name, tree in trees.items() for call in calls_of(name, tree, meanings)]
    for call in calls:
        yield from _said_wrongly(call, texts)
    said = {key for call in calls for key in call.keys}
    for name, tree in trees.items():
        if not name.startswith(NOT_LOOKED_AT):
            yield from _named_wrongly(name, written(tree) - said, services, texts)
    words = {word for tree in trees.values() for word in words_of(tree, meanings)}
    yield from _never_said(texts, words, services)
    for key, text in texts.items():
        yield from _slots_unreadable(key, text)
        yield from _style(key, text)


def meanings_of(services: Mapping[str, Service]) -> Meanings:
    """What the parts of a text's key may be, by the names they have in the code."""
    steps = [step for service in services.values() for step in service.flow.steps]
    kinds, states = tuple(kind.value for kind in PayKind), tuple(state.value for state in OrderState)
    return {
        "insurance": Part(tuple(insurance.value for insurance in Insurance)),
        "pay_kind.value": Part(kinds),
        "order.state": Part(states, sure=False),
        "step.name": Part(tuple(dict.fromkeys(step.name for step in steps if waits(step)))),
        "self.name": Part(tuple(dict.fromkeys(step.name for step in steps if waits(step) and not takes(step)))),
        "self.key": Part(tuple(services)),
        "order.service": Part(tuple(services)),
        "service.key": Part(tuple(key for key, service in services.items() if service.words)),
    }


def takes(step: Step) -> bool:
    """Whether it makes something of words that are none of its options."""
    return type(step).take is not Step.take


def waits(step: Step) -> bool:
    """Whether it asks a question and waits."""
    return takes(step) or step.offers or bool(step.acts)


def slots_of(text: str) -> frozenset[str]:
    """The names in braces. ValueError where the braces do not match."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _said_wrongly(call: Call, texts: Mapping[str, str]) -> Iterator[Finding]:
    known = [key for key in call.keys if key in texts]
    missing = [key for key in call.keys if key not in texts and ANYTHING not in key]
    optional = all(key.endswith(OPTIONAL) for key in call.keys)
    if missing and (call.sure and not optional):
        for key in missing:
            yield Finding(call.where, f"says “{key}”, which is not in texts.toml", "the turn fails with an error")
    elif not known and missing:
        yield Finding(call.where, f"says one of {', '.join(missing)}; none is in texts.toml", "the turn fails there")
    for key in known:
        try:
            slots = slots_of(texts[key])
        except ValueError:
            continue
        if call.values is None or not call.sure:
            continue
        if lacking := sorted(slots - call.values):
            yield Finding(call.where, f"says “{key}” without {', '.join(lacking)}", "the turn fails with an error")
        if call.exact and (more := sorted(call.values - slots)):
            yield Finding(call.where, f"gives “{key}” {', '.join(more)}, which it has no place for", "it is not shown")


def _named_wrongly(
    module: str, words: set[str], services: Mapping[str, Service], texts: Mapping[str, str]
) -> Iterator[Finding]:
    """Keys that are written out in one place and said in another."""
    sections = {key.partition(".")[0] for key in texts}
    for word in sorted(words - set(texts) - set(services)):
        if KEY.fullmatch(word) and word.partition(".")[0] in sections and not word.endswith(OPTIONAL):
            yield Finding(module, f"names “{word}”, which is not in texts.toml", "the turn that says it fails")


def _never_said(texts: Mapping[str, str], words: set[str], services: Mapping[str, Service]) -> Iterator[Finding]:
    patterns = [word for word in words if ANYTHING in word and "." in word and not word.startswith(ANYTHING)]
    steps = {step.name for service in services.values() for step in service.flow.steps if waits(step)}
    always = {f"{step}.{name}" for step in steps for name in ("stuck", "help", "stale", "no_back")}
    for key in texts:
        if key not in words and key not in always and not any(fnmatchcase(key, pattern) for pattern in patterns):
            yield Finding(f"texts.toml, {key}", "nobody says it", "it misleads whoever looks for what the bot says")


def _slots_unreadable(key: str, text: str) -> Iterator[Finding]:
    where = f"texts.toml, {key}"
    try:
        slots = slots_of(text)
    except ValueError:
        yield Finding(where, "its braces do not match", "the turn that says it fails")
        return
    for slot in sorted(slots):
        if not slot.isidentifier():
            yield Finding(where, f"has the slot “{{{slot}}}”, which is no name", "nothing can fill it in")


def _style(key: str, text: str) -> Iterator[Finding]:
    where = f"texts.toml, {key}"
    if not text.strip():
        yield Finding(where, "is empty", "the citizen gets an empty line or no answer")
    if len(text) > LONGEST:
        yield Finding(where, f"has {len(text)} characters, more than {LONGEST}", "nobody reads it, and it may not fit")
    if "你" in text:
        yield Finding(where, "says 你", "the bot says 您")
    if key.startswith(PAPER):
        return
    for word in JARGON:
        if word in text:
            yield Finding(where, f"says {word}", "only officials know the word")
    if found := ASCII_POINT.search(text):
        yield Finding(where, f"has “{found[0]}” with a half-width sign", "Chinese sentences take ，。：；？！")
    for line in text.strip("\n").split("\n"):
        if SENTENCE.search(line) and not line.endswith(ENDS):
            yield Finding(where, f"ends a sentence without 。 (“…{line[-8:]}”)", "it reads as if cut off")
