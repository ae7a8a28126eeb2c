"""Samples nobody here wrote, delivered through /wechat: each gets 200 and a sensible answer or `success`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.wechat_side import Side, opened

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "vectors"
SAMPLES = sorted((VECTORS / "xml").glob("*/*.xml"))
KINDS = ("text", "tap", "menu", "subscribe", "scan", "voice", "image", "video", "location", "link", "unknown")


def test_all_119_samples_are_here() -> None:
    if not SAMPLES:
        pytest.skip("no foreign XML samples here")
    assert len(SAMPLES) == 119


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_sample_is_answered(sample: Path) -> None:
    side = Side()
    result = side.post(sample.read_bytes())
    assert result.status_code == 200
    answer = opened(result)
    assert answer == "success" or answer.split("|")[0] in KINDS


@pytest.mark.parametrize(
    ("fragment", "kind"),
    [
        ("event_subscribe", "subscribe"),
        ("event_CLICK", "menu"),
        ("event_SCAN", "scan"),
        ("parser_voice", "voice"),
        ("parser_link", "link"),
        ("parser_location", "location"),
        ("event_scancode_waitmsg", "scan"),
    ],
)
def test_samples_of_known_kinds_are_recognised(fragment: str, kind: str) -> None:
    named = [sample for sample in SAMPLES if sample.stem.endswith(fragment)]
    if not named:
        pytest.skip("no foreign XML samples here")
    for sample in named:
        assert Side().says(sample.read_bytes()).split("|")[0] == kind


@pytest.mark.parametrize(
    "name", ["fragment_injection", "invalid.bad_entity", "invalid.xxe_injection", "paysuccess.notification"]
)
def test_hostile_pay_samples_are_refused_here_too(name: str) -> None:
    path = VECTORS / "pay" / f"wechatpay-php__{name}.sample.xml"
    if not path.exists():
        pytest.skip("no foreign pay samples here")
    side = Side()
    assert side.says(path.read_bytes()) == "success"
    assert side.client.simulate_post("/wechat", body=path.read_bytes()).status_code == 403
    assert side.turning.came == []
