"""News go up the ladder: pushed where that is allowed, by template, else at the top of the next reply; once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.notices.messenger import LEASE_SECONDS, TRY_AFTER
from bot.sandbox.faults import Fault
from bot.turns.conversation import NEWS_SECONDS
from bot.wechat.account_errors import AccountError, AccountUnreachable, PushRefused
from bot.wechat.official_account import OfficialAccount
from storage import notices
from storage.database import writing
from storage.notices import Notice
from storage.orders.columns import ATTEMPT, NOTICE
from tests.bot.room import PAYER, Room, placed
from tests.storage.counter import at_once


def write(room: Room, text: str = "缴费成功", *, openid: str = PAYER) -> None:
    now = int(room.sandbox.clock.now())
    with writing(room.app.engine) as connection:
        notices.write_notice(connection, Notice(text, openid, "paid", {"lines": [text]}, now))


def deliver(room: Room) -> int:
    return room.app.messenger.deliver_due()


def state(room: Room) -> tuple[str | None, int | None]:
    """How the last notice was delivered, and in how many seconds it is tried again."""
    row = room.counter.rows(NOTICE)[-1]
    return row.delivered_by, None if row.due_at is None else row.due_at - int(room.sandbox.clock.now())


def test_after_a_typed_word_news_is_pushed_once(room: Room) -> None:
    room.phone.type("你好")
    write(room)
    assert (deliver(room), deliver(room)) == (1, 0)
    assert (room.pushed(), state(room)) == (["缴费成功"], ("push", None))
    room.phone.type("你好")
    assert sum("缴费成功" in bubble.shown for bubble in room.phone.inbox) == 1


def test_what_must_fail_is_not_tried(room: Room) -> None:
    """Nothing was said in the last 48 hours: WeChat would refuse, and counts refusals."""
    write(room)
    room.fault("wechat.send", Fault.STATUS_500)
    deliver(room)
    assert state(room) == (None, None)
    room.phone.type("你好")
    write(room, "二")
    deliver(room)
    assert state(room) == (None, TRY_AFTER[0])  # the fault is still there: it met nobody before


@pytest.mark.parametrize("code", [45015, 45047])
def test_what_wechat_refuses_stands_in_the_next_reply_and_is_not_pushed_again(room: Room, code: int) -> None:
    room.phone.type("你好")
    if code == 45015:
        room.sandbox.wechat.follows(PAYER, become=False)
        room.sandbox.wechat.follows(PAYER, become=True)
    else:
        for _ in range(5):
            room.app.account.send_text(PAYER, "别的话")
    write(room)
    deliver(room)
    assert state(room) == (None, None)
    room.wait(10)
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith("缴费成功")
    [again] = room.phone.type("你好")
    assert "缴费成功" not in again.shown
    room.app.turns.close()  # what a turn has to do after its answer is done
    assert state(room)[0] == "reply"


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.STATUS_500, Fault.GARBLED])
def test_what_got_no_answer_is_tried_again_and_is_delivered_only_when_wechat_said_so(room: Room, fault: Fault) -> None:
    room.phone.type("你好")
    write(room)
    room.fault("wechat.send", fault)
    deliver(room)
    assert state(room) == (None, TRY_AFTER[0])
    room.sandbox.clock.move(TRY_AFTER[0])
    deliver(room)
    assert state(room) == ("push", None)
    assert room.pushed()[-1] == "缴费成功"


def test_after_five_tries_without_an_answer_it_waits_for_the_next_reply(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def unreachable(*_: object) -> None:
        tries.append(room.sandbox.clock.now())
        raise AccountUnreachable("nobody there")

    room.phone.type("你好")
    write(room)
    began = room.sandbox.clock.now()
    with monkeypatch.context() as patched:
        patched.setattr(OfficialAccount, "send_text", unreachable)
        patched.setattr(type(room.app.store), "take_push", lambda *_: True)
        for _ in range(0, 6000, 5):
            deliver(room)
            room.sandbox.clock.move(5)
    gaps = [int(later - earlier) for earlier, later in zip([began, *tries], tries, strict=False)]
    assert gaps == [0, *TRY_AFTER]
    assert state(room) == (None, None)
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith("缴费成功")


def test_news_stands_above_the_answer_once_and_each_citizen_sees_his_own(room: Room) -> None:
    room.sandbox.wechat.phone("oOther")
    write(room, "一")
    write(room, "二")
    write(room, "别人的", openid="oOther")
    deliver(room)
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith("一\n二\n")
    assert "别人的" not in reply.shown
    [reply] = room.phone.type("你好")
    assert "一\n二" not in reply.shown


def test_news_that_nobody_could_try_to_push_is_told_half_a_minute_later_at_the_latest(room: Room) -> None:
    room.phone.type("你好")
    write(room)
    [reply] = room.phone.type("你好")  # a turn has looked just now, and the worker is away
    assert not reply.shown.startswith("缴费成功")
    room.sandbox.clock.move(NEWS_SECONDS)
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith("缴费成功")


def test_what_stands_in_a_reply_that_is_being_made_is_not_pushed_beside_it(room: Room) -> None:
    room.phone.type("你好")
    write(room)
    assert [notice.reason for _, notice in room.app.messenger.waiting(PAYER)] == ["缴费成功"]
    assert (deliver(room), room.app.messenger.waiting(PAYER)) == (0, [])
    room.sandbox.clock.move(LEASE_SECONDS)  # that reply was never saved
    assert (deliver(room), room.pushed()) == (1, ["缴费成功"])


def test_two_messengers_at_once_never_push_one_notice_twice(room: Room) -> None:
    room.phone.type("你好")
    for number in range(4):
        write(room, f"消息{number}")
    at_once(*[lambda: deliver(room)] * 3)
    assert sorted(room.pushed()) == [f"消息{number}" for number in range(4)]


def test_a_messenger_that_dies_while_pushing_leaves_the_news_to_the_next(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    room.phone.type("你好")
    write(room)
    with monkeypatch.context() as patched:
        patched.setattr(OfficialAccount, "send_text", dies)
        with pytest.raises(Killed):
            deliver(room)
    assert deliver(room) == 0
    room.sandbox.clock.move(LEASE_SECONDS)
    assert (deliver(room), room.pushed()) == (1, ["缴费成功"])


def test_a_notice_that_cannot_be_told_does_not_keep_the_others_waiting(room: Room) -> None:
    room.phone.type("你好")
    write(room, "坏的")
    write(room, "好的")
    with writing(room.app.engine) as connection:
        connection.execute(update(NOTICE).where(NOTICE.c.reason == "坏的").values(body='{"lines": 7}'))
    deliver(room)
    assert room.pushed() == ["好的"]


def test_by_template_where_one_is_configured_and_pushing_is_not_allowed(room: Room) -> None:
    room.sandbox.wechat.templates["T1"] = frozenset({"thing1"})
    messenger = replace(room.app.messenger, template_id="T1")
    write(room)
    assert messenger.deliver_due() == 1
    assert state(room) == ("template", None)
    assert room.pushed() == ["缴费成功"]


def test_a_push_that_is_refused_goes_by_template_and_what_did_not_fit_in_is_told_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = "缴费成功，一共 3 项，一千二百元，请看下面的三行字"

    def refused(*_: object) -> None:
        raise PushRefused(45047)

    room.sandbox.wechat.templates["T1"] = frozenset({"thing1"})
    monkeypatch.setattr(OfficialAccount, "send_text", refused)
    messenger = replace(room.app.messenger, template_id="T1")
    room.phone.type("你好")
    write(room, "缴费成功")
    write(room, news)
    messenger.deliver_due()
    assert room.pushed() == ["缴费成功", f"{news[:19]}…"]
    assert [row.delivered_by for row in room.counter.rows(NOTICE)] == ["template", None]
    assert (messenger.deliver_due(), state(room)) == (0, (None, None))
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith(news)


@pytest.mark.parametrize(("code", "later"), [(48001, False), (45009, False), (-1, True)])
def test_an_account_that_may_not_push_goes_by_template_and_a_busy_wechat_is_asked_again(
    room: Room, monkeypatch: pytest.MonkeyPatch, code: int, later: bool
) -> None:
    def refused(*_: object) -> None:
        raise AccountError(code, "no")

    room.sandbox.wechat.templates["T1"] = frozenset({"thing1"})
    monkeypatch.setattr(OfficialAccount, "send_text", refused)
    room.phone.type("你好")
    write(room)
    replace(room.app.messenger, template_id="T1").deliver_due()
    assert state(room) == ((None, TRY_AFTER[0]) if later else ("template", None))


def test_news_whose_push_is_refused_while_a_turn_looks_stands_in_the_very_next_reply(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn finds it being pushed: that is not "no news", which would spare the next turns the look."""

    answers = []

    def refused(*_: object) -> None:
        answers.extend(room.phone.type("还在吗"))
        raise PushRefused(45015)

    room.phone.type("你好")
    room.sandbox.clock.move(NEWS_SECONDS)
    write(room)
    with monkeypatch.context() as patched:
        patched.setattr(OfficialAccount, "send_text", refused)
        patched.setattr(type(room.app.store), "news", lambda *_: None)  # told before that turn was saved
        patched.setattr(type(room.app.store), "give_push_up", lambda *_: None)
        deliver(room)
    assert ["缴费成功" in one.shown for one in answers] == [False]
    [reply] = room.phone.type("你好")
    assert reply.shown.startswith("缴费成功")


