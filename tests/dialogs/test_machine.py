"""The machine at every step: 返回, 取消, 帮助, 首页, stale taps, three strikes, questions between the questions."""

from __future__ import annotations

import pytest

from dialogs.flows import SERVICES
from dialogs.machine import ATTACHMENTS, IDLE_SECONDS, turn
from dialogs.said import Reply, Said
from dialogs.session import Session
from dialogs.texts import say
from dialogs.world import OrderState
from tests.dialogs.townspeople import LI, MAI, WANG, WU, Phone

# How to come to each step, and what is typed next to answer it.
AT = {
    "document": (["养老保险费缴纳"], WANG.number),
    "insured": (["养老保险费缴纳", WANG.number], WANG.name),
    "enrolled": (["养老保险费缴纳", WANG.number, WANG.name], "东湖区"),
    "tier": (["养老保险费缴纳", WANG.number, WANG.name, "1"], "500"),
    "assessed": (["养老核定缴费", LI.number, LI.name], "2024"),
    "confirm": (["医疗保险费缴纳", LI.number, LI.name], "确认缴费"),
}
ORDERED = ["医疗保险费缴纳", LI.number, LI.name, "确认缴费"]
EVERYWHERE = {**{name: way for name, (way, _) in AT.items()}, "services": ["首页"], "checkout": ORDERED}


def at(step: str) -> Phone:
    phone = Phone()
    phone.say(*EVERYWHERE[step])
    assert phone.session.asked == step
    return phone


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
    read = phone.hear(Said(kind))  # type: ignore[arg-type]
    assert read.startswith(say(ATTACHMENTS[kind]))
    assert (phone.session.asked, phone.session.known) == (step, known)
    assert len(read) > len(say(ATTACHMENTS[kind]))


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


def test_three_names_that_differ_are_three_wrong_answers_too() -> None:
    phone = at("insured")
    assert say("insured.stuck") not in phone.say("王三", "王四")
    assert say("insured.stuck") in phone.say("王五")
    assert phone.labels == [say("insured.number")]
    phone.tap(say("insured.number"))
    assert phone.session.asked == "document"


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


# -- taps


@pytest.mark.parametrize("step", AT)
def test_an_old_option_only_shows_the_present_question_again(step: str) -> None:
    phone = at(step)
    before = phone.session
    for old in ("7.0", f"{before.revision - 1}.0", f"{before.revision}.99", "", ".", "x", f"{before.revision}.-1"):
        phone.tap_id(old, "确认缴费")
        assert (phone.session.asked, phone.session.known, phone.session.revision) == (
            step,
            before.known,
            before.revision,
        )
    assert phone.town.opened == []


def test_a_tap_id_of_ten_thousand_digits_is_an_old_option() -> None:
    phone = at("tier")
    phone.tap_id(f"{phone.session.revision}.{'9' * 10_000}")
    assert phone.session.asked == "tier"


def test_confirming_twice_by_the_same_option_opens_one_order() -> None:
    phone = at("confirm")
    confirm = phone.reply.options[0].id
    phone.tap_id(confirm, "确认缴费")
    read = phone.tap_id(confirm, "确认缴费")
    assert read.startswith(say("checkout.stale"))
    assert len(phone.town.opened) == 1


def test_confirming_twice_opens_one_order_where_taps_come_without_ids() -> None:
    phone = at("confirm")
    phone.say("确认缴费")
    assert phone.say("确认缴费").startswith(say("checkout.stale"))
    assert len(phone.town.opened) == 1


def test_an_option_of_a_forgotten_conversation_never_fits_a_new_one() -> None:
    phone = at("confirm")
    confirm = phone.reply.options[0].id
    phone.send("unsubscribe")
    phone.town.wait(minutes=1)
    phone.send("subscribe")
    phone.say("医疗保险费缴纳", MAI.number, MAI.name)
    assert phone.session.asked == "confirm"
    phone.tap_id(confirm, "确认缴费")
    assert phone.town.opened == []


def test_pages_turn_by_their_options_and_by_words() -> None:
    phone = at("tier")
    phone.tap("下一页")
    assert phone.labels == ["2000元", "3000元", "上一页"]
    phone.say("下一页")
    assert phone.labels == ["2000元", "3000元", "上一页"]
    phone.tap("上一页")
    assert phone.labels[0] == "300元"
    phone.say("11")
    assert phone.session.known["tier"] == "3000"


