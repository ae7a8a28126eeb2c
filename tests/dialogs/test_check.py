"""`dialogs.check` finds each kind of fault in flows and texts that are broken on purpose, and none in the real ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

from dialogs import check
from dialogs.checking.finding import Finding
from dialogs.checking.source import python_sources
from dialogs.flows import MENU, SERVICES
from dialogs.said import Said
from dialogs.step import Answer, Ask, End, Flow, Knowledge, Known, Option, Service, Step
from dialogs.texts import sentences
from dialogs.world import World


class Name(Step):
    """Takes a name."""

    name = "name"
    gives = ("name",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask("?")

    def take(self, said: Said, known: Knowledge, world: World) -> Answer:
        return Known({"name": said.text})


class Colour(Step):
    """Offers colours, and an act."""

    name = "colour"
    needs = ("name",)
    gives = ("colour",)
    offers = True
    acts: ClassVar[tuple[str, ...]] = ("other",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask("?", [Option("red", value="red"), Option("other", act="other")])

    def on_other(self, known: Knowledge, world: World) -> Answer:
        return Ask("?")


class Bye(Step):
    """Ends."""

    name = "bye"

    def ask(self, known: Knowledge, world: World) -> Answer:
        return End("bye")


class Mute(Step):
    """Asks and takes no answer."""

    name = "mute"
    gives = ("nothing",)

    def ask(self, known: Knowledge, world: World) -> Answer:
        return Ask("?")


class Lost(Colour):
    """Declares an act it has no method for, and has a method for none."""

    name = "lost"
    acts = ("other", "missing")

    def on_stray(self, known: Knowledge, world: World) -> Answer:
        return Ask("?")


WELL = """
class Colour:
    def ask(self, known, world):
        say("colour.ask", name=known["name"])
        return Ask("?", [Option("red"), Option("other", act="other")])
class Name:
    def ask(self, known, world):
        return Ask(say("name.ask"))
class Bye:
    def ask(self, known, world):
        return End(say("bye.ask"), [Option("home", go="talk")])
