"""A menu click in the middle, a pause, a world that does not answer, another release, hostile words."""

from __future__ import annotations

import pytest

from dialogs.flows import SERVICES
from dialogs.machine import IDLE_SECONDS, turn
from dialogs.said import Reply, Said
from dialogs.session import Session
from dialogs.step import Option
from dialogs.texts import say
from dialogs.world import OrderState
from tests.dialogs.places import AT, EVERYWHERE, at
from tests.dialogs.townspeople import WANG, Phone


def test_a_menu_click_in_the_middle_asks_first_and_either_answer_is_kept() -> None:
    phone = at("confirm")
    known = phone.session.known
    phone.click("pay.pension")
    assert phone.session.known == known
    phone.tap(say("machine.stay"))
    assert (phone.session.asked, phone.session.known) == ("confirm", known)
    phone.click("pay.pension")
    phone.say("换成养老保险费缴纳")
    assert (phone.session.flow, phone.session.known) == ("pay.pension", {})


def test_the_same_menu_entry_in_the_middle_offers_to_begin_anew() -> None:
    phone = at("tier")
    phone.click("pay.pension")
    assert phone.labels == [say("machine.stay"), say("machine.restart")]
    phone.tap(say("machine.restart"))
    assert (phone.session.asked, phone.session.known) == ("document", {})


def test_a_scan_in_the_middle_throws_nothing_away_unasked() -> None:
    phone = at("tier")
    known = phone.session.known
    phone.send("scan")
    assert (phone.session.aside, phone.session.known) == ("switch:home", known)


def test_a_menu_click_while_an_order_stands_leaves_the_order_alone() -> None:
    phone = at("checkout")
    phone.click("home")
    phone.click("my.orders")
    assert phone.session.asked == "checkout"
    assert phone.town.books["O1"].state is OrderState.OPEN


def test_an_unknown_menu_key_shows_what_can_be_done() -> None:
    phone = Phone()
    phone.click("no.such.service")
    assert phone.session.asked == "services"


@pytest.mark.parametrize("step", ["insured", "enrolled", "tier", "assessed", "confirm"])
def test_after_half_an_hour_it_asks_whether_to_go_on(step: str) -> None:
    phone = at(step)
    known = phone.session.known
    phone.town.wait(seconds=IDLE_SECONDS + 1)
    read = phone.say("500")
    assert "停了一会儿" in read
    assert phone.labels == [say("machine.stay"), say("machine.restart")]
    phone.say("继续")
    assert (phone.session.asked, phone.session.known) == (step, known)


def test_after_half_an_hour_nothing_is_asked_where_nothing_was_typed() -> None:
    phone = at("document")
    phone.town.wait(seconds=IDLE_SECONDS + 1)
    phone.say(WANG.number)
    assert phone.session.asked == "insured"


def test_what_no_longer_holds_after_a_pause_is_asked_again() -> None:
    phone = at("confirm")
    phone.say("返回")
    phone = at("tier")
    phone.say("500")
    phone.town.wait(minutes=40)
    phone.say("什么")
    phone.town.rows_of_tariff = [row for row in phone.town.rows_of_tariff if row.tier_code != "500"]
    phone.say("继续")
    assert phone.session.asked == "tier"
    assert "500元" not in phone.labels


def test_what_was_known_is_checked_again_after_a_pause_ended_by_a_menu_click() -> None:
    phone = at("tier")
    phone.say("500")
    phone.town.wait(minutes=40)
    phone.click("home")
    phone.town.rows_of_tariff = []
    assert "不是养老保险的缴费时间" in phone.say("继续")


@pytest.mark.parametrize("step", EVERYWHERE)
def test_where_the_world_does_not_answer_the_session_stays_where_it_was(step: str) -> None:
    phone = at(step)
    before = phone.session
    phone.town.down = True
    answers = {name: answer for name, (_, answer) in AT.items()}
    read = phone.say(answers.get(step, "我的订单"))
    if step == "services":  # the way there asks the world first
        assert read.endswith(say("machine.unavailable"))
    assert phone.session == before or step in ("document", "insured")
    phone.town.down = False
    phone.say(answers.get(step, "我的订单"))
    assert phone.session.asked != "services"


def test_a_question_about_the_conversation_survives_a_world_that_does_not_answer() -> None:
    phone = at("tier")
    phone.say("首页")
    before = phone.session
    phone.town.down = True
    assert phone.say("继续") == say("machine.unavailable")
    assert phone.session == before
    phone.town.down = False
    phone.say("继续")
    assert phone.session.asked == "tier"


def test_subscribing_greets_and_shows_the_services() -> None:
    phone = Phone()
    assert phone.send("subscribe").startswith(say("machine.welcome"))
    assert phone.session.asked == "services"


def test_unsubscribing_forgets_the_session_and_leaves_the_order() -> None:
    phone = at("checkout")
    phone.send("unsubscribe")
    assert (phone.session, phone.reply) == (Session(), Reply())
    assert phone.town.books["O1"].state is OrderState.OPEN


def test_an_event_that_wants_no_answer_gets_none_and_changes_nothing() -> None:
    phone = at("tier")
    before = phone.session
    phone.send("quiet")
    assert (phone.session, phone.reply) == (before, Reply())


@pytest.mark.parametrize("step", EVERYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "🙂",
        "9" * 10_000,
        "一" * 10_000,
        "x" * 60_000,
        "\x00",
        "{name}",
        "%s",
        "<a href='x'>",
        "]]>",
        "-1",
        "²",
        "٣",
    ],
    ids=lambda text: text[:4].encode("unicode_escape").decode(),
)
def test_no_words_break_a_question(step: str, text: str) -> None:
    phone = at(step)
    phone.say(text)
    assert phone.read
    assert len(phone.town.opened) == (step == "checkout")


def test_a_flow_changed_by_a_release_starts_again_politely() -> None:
    phone = at("tier")
    phone.session.shape = "of another release"
    assert phone.say("500").startswith(say("machine.changed"))
    assert (phone.session.flow, phone.session.asked) == ("pay.pension", "document")


def test_a_flow_removed_by_a_release_leads_home() -> None:
    phone = at("tier")
    phone.session.flow = "pay.removed"
    assert phone.say("500").startswith(say("machine.changed"))
    assert phone.session.asked == "services"


def test_a_question_about_a_service_removed_by_a_release_is_dropped() -> None:
    phone = at("tier")
    phone.session.aside = "switch:pay.removed"
    phone.say("500")
    assert phone.session.aside == ""


def test_an_act_removed_by_a_release_shows_the_question_anew() -> None:
    phone = at("confirm")
    phone.session.options[0] = Option("确认缴费", act="removed")
    phone.say("1")
    assert (phone.session.asked, phone.session.options[0].act) == ("confirm", "pay")


def test_a_turn_does_not_change_the_session_it_was_given() -> None:
    phone = at("confirm")
    before = phone.session.copy()
    turn(phone.session, Said("text", "确认缴费"), phone.town.world(), SERVICES)
    assert phone.session == before