# -- cards


def card(room: Room, word: str = "你好") -> str:
    """An order for which a card was asked for; the number of its attempt."""
    no = room.counter.open(PAYER)
    if word:
        room.phone.type(word)
    room.cashier.ask_card(PAYER, no)
    return no


def test_a_card_is_painted_uploaded_and_sent(room: Room) -> None:
    placed(room, card(room))
    [bubble] = [one for one in room.phone.inbox if one.pushed]
    assert bubble.kind == "image"
    assert room.sandbox.wechat.media.picture(bubble.media_id).content.startswith(b"\x89PNG")
    assert state(room) == ("push", None)


@pytest.mark.parametrize("endpoint", ["wechat.upload", "wechat.send"])
def test_a_card_whose_upload_or_sending_fails_comes_a_little_later(room: Room, endpoint: str) -> None:
    no = card(room)
    room.fault(endpoint, Fault.DROP_BEFORE)
    placed(room, no)
    assert state(room) == (None, TRY_AFTER[0])
    room.wait(TRY_AFTER[0])
    assert state(room) == ("push", None)


def test_a_card_that_could_not_be_pushed_comes_with_the_citizens_next_word(room: Room) -> None:
    placed(room, card(room, word=""))
    assert (room.pushed(), state(room)) == ([], (None, None))
    [reply] = room.phone.type("卡呢")
    assert reply.kind == "text"
    room.work()
    assert [bubble.kind for bubble in room.phone.inbox if bubble.pushed] == ["image"]
    assert state(room) == ("push", None)


def test_a_card_that_has_expired_is_never_sent(room: Room) -> None:
    placed(room, card(room, word=""))
    room.sandbox.clock.move(30 * 60)
    room.phone.type("卡呢")
    deliver(room)
    assert (room.pushed(), state(room)) == ([], (None, None))


def test_a_card_whose_code_is_over_is_not_sent_and_not_called_delivered(room: Room) -> None:
    no = card(room, word="")
    number = placed(room, no)
    with writing(room.app.engine) as connection:
        connection.execute(update(ATTEMPT).where(ATTEMPT.c.out_trade_no == number).values(state="closing"))
    room.phone.type("卡呢")
    deliver(room)
    assert ([one for one in room.phone.inbox if one.kind == "image"], state(room)) == ([], (None, None))