say(f"{step.name}.stuck")
say(f"{self.name}.wrong")
say(f"service.{self.key}")
"""
SERVICES_WELL = {"talk": Service("talk", Flow("talk", Name(), Colour(), Bye()))}
MENU_WELL = {"menu": ("talk",)}
TEXTS_WELL = {
    "service.talk": "聊一聊",
    "name.ask": "请问您的姓名？",
    "name.stuck": "请打字。",
    "colour.ask": "{name}，请选颜色：",
    "colour.stuck": "请点一个。",
    "colour.wrong": "没有这个颜色。",
    "bye.ask": "再见。",
}


def found(
    *steps: Step,
    services: Mapping[str, Service] | None = None,
    menu: Mapping[str, Sequence[str]] = MENU_WELL,
    texts: Mapping[str, str] | None = None,
    source: str = "",
) -> list[Finding]:
    """The findings of the well-made flow and texts, changed in what is given."""
    flows = services or ({"talk": Service("talk", Flow("talk", *steps))} if steps else SERVICES_WELL)
    return check.findings(flows, menu, {**TEXTS_WELL, **(texts or {})}, {__name__: WELL + source})


def only(findings: list[Finding]) -> str:
    """The one finding, in words."""
    assert len(findings) == 1, [str(one) for one in findings]
    return str(findings[0])


def test_the_real_dialogs_have_no_finding() -> None:
    assert [str(one) for one in check.real_findings()] == []


def test_a_well_made_flow_has_no_finding() -> None:
    assert found() == []


def test_the_command_prints_its_findings_and_exits_by_them() -> None:
    done = subprocess.run([sys.executable, "-m", "dialogs.check"], capture_output=True, text=True, cwd=check.ROOT)
    assert (done.returncode, done.stdout) == (0, "dialogs: nothing to find fault with\n"), done.stdout


def test_the_command_fails_where_something_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "real_findings", lambda: [Finding("flow a, step b", "needs “c”", "it is stuck")])
    assert check.main() == 1
    assert capsys.readouterr().out == "flow a, step b: needs “c”; it is stuck\ndialogs: 1 findings\n"


# -- flows


def test_a_need_that_no_step_before_gives() -> None:
    finding = str(found(Colour(), Bye())[0])
    assert "flow talk, step colour: needs “name”, which no step before it gives" in finding


def test_a_need_given_only_by_a_later_step() -> None:
    assert "needs “name”" in only(found(Colour(), Name(), Bye()))


def test_a_step_that_asks_and_has_no_way_on() -> None:
    findings = found(Name(), Mute(), Bye(), source="class Mute:\n    def ask(self): return Ask('?')\n")
    assert [one.where for one in findings if "no way on" in one.what] == ["flow talk, step mute", "step mute"]


def test_a_last_step_that_asks_and_has_no_way_on() -> None:
    source = "class Bye:\n    def ask(self): return Ask('?')\n"
    well = WELL.replace("class Bye", "class Other")
    findings = check.findings(SERVICES_WELL, MENU_WELL, TEXTS_WELL, {__name__: well + source})
    assert "step bye: asks and has no way on" in only(findings)


def test_a_step_that_gives_nothing_and_is_not_the_last() -> None:
    assert "flow talk, step bye: gives nothing and is not the last" in str(found(Name(), Bye(), Colour(), Bye())[0])


def test_a_last_step_that_could_go_on() -> None:
    assert "step colour: is the last and gives “colour”" in only(found(Name(), Colour()))


def test_two_steps_of_one_name() -> None:
    findings = [str(one) for one in found(Name(), Name(), Colour(), Bye())]
    assert any("step name: is there twice" in one for one in findings)


def test_an_answer_that_two_steps_give() -> None:
    class Again(Name):
        name = "again"

    findings = found(Name(), Again(), Colour(), Bye(), texts={"again.stuck": "请打字。"})
    assert "step again: gives “name”, which a step before it gives" in only(findings)


def test_a_flow_without_steps() -> None:
    assert "flow talk: has no steps" in str(found(services={"talk": Service("talk", Flow("talk"))})[0])


def test_a_service_under_another_key() -> None:
    other = {"talk": Service("speak", SERVICES_WELL["talk"].flow)}
    assert "service talk: is registered under another key" in only(found(services=other))


# -- acts and ways


def test_an_act_without_a_method_and_a_method_without_an_act() -> None:
    texts = {"lost.stuck": "请点一个。", "lost.wrong": "没有。"}
    findings = [str(one) for one in found(Name(), Lost(), Bye(), texts=texts)]
    assert any("step lost: has the act “missing” and no method on_missing" in one for one in findings)
    assert any("step lost: has the method on_stray and no act “stray”" in one for one in findings)
    assert any("step lost: has the act “missing”, which no option offers" in one for one in findings)


def test_an_option_with_an_act_that_is_not_declared() -> None:
    assert "offers “gone”, no act of its step" in only(found(source='Option("x", act="gone")'))


def test_an_act_that_is_chosen_between_two_is_read() -> None:
    assert "offers “gone”" in only(found(source='Option("x", act="other" if True else "gone")'))


@pytest.mark.parametrize("source", ['Option("x", go="nowhere")', 'Go("nowhere", {})'])
def test_a_way_to_no_service(source: str) -> None:
    assert "leads to “nowhere”, which is no service" in only(found(source=source))


def test_a_way_back_into_the_same_flow_is_no_way_to_nowhere() -> None:
    assert found(source='Go("", {})') == []


# -- the menu


@pytest.mark.parametrize(
    ("menu", "words"),
    [
        ({"menu": ("talk", "nowhere")}, "“nowhere” is no service"),
        ({"一二三四五六": ("talk",)}, "its name is longer than 16 bytes"),
        ({"menu": ("talk",) * 6}, "has 6 entries, not 1 to 5"),
        ({"menu": ()}, "has 0 entries"),
        (dict.fromkeys("abcd", ("talk",)), "has 4 groups, more than 3"),
    ],
)
def test_a_menu_that_leads_nowhere_or_that_wechat_refuses(menu: dict[str, tuple[str, ...]], words: str) -> None:
    assert words in only(found(menu=menu))


def test_a_service_without_a_label() -> None:
    texts = {key: text for key, text in TEXTS_WELL.items() if key != "service.talk"}
    findings = [str(one) for one in check.findings(SERVICES_WELL, MENU_WELL, texts, {__name__: WELL})]
    assert "service talk: has no label in texts.toml, [service]; it cannot be shown in a menu" in findings


def test_a_label_that_no_menu_takes() -> None:
    assert "its label is longer than 60 bytes" in only(found(texts={"service.talk": "长" * 21}))


# -- texts


@pytest.mark.parametrize("key", ["name.stuck", "colour.stuck", "colour.wrong", "name.ask", "bye.ask"])
def test_a_text_that_is_missing(key: str) -> None:
    texts = {name: text for name, text in TEXTS_WELL.items() if name != key}
    finding = only(check.findings(SERVICES_WELL, MENU_WELL, texts, {__name__: WELL}))
    assert f"says “{key}”, which is not in texts.toml; the turn fails with an error" in finding


def test_a_text_for_one_insurance_that_is_missing() -> None:
    source = 'say(f"colour.why_{self.insurance}")'
    assert "says “colour.why_medical”" in only(found(texts={"colour.why_pension": "为什么。"}, source=source))


def test_a_text_of_two_ways_that_is_missing() -> None:
    source = "say(f\"colour.{'a' if x else 'b'}\")"
    assert "says “colour.b”" in only(found(texts={"colour.a": "甲"}, source=source))


def test_a_text_that_need_not_be_there_may_be_missing() -> None:
    assert found(source='key = f"{step.name}.help"\nsay(key if key in sentences() else "bye.ask")') == []


def test_a_text_that_nobody_says() -> None:
    assert "texts.toml, colour.old: nobody says it" in only(found(texts={"colour.old": "旧的。"}))


@pytest.mark.parametrize(
    "source", ['key = "colour.old"', 'say(f"colour.{something}")', 'say("colour.old" if x else "bye.ask")']
)
def test_a_text_whose_key_is_written_anywhere_or_put_together_is_said(source: str) -> None:
    assert found(texts={"colour.old": "旧的。"}, source=source) == []


def test_a_slot_that_is_not_filled_in() -> None:
    assert "says “bye.ask” without name; the turn fails" in only(found(texts={"bye.ask": "{name}再见。"}))


def test_a_value_without_a_slot() -> None:
    finding = only(found(source='say("bye.ask", amount=1)'))
    assert "gives “bye.ask” amount, which it has no place for" in finding


def test_the_machines_own_way_of_saying_is_read_too() -> None:
    assert "gives “bye.ask” amount" in only(found(source='self._say("bye.ask", amount=1)'))


def test_values_that_are_passed_on_are_not_guessed_at() -> None:
    assert found(source='say("colour.ask", **values)') == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("你好。", "says 你"),
        ("请选征收品目。", "says 征收品目"),
        ("长" * 600 + "。", "has 601 characters, more than 600"),
        ("好的，这次先不办了", "ends a sentence without 。"),
        ("好的，不办了\n再见。", "ends a sentence without 。"),
        ("好的,不办了。", "with a half-width sign"),
        ("请选择:", "with a half-width sign"),
        ("", "is empty"),
        ("再见{。", "its braces do not match"),
        ("再见{}。", "is no name"),
        ("再见{0}。", "is no name"),
        ("再见{order.no}。", "is no name"),
    ],
)
def test_a_text_that_the_bot_does_not_say_so(text: str, words: str) -> None:
    assert any(words in str(one) for one in found(texts={"bye.ask": text}))


@pytest.mark.parametrize("text", ["确认缴费", "补缴 2024 年养老保险 500元", "请核对：\n金额　 500元", "请拨打 12366。"])
def test_labels_and_lists_need_no_full_stop(text: str) -> None:
    assert found(texts={"bye.ask": text}) == []


def test_a_key_that_is_written_beside_and_said_elsewhere_is_missed_too() -> None:
    assert "names “bye.gone”, which is not in texts.toml" in only(found(source='TEXTS = {"x": "bye.gone"}'))


def test_real_texts_are_missed_when_they_are_taken_away() -> None:
    sources = {name: text for name, text in python_sources(check.ROOT).items() if not name.startswith("bot")}
    keys = [
        "machine.voice",
        "machine.stay",
        "confirm.pay",
        "document.stuck",
        "enrolled.wrong",
        "enrolled.closed_medical",
    ]
    keys += ["assessed.label_34", "notice.cancelled", "service.home", "starting.help", "insurance.medical_short"]
    fewer = {key: text for key, text in sentences().items() if key not in keys}
    told = "\n".join(str(one) for one in check.findings(SERVICES, MENU, fewer, sources))
    assert [key for key in keys if f"“{key}”" not in told] == []
