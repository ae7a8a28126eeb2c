"""The services drawn from the real flows: as Mermaid flowcharts, and as a plain tree (`run.py flows`)."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping

from dialogs.step import Flow, Service, Step
from dialogs.texts import sentences

LONGEST = 28  # characters of a question in a node
SLOT = re.compile(r"\{[^{}]*\}")
END = "done"  # the node where a flow ends; "end" is a word of Mermaid's own


def mermaid(services: Mapping[str, Service]) -> str:
    """One flowchart per service, each under its heading: steps with their questions, ways on, back and out, acts."""
    return "\n\n".join(f"## {key} {one.label}\n\n```mermaid\n{_chart(one.flow)}\n```" for key, one in services.items())


def listing(services: Mapping[str, Service]) -> str:
    """Every service with its steps, what each makes known, and where its acts lead."""
    return "\n".join(line for key, one in services.items() for line in _tree(key, one)) + "\n"


def question(step: Step) -> str:
    """The first line of what the step asks; its name where it has no text of its own."""
    texts = sentences()
    keys = (f"{step.name}.ask", f"{step.name}.ask_{getattr(step, 'insurance', '')}")
    found = next((texts[key] for key in keys if key in texts), step.name)
    return SLOT.sub("…", found.strip("\n").split("\n")[0])


def acts_of(step: Step, flow: Flow) -> Iterator[tuple[str, str]]:
    """The acts that can be chosen in this flow: what their option says, and the step or END they lead to."""
    for act in step.acts:
        target = leads_to(step, act, flow)
        if target is not None:
            yield SLOT.sub("…", sentences().get(f"{step.name}.{act}", act)), target


def leads_to(step: Step, act: str, flow: Flow) -> str | None:
    """Where an act leads, as far as its source tells; None where it is for other flows than this one."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(type(step), f"on_{act}"))))
    made = {
        node.func.id: node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if "Go" in made:
        return _first_forgotten(made["Go"], step, flow)
    if "Known" in made:
        return _next(step, flow)
    return END if "End" in made else step.name


def _first_forgotten(go: ast.Call, step: Step, flow: Flow) -> str | None:
    """The step that `Go("", …)` asks again: the first whose answer it leaves out; the first of all if it leaves all."""
    known = go.args[1] if len(go.args) > 1 else ast.Dict(keys=[], values=[])
    if isinstance(known, ast.Dict) and not known.keys:
        return flow.steps[0].name
    left_out = {one.value for one in ast.walk(known) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return next((one.name for one in flow.steps if one is not step and left_out & set(one.gives)), None)


def _next(step: Step, flow: Flow) -> str:
    place = flow.steps.index(step) + 1
    return flow.steps[place].name if place < len(flow.steps) else END


def _chart(flow: Flow) -> str:
    return "\n    ".join(["flowchart TD", *map(_node, flow.steps), *_edges(flow)])


def _node(step: Step) -> str:
    text = question(step).translate({ord('"'): "'", ord("<"): "＜", ord(">"): "＞"})
    return f'{step.name}["{step.name}<br/>{text if len(text) <= LONGEST else text[:LONGEST] + "…"}"]'


def _edges(flow: Flow) -> Iterator[str]:
    yield f"start([开始]) --> {flow.steps[0].name}"
    before: Step | None = None
    for step in flow.steps:
        acts = list(acts_of(step, flow))
        if not step.gives:
            yield f"{step.name} -->|结束| {END}([结束])"
        elif _next(step, flow) not in [target for _, target in acts]:
            yield f"{step.name} -->|回答| {_next(step, flow)}"
        if before and not before.binding:
            yield f"{step.name} -.->|返回| {before.name}"
        for label, target in acts:
            yield f"{step.name} -->|{label}| {target}"
        for key in getattr(step, "keys", ()):
            yield f'{step.name} --> {key.replace(".", "_")}_service(["{key}"])'
        before = step


def _tree(key: str, service: Service) -> Iterator[str]:
    yield f"{key}  {service.label}"
    for step in service.flow.steps:
        last = step is service.flow.steps[-1]
        gives = f"  → {', '.join(step.gives)}" if step.gives else ""
        yield f"  {'└' if last else '├'} {step.name}: {question(step)}{gives}"
        for label, target in acts_of(step, service.flow):
            yield f"  {' ' if last else '│'}   {label}{f' → {target}' if target != step.name else ''}"