def test_turning_a_page_does_not_answer_or_lose_a_question_about_the_conversation() -> None:
    phone = at("tier")
    asked = phone.say("首页")
    assert phone.say("下一页") == asked
    phone.tap(say("machine.stay"))
    assert phone.session.asked == "tier"


# -- the menu in the middle, time, trouble


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


# -- the order


def test_whoever_says_it_is_paid_is_believed_after_a_look() -> None:
    phone = at("checkout")
    assert say("checkout.not_yet_paid") in phone.say("医保已经付好了")
    phone.town.pay("O1")
    assert "已经缴好了" in phone.say("付好了")


def test_who_does_not_want_to_pay_is_not_told_that_the_payment_is_awaited() -> None:
    assert say("checkout.not_yet_paid") not in at("checkout").say("我不想缴了")


def test_back_from_an_order_that_stands_is_refused_with_a_reason() -> None:
    phone = at("checkout")
    assert phone.say("返回").startswith(say("checkout.no_back"))
    assert phone.session.asked == "checkout"


@pytest.mark.parametrize("word", ["取消", "不缴了"])
def test_cancelling_an_order_closes_it(word: str) -> None:
    phone = at("checkout")
    phone.say(word)
    assert phone.town.books["O1"].state is OrderState.CLOSED


def test_leaving_an_order_by_other_words_does_not_close_it() -> None:
    phone = at("checkout")
    assert phone.say("退出").startswith(say("checkout.wrong"))
    assert phone.town.books["O1"].state is OrderState.OPEN


@pytest.mark.parametrize(("word", "asked"), [("取消", ""), ("返回", "confirm"), ("重新开一张", "confirm")])
def test_an_order_that_ran_out_can_be_left_taken_back_or_renewed(word: str, asked: str) -> None:
    phone = at("checkout")
    phone.town.wait(minutes=31)
    assert say("checkout.expired") in phone.say("好了没")
    phone.say(word)
    assert phone.session.asked == asked


def test_back_from_one_of_several_orders_shows_the_others() -> None:
    phone = Phone()
    for who in (LI, MAI):
        phone.say("医疗保险费缴纳", who.number, who.name, "确认缴费", "不缴了")
    phone.click("my.orders")
    phone.say("2")
    assert phone.session.asked == ""  # it is closed: a new one is offered
    phone.say("医疗保险费缴纳", LI.number, LI.name, "确认缴费", "首页")
    phone.say("医疗保险费缴纳", MAI.number, MAI.name, "确认缴费")
    phone.click("my.orders")
    phone.say("1")
    assert phone.session.asked == "checkout"
    phone.say("返回")
    assert phone.session.asked == "orders"


def test_an_order_of_ones_own_is_shown_instead_of_a_second_one() -> None:
    phone = at("checkout")
    phone.click("home")
    read = phone.say("医疗保险费缴纳", LI.number, LI.name)
    assert read.startswith(say("owed.mine"))
    assert len(phone.town.books) == 1


def test_another_service_by_its_words_while_an_order_stands() -> None:
    phone = at("checkout")
    assert say("starting.pay.pension") in phone.say("给我爸交养老")
    assert phone.session.asked == "document"


def test_a_question_about_how_while_an_order_stands_explains_this_order() -> None:
    phone = at("checkout")
    assert phone.say("这个怎么付").startswith(say("checkout.help"))
    assert phone.session.asked == "checkout"


def test_an_assessment_of_nothing_needs_no_order() -> None:
    phone = Phone()
    assert "不用您缴费" in phone.say("医疗保险费缴纳", WU.number, WU.name)
    assert phone.town.opened == []


# -- events and hostile words


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
    phone.session.options[0]["act"] = "removed"
    phone.say("1")
    assert (phone.session.asked, phone.session.options[0]["act"]) == ("confirm", "pay")


def test_a_turn_does_not_change_the_session_it_was_given() -> None:
    phone = at("confirm")
    before = phone.session.copy()
    turn(phone.session, Said("text", "确认缴费"), phone.town.world(), SERVICES)
    assert phone.session == before
