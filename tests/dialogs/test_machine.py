"""The machine at every step: 返回, 取消, 帮助, 首页, three strikes, questions between the questions."""

from __future__ import annotations

import pytest

from dialogs.said import Said
from dialogs.texts import say
from dialogs.vocabulary import ATTACHMENTS
from tests.dialogs.places import AT, EVERYWHERE, at
from tests.dialogs.townspeople import LI, WANG, Phone


@pytest.mark.parametrize("step", AT)
def test_back_asks_the_question_before_and_the_same_answer_leads_here_again(step: str) -> None:
    phone = at(step)
    before = phone.session
    last = EVERYWHERE[step][-1]
    phone.say("返回")
    if step == "document":
        assert phone.session.asked == "document"
        assert say("machine.no_back") in phone.read
        return
    assert phone.session.asked != step
    phone.say(last)
    assert (phone.session.known, phone.session.trail, phone.session.asked) == (
        before.known,
        before.trail,
        before.asked,
    )


@pytest.mark.parametrize("step", AT)
def test_cancel_ends_the_flow_and_says_that_no_money_was_taken(step: str) -> None:
    phone = at(step)
    read = phone.say("取消")
    assert "没有扣钱" in read
    assert (phone.session.flow, phone.session.known, phone.town.opened) == ("", {}, [])


def test_cancel_where_nothing_is_under_way_says_so() -> None:
    assert say("machine.nothing_to_cancel") in at("services").say("取消")


@pytest.mark.parametrize("step", [*AT, "checkout"])
def test_help_explains_with_a_hotline_and_shows_the_same_question_again(step: str) -> None:
    phone = at(step)
    before = phone.session.revision
    read = phone.say("帮助")
    assert "12366" in read
    assert (phone.session.asked, phone.session.revision) == (step, before)


@pytest.mark.parametrize("step", [name for name in AT if name not in ("document", "insured")])
def test_home_asks_before_what_was_typed_is_thrown_away(step: str) -> None:
    phone = at(step)
    known = phone.session.known
    phone.say("首页")
    assert phone.labels == [say("machine.stay"), say("machine.leave_switch", there="全部服务")]
    phone.say("继续")
    assert (phone.session.asked, phone.session.known) == (step, known)
    phone.say("首页", "2")
    assert (phone.session.asked, phone.session.known) == ("services", {})


@pytest.mark.parametrize("step", ["document", "services", "checkout"])
def test_home_opens_at_once_where_nothing_typed_would_be_lost(step: str) -> None:
    phone = at(step)
    phone.say("首页")
    assert phone.session.asked == "services"


@pytest.mark.parametrize("step", EVERYWHERE)
@pytest.mark.parametrize("kind", ATTACHMENTS)
def test_what_cannot_be_read_gets_a_sentence_and_the_same_question(step: str, kind: str) -> None:
    phone = at(step)
    known = phone.session.known
    told = say("document.photo" if (step, kind) == ("document", "image") else ATTACHMENTS[kind])
    read = phone.hear(Said(kind))  # type: ignore[arg-type]
    assert read.startswith(told)
    assert (phone.session.asked, phone.session.known) == (step, known)
    assert len(read) > len(told)


def test_a_voice_message_that_was_understood_is_an_answer_like_any_other() -> None:
    phone = at("tier")
    phone.hear(Said("voice", "五百？500。"))
    assert phone.session.asked in ("tier", "confirm")
    phone.hear(Said("voice", "500元。"))
    assert phone.session.asked == "confirm"


@pytest.mark.parametrize("step", ["document", "insured", "enrolled", "tier", "assessed", "confirm", "services"])
def test_after_three_wrong_answers_it_explains_differently_and_names_a_hotline(step: str) -> None:
    phone = at(step)
    stuck = say(f"{step}.stuck")
    assert stuck not in phone.say("🙂")
    assert stuck not in phone.say("🙂")
    assert stuck in phone.say("🙂")
    assert "123" in stuck
    assert stuck not in phone.say("🙂")
    assert phone.session.asked == step


def test_after_three_names_that_differ_this_number_pauses_and_another_does_not() -> None:
    phone = at("insured")
    assert say("insured.differs") in phone.say("王三", "王四")
    assert phone.labels == [say("insured.number")]
    assert phone.say("王五") == say("insured.wait", minutes=10)
    phone.click("pay.pension")
    phone.say(LI.number, LI.name)
    assert phone.session.asked == "tier"


def test_an_unknown_number_and_a_name_that_differs_get_the_same_words() -> None:
    known, unknown = Phone(), Phone()
    known.say("养老保险费缴纳", WANG.number)
    unknown.say("养老保险费缴纳", "440308199901101512")
    assert known.say("无此人") == unknown.say("无此人")


def test_a_question_about_the_conversation_does_not_loop_silently() -> None:
    phone = at("tier")
    question = phone.say("首页")
    once = phone.say("什么")
    assert once == "\n".join([say("machine.unclear"), question])
    phone.say("什么")
    assert "12366" in phone.say("什么")
