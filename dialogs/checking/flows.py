"""What is wrong with the flows and the menu: unmet needs, dead ends, acts without methods, ways to nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from dialogs.checking.finding import Finding
from dialogs.checking.source import handed_over, makes, method, offered, own_class
from dialogs.checking.texts import takes, waits
from dialogs.step import Flow, Service, Step

MENU_GROUPS, MENU_ENTRIES = 3, 5  # WeChat's limits, facts/wechat.md A2
GROUP_BYTES, LABEL_BYTES, KEY_BYTES = 16, 60, 128


def findings(
    services: Mapping[str, Service], menu: Mapping[str, Sequence[str]], trees: Mapping[str, ast.AST]
) -> Iterator[Finding]:
    """Everything that is wrong with the flows, their steps, and the menu that leads to them."""
    for key, service in services.items():
        if key != service.key:
            yield Finding(
                f"service {key}", f"is registered under another key than its own, {service.key}", "it is lost"
            )
        yield from _flow(key, service.flow)
    steps = {type(step): step for service in services.values() for step in service.flow.steps}
    for kind, step in steps.items():
        yield from _acts(kind, step, trees)
        yield from _questions(kind, step, trees)
    yield from _undeclared_acts(list(steps), trees)
    yield from _ways_to_nowhere(services, trees)
    yield from _menu(services, menu)


def _flow(key: str, flow: Flow) -> Iterator[Finding]:
    if not flow.steps:
        yield Finding(f"flow {key}", "has no steps", "who opens it gets an error")
        return
    given: set[str] = set()
    seen: set[str] = set()
    for step in flow.steps:
        where = f"flow {key}, step {step.name}"
        for need in step.needs:
            if need not in given:
                yield Finding(where, f"needs “{need}”, which no step before it gives", "the question cannot be asked")
        if step.name in seen:
            yield Finding(where, "is there twice", "the second is taken for the first, and 返回 goes astray")
        for given_twice in sorted(given & set(step.gives)):
            yield Finding(
                where, f"gives “{given_twice}”, which a step before it gives", "one of the two is never asked"
            )
        if not step.gives and step is not flow.steps[-1]:
            yield Finding(where, "gives nothing and is not the last", "the steps after it are never reached")
        seen.add(step.name)
        given |= set(step.gives)
    last = flow.steps[-1]
    if last.gives:
        yield Finding(
            f"flow {key}, step {last.name}",
            f"is the last and gives “{', '.join(last.gives)}”",
            "when it is answered there is nothing left to say",
        )
    for step in flow.steps[:-1]:
        if not waits(step):
            yield Finding(
                f"flow {key}, step {step.name}",
                "has no way on: it takes no words, offers no options and has no acts",
                "whoever gets there is stuck",
            )


def _acts(kind: type[Step], step: Step, trees: Mapping[str, ast.AST]) -> Iterator[Finding]:
    where = f"step {step.name}"
    methods = {name.removeprefix("on_") for name in dir(kind) if name.startswith("on_")}
    for act in step.acts:
        if act not in methods:
            yield Finding(where, f"has the act “{act}” and no method on_{act}", "choosing it fails with an error")
    for act in sorted(methods - set(step.acts)):
        yield Finding(where, f"has the method on_{act} and no act “{act}”", "no option may stand for it")
    tree = trees.get(kind.__module__)
    if tree is not None:
        for act in sorted(set(step.acts) - set(offered(tree, "act"))):
            yield Finding(where, f"has the act “{act}”, which no option offers", "nobody can choose it")


def _questions(kind: type[Step], step: Step, trees: Mapping[str, ast.AST]) -> Iterator[Finding]:
    tree = trees.get(kind.__module__)
    owner = own_class(tree, kind.__name__) if tree is not None else None
    ask = method(owner, "ask") if owner else None
    if ask and makes(ask, "Ask") and not waits(step):
        yield Finding(
            f"step {step.name}",
            "asks and has no way on: it takes no words, offers no options and has no acts",
            "whoever gets there is stuck",
        )
    if ask and step.offers and not takes(step) and not makes(ask, "Option") and makes(ask, "Ask"):
        yield Finding(f"step {step.name}", "says it offers options and makes none", "no answer can be given")


def _undeclared_acts(kinds: Sequence[type[Step]], trees: Mapping[str, ast.AST]) -> Iterator[Finding]:
    for module in dict.fromkeys(kind.__module__ for kind in kinds):
        tree = trees.get(module)
        declared = {act for kind in kinds if kind.__module__ == module for act in kind.acts}
        for act, line in offered(tree, "act").items() if tree is not None else ():
            if act not in declared:
                yield Finding(
                    f"{module}, line {line}", f"offers “{act}”, no act of its step", "choosing it does nothing"
                )


def _ways_to_nowhere(services: Mapping[str, Service], trees: Mapping[str, ast.AST]) -> Iterator[Finding]:
    for module, tree in trees.items():
        for key, line in (offered(tree, "go") | handed_over(tree)).items():
            if key not in services:
                yield Finding(f"{module}, line {line}", f"leads to “{key}”, which is no service", "it cannot be opened")


def _menu(services: Mapping[str, Service], menu: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    if len(menu) > MENU_GROUPS:
        yield Finding("menu", f"has {len(menu)} groups, more than {MENU_GROUPS}", "WeChat refuses it")
    for group, keys in menu.items():
        if len(group.encode()) > GROUP_BYTES:
            yield Finding(f"menu, {group}", f"its name is longer than {GROUP_BYTES} bytes", "WeChat refuses it")
        if not 1 <= len(keys) <= MENU_ENTRIES:
            yield Finding(f"menu, {group}", f"has {len(keys)} entries, not 1 to {MENU_ENTRIES}", "WeChat refuses it")
        for key in keys:
            if len(key.encode()) > KEY_BYTES:
                yield Finding(
                    f"menu, {group}", f"the key “{key}” is longer than {KEY_BYTES} bytes", "WeChat refuses it"
                )
            if key not in services:
                yield Finding(f"menu, {group}", f"“{key}” is no service", "who taps it gets no service")


def labels(services: Mapping[str, Service], texts: Mapping[str, str]) -> Iterator[Finding]:
    """Services without a label, or with one that no menu takes."""
    for key in services:
        label = texts.get(f"service.{key}")
        if label is None:
            yield Finding(f"service {key}", "has no label in texts.toml, [service]", "it cannot be shown in a menu")
        elif len(label.encode()) > LABEL_BYTES:
            yield Finding(f"service {key}", f"its label is longer than {LABEL_BYTES} bytes", "WeChat refuses the menu")
