"""Phones against an echo bot that reads with WeRoBot: an independent witness for what the sandbox sends."""

import threading
from collections.abc import Iterator

import pytest
from werobot.crypto import MessageCrypt

from bot.sandbox.clock import MovableClock
from bot.sandbox.delivery import verify_address
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.http import Answer
from bot.sandbox.phone import TOAST, NotFollowing
from bot.sandbox.wechat import WeChatStandIn
from tests.bot.sandbox_parts import NINE_O_CLOCK, EchoBot, keys, text_reply

OPENID = "oSandbox0000000000000000001"
OPTIONS = (
    "选哪档？\n"
    '<a href="weixin://bizmsgmenu?msgmenucontent=500%E5%85%83&msgmenuid=3.1">1 500元</a>\n'
    '<a href="weixin://bizmsgmenu?msgmenucontent=1500%E5%85%83&msgmenuid=3.2">2 1500元</a>\n'
    '<a href="weixin://bizmsgmenu?msgmenucontent=&msgmenuid=3.3">3 没有内容</a>'
)

FORGER = MessageCrypt("another-token", keys().encoding_aes_key, keys().app_id)


@pytest.fixture
def wechat() -> Iterator[WeChatStandIn]:
    standin = WeChatStandIn(keys(), MovableClock(NINE_O_CLOCK), Faults()).start()
    yield standin
    standin.stop()


def test_a_typed_text_arrives_as_werobot_reads_it_and_the_reply_is_shown(wechat: WeChatStandIn) -> None:
    with EchoBot(text_reply(OPENID, "您好")) as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        (bubble,) = phone.type("给我妈交医保 ]]> <b>")
        message = bot.messages[0]
        assert (message.type, message.content, message.source) == ("text", "给我妈交医保 ]]> <b>", OPENID)
        assert (message.time, message.target) == (int(NINE_O_CLOCK), keys().original_id)
        assert message.message_id > 2**32
        assert bot.requests[0].query["openid"] == OPENID
        assert bot.requests[0].query["encrypt_type"] == "aes"
        assert (bubble.text, bubble.pushed) == ("您好", False)
        assert phone.inbox == [bubble]
        assert phone.toasts == []


def test_every_kind_of_message_is_understood_by_werobot(wechat: WeChatStandIn) -> None:
    with EchoBot() as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        for send in (phone.image, phone.video, phone.location, phone.link, phone.voice):
            assert send() == []
        phone.voice("我要缴费")
        assert [message.type for message in bot.messages] == ["image", "video", "location", "link", "voice", "voice"]
        assert [message.recognition for message in bot.messages[4:]] == [None, "我要缴费"]
        assert len({message.message_id for message in bot.messages}) == 6


def test_events_carry_no_message_id_and_the_keys_that_wechat_sends(wechat: WeChatStandIn) -> None:
    with EchoBot() as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID, following=False)
        phone.scan("hall-7")
        phone.scan("hall-8")
        phone.click("pay.pension")
        phone.unsubscribe()
        phone.subscribe()
        assert [message.type for message in bot.messages] == [
            "subscribe_event",
            "scan_event",
            "click_event",
            "unsubscribe_event",
            "subscribe_event",
        ]
        assert [message.EventKey for message in bot.messages] == ["qrscene_hall-7", "hall-8", "pay.pension", None, None]
        assert all(message.message_id == 0 for message in bot.messages)


def test_who_does_not_follow_cannot_write(wechat: WeChatStandIn) -> None:
    with pytest.raises(NotFollowing):
        wechat.phone(OPENID, following=False).type("你好")


def test_a_tap_sends_the_decoded_content_with_its_id_and_only_without_it_on_a_test_account(
    wechat: WeChatStandIn,
) -> None:
    with EchoBot(text_reply(OPENID, OPTIONS)) as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        phone.type("hi")
        phone.tap("500元")
        assert (bot.messages[1].content, bot.messages[1].bizmsgmenuid) == ("500元", "3.1")
        wechat.sends_bizmsgmenuid = False
        phone.tap("1500")
        assert bot.messages[2].content == "1500元"
        assert not hasattr(bot.messages[2], "bizmsgmenuid")


