"""The diagram and the tree are drawn from the real flows, whole, and a renderer can read them."""

from __future__ import annotations

import re

import pytest

from dialogs.diagram import leads_to, listing, mermaid, question
from dialogs.flows import PAY_MEDICAL, PAY_PENSION, SERVICES
from dialogs.step import Flow

NODE = re.compile(r'[a-z_]+(\["[^"{}<>]*(<br/>)?[^"{}<>]*"\]|\(\[[^\]]*\]\))?')
EDGE = re.compile(rf"{NODE.pattern} (-->|-\.->)(\|[^|\"{{}}\[\]()]+\|)? {NODE.pattern}")


def charts() -> dict[str, list[str]]:
    """The lines of each service's chart."""
    found = re.findall(r"^## (\S+) .*\n\n```mermaid\nflowchart TD\n((?:    .+\n)+)```$", mermaid(SERVICES), re.M)
    return {key: [line.strip() for line in body.splitlines()] for key, body in found}


@pytest.mark.parametrize("key", SERVICES)
def test_every_step_of_every_service_is_drawn_with_its_question(key: str) -> None:
    lines = charts()[key]
    for step in SERVICES[key].flow.steps:
        assert any(line.startswith(f'{step.name}["{step.name}<br/>{question(step)[:10]}') for line in lines)


@pytest.mark.parametrize("key", SERVICES)
def test_every_line_of_a_chart_is_a_node_or_an_edge(key: str) -> None:
    for line in charts()[key]:
        assert NODE.fullmatch(line) or EDGE.fullmatch(line), line


@pytest.mark.parametrize("key", SERVICES)
def test_every_edge_joins_steps_of_the_chart_and_each_can_be_reached(key: str) -> None:
    edges = [line for line in charts()[key] if EDGE.fullmatch(line)]
    ends = [re.findall(r"^\w+|\w+(?=[\[(]|$)", re.sub(r'\["?[^\]]*\]|\|[^|]*\|', "", line)) for line in edges]
    names = {step.name for step in SERVICES[key].flow.steps}
    reached = {pair[-1] for pair in ends}
    assert {pair[0] for pair in ends} <= names | {"start"}
    assert names <= reached
    assert "done" in reached or key == "home"


@pytest.mark.parametrize(
    ("flow", "act", "target"),
    [
        (PAY_PENSION, "pay", "checkout"),
        (PAY_PENSION, "tier", "tier"),
        (PAY_PENSION, "institution", "enrolled"),
        (PAY_PENSION, "insured", "document"),
        (PAY_PENSION, "assessment", None),
        (PAY_MEDICAL, "tier", None),
    ],
)
def test_an_act_leads_where_its_source_says(flow: Flow, act: str, target: str | None) -> None:
    confirm = next(step for step in flow.steps if step.name == "confirm")
    assert leads_to(confirm, act, flow) == target


def test_the_tree_names_every_service_and_step_in_order() -> None:
    lines = listing(SERVICES).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == [f"{key}  {service.label}" for key, service in SERVICES.items()]
    steps = re.findall(r"^  [├└] (\w+):", listing(SERVICES), re.M)
    assert steps == [step.name for service in SERVICES.values() for step in service.flow.steps]