def test_an_option_without_content_or_that_is_not_shown_cannot_be_tapped(wechat: WeChatStandIn) -> None:
    with EchoBot(text_reply(OPENID, OPTIONS)) as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        phone.type("hi")
        for label in ("没有内容", "300元"):
            with pytest.raises(LookupError, match="nothing to press"):
                phone.tap(label)
        with pytest.raises(LookupError, match="fits several"):
            phone.tap("00元")


def test_an_old_option_is_taken_from_an_earlier_bubble(wechat: WeChatStandIn) -> None:
    later = OPTIONS.replace("msgmenuid=3.", "msgmenuid=4.")
    with EchoBot(text_reply(OPENID, OPTIONS), text_reply(OPENID, later), Answer(200, b"")) as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        phone.type("a")
        phone.type("b")
        phone.tap("500元")
        phone.tap_old("500元")
        assert [message.bizmsgmenuid for message in bot.messages[2:]] == ["4.1", "3.1"]


@pytest.mark.parametrize(
    "bad",
    [
        Answer(500),
        Answer(200, b'{"errcode":0}'),
        Answer(200, text_reply(OPENID, "plain")(None).encode()),
        text_reply("oSomebodyElse", "hi"),
        text_reply(OPENID, "字" * 683),
        text_reply(OPENID, " "),
        "<xml><ToUserName>x</ToUserName></xml>",
        lambda _: Answer(200, FORGER.encrypt_message(text_reply(OPENID, "hi")(None)).encode()),
    ],
    ids=["500", "JSON", "not encrypted", "somebody else", "2049 bytes", "empty", "half", "wrong signature"],
)
def test_an_answer_wechat_does_not_understand_is_asked_for_three_times_and_then_toasted(
    wechat: WeChatStandIn, bad: object
) -> None:
    with EchoBot(bad) as bot:
        wechat.bot_url = bot.url
        phone = wechat.phone(OPENID)
        assert phone.type("hi") == []
        assert phone.toasts == [TOAST]
        assert len({message.message_id for message in bot.messages}) == 1
        assert len(bot.messages) == 3
        assert bot.requests[0].target == bot.requests[1].target != bot.requests[2].target


def test_a_reply_of_2048_bytes_is_shown(wechat: WeChatStandIn) -> None:
    with EchoBot(text_reply(OPENID, "字" * 682 + "ab")) as bot:
        wechat.bot_url = bot.url
        assert len(wechat.phone(OPENID).type("hi")) == 1


def test_a_slow_answer_is_given_up_and_the_same_message_sent_again(wechat: WeChatStandIn) -> None:
    never = threading.Event()
    with EchoBot(lambda _: never.wait(20), text_reply(OPENID, "late")) as bot:
        wechat.bot_url, wechat.answer_within = bot.url, 0.2
        phone = wechat.phone(OPENID)
        (bubble,) = phone.type("hi")
        assert bubble.text == "late"
        assert len(bot.messages) == 2
        assert phone.toasts == []
        assert "ReadTimeoutError" in phone.failures[0]
        never.set()


def test_a_lost_answer_makes_the_same_message_arrive_twice(wechat: WeChatStandIn) -> None:
    with EchoBot(text_reply(OPENID, "hi")) as bot:
        wechat.bot_url = bot.url
        wechat.faults.put("push", Fault.DROP_AFTER, times=1)
        assert len(wechat.phone(OPENID).type("hi")) == 1
        assert [message.message_id for message in bot.messages] == [bot.messages[0].message_id] * 2


def test_a_bot_that_is_not_there_is_toasted(wechat: WeChatStandIn) -> None:
    wechat.bot_url = "http://127.0.0.1:9/wechat"
    phone = wechat.phone(OPENID)
    assert phone.type("hi") == []
    assert phone.toasts == [TOAST]


def test_a_link_opens_in_wechat_s_browser(wechat: WeChatStandIn) -> None:
    with EchoBot() as site:
        link = f'<a href="{site.url}?echostr=seen&signature=&timestamp=&nonce=">去付款</a>'
        with EchoBot(text_reply(OPENID, link)) as bot:
            wechat.bot_url = bot.url
            phone = wechat.phone(OPENID)
            (bubble,) = phone.type("hi")
            assert bubble.shown == "去付款"
            assert phone.open_link("付款").status == 200
            assert "MicroMessenger" in site.requests[0].headers["User-Agent"]


def test_the_address_check_of_the_console_passes(wechat: WeChatStandIn) -> None:
    with EchoBot() as bot:
        wechat.bot_url = bot.url
        assert verify_address(wechat)
