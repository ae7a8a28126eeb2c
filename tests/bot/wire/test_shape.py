"""What is made of the XML inside."""

from __future__ import annotations

import pytest

from bot.wire.elements import Unreadable
from bot.wire.shape import Message, read_message, translator
from dialogs.said import Said
from tests.bot.wechat_side import OPENID, Side, event_xml, text_xml

ROBOT = translator()


def read(xml: str | bytes) -> Message:
    return read_message(ROBOT, xml.encode() if isinstance(xml, str) else xml)


def typed(kind: str, more: str = "") -> str:
    return text_xml("", more=more).replace("[text]", f"[{kind}]").replace("<Content></Content>", "")


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (text_xml("我要缴费"), Said("text", "我要缴费")),
        (text_xml("500元", more="<bizmsgmenuid>12.3</bizmsgmenuid>"), Said("tap", "500元", "12.3")),
        (text_xml("500元", more="<bizmsgmenuid></bizmsgmenuid>"), Said("text", "500元")),
        (text_xml(""), Said("unknown")),
        (text_xml("😀👨‍👩‍👧"), Said("text", "😀👨‍👩‍👧")),
        (typed("image", "<PicUrl>http://x</PicUrl><MediaId>1</MediaId>"), Said("image")),
        (typed("voice", "<Recognition><![CDATA[缴养老]]></Recognition>"), Said("voice", "缴养老")),
        (typed("voice", "<Recongnition><![CDATA[缴养老]]></Recongnition>"), Said("voice", "缴养老")),
        (typed("voice", "<Recognition></Recognition>"), Said("voice")),
        (typed("voice"), Said("voice")),
        (typed("video"), Said("video")),
        (typed("shortvideo"), Said("video")),
        (typed("location", "<Location_X>1.2</Location_X>"), Said("location")),
        (typed("link"), Said("link")),
        (typed("hologram"), Said("unknown")),
        (event_xml("subscribe", "<EventKey>qrscene_7</EventKey>"), Said("subscribe", key="7")),
        (event_xml("unsubscribe"), Said("unsubscribe")),
        (event_xml("SCAN", "<EventKey>7</EventKey><Ticket>t</Ticket>"), Said("scan", key="7")),
        (event_xml("CLICK", "<EventKey>pay.pension</EventKey>"), Said("menu", key="pay.pension")),
        (event_xml("VIEW", "<EventKey>https://x</EventKey><MenuId>1</MenuId>"), Said("quiet")),
        (event_xml("LOCATION", "<Latitude>1</Latitude>"), Said("quiet")),
        (event_xml("TEMPLATESENDJOBFINISH", "<Status>success</Status>"), Said("quiet")),
        (event_xml("scancode_waitmsg", "<ScanCodeInfo><ScanType>qrcode</ScanType></ScanCodeInfo>"), Said("scan")),
        (event_xml("some_event_of_tomorrow"), Said("quiet")),
    ],
)
def test_each_kind_of_message_has_its_said(xml: str, said: Said) -> None:
    assert read(xml).said == said


def test_pictures_chosen_from_a_menu_are_quiet_with_one_and_with_two_of_them() -> None:
    item = "<item><PicMd5Sum>a</PicMd5Sum></item>"
    for count in (1, 2):
        sent = f"<SendPicsInfo><Count>{count}</Count><PicList>{item * count}</PicList></SendPicsInfo>"
        assert read(event_xml("pic_weixin", sent)).said == Said("quiet")


def test_a_resend_has_the_same_key_and_another_message_another() -> None:
    assert read(text_xml("a", number=1)).key == read(text_xml("a", number=1)).key
    assert read(text_xml("a", number=1)).key != read(text_xml("a", number=2)).key
    assert read(text_xml("a", openid="oX")).key != read(text_xml("a", openid="oY")).key
    first, second = (event_xml("CLICK", f"<EventKey>{key}</EventKey>") for key in ("pay.pension", "pay.medical"))
    assert read(first).key == read(first).key
    assert read(first).key != read(second).key
    assert read(event_xml("subscribe")).key != read(event_xml("unsubscribe")).key


def test_a_key_is_never_long() -> None:
    assert len(read(event_xml("CLICK", f"<EventKey>{'k' * 1000}</EventKey>")).key) <= 128


@pytest.mark.parametrize(
    "more",
    ["<Content>b</Content>", "<FromUserName>evil</FromUserName>", "<MsgId>9</MsgId>"],
)
def test_a_repeated_element_is_refused(more: str) -> None:
    with pytest.raises(Unreadable, match="repeated"):
        read(text_xml("a", more=more))
    side = Side()
    assert side.says(text_xml("a", more=more)) == "success"
    assert side.turning.came == []


@pytest.mark.parametrize(
    "more",
    [
        "<source>evil</source>",
        "<content>evil</content>",
        "<fromusername>evil</fromusername>",
        "<time>1</time><target>evil</target><type>image</type><message_id>9</message_id><raw>x</raw>",
        "<__class__>evil</__class__><source>a</source><source>b</source>",
    ],
)
def test_lower_case_look_alikes_are_dropped(more: str) -> None:
    message = read(text_xml("good", more=more))
    assert (message.openid, message.said) == (OPENID, Said("text", "good"))


def test_werobot_alone_would_let_a_lower_case_element_overwrite_who_wrote_it() -> None:
    from werobot.parser import parse_user_msg

    assert parse_user_msg(text_xml("good", more="<source>evil</source>")).source == "evil"


@pytest.mark.parametrize("openid", ["", "a b", "x" * 65, "o<b>", "中文", "o]]&gt;", "<a>nested</a>", "'or 1=1"])
def test_a_strange_openid_is_refused(openid: str) -> None:
    xml = text_xml("a").replace(f"<![CDATA[{OPENID}]]>", openid)
    with pytest.raises(Unreadable):
        read(xml)
    assert Side().says(xml) == "success"


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "hello",
        "<xml></xml>",
        "<xml/>",
        "<html><body/></html>",
        text_xml("a").replace("<MsgType><![CDATA[text]]></MsgType>", ""),
        text_xml("a")[:-10],
        event_xml("CLICK").replace("<Event><![CDATA[CLICK]]></Event>", ""),
        event_xml("pic_weixin"),
        "<xml>" + "<a>" * 50 + "</a>" * 50 + "</xml>",
        "<xml>" + "<A1/>" * 500 + "</xml>",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_message_is_answered_success(xml: str | bytes) -> None:
    side = Side()
    assert side.says(xml) == "success"
    assert side.turning.came == []


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_a_dtd_is_refused(doctype: str) -> None:
    with pytest.raises(Unreadable, match="DTD"):
        read(doctype + text_xml("&x;"))
    assert Side().says(doctype + text_xml("&x;")) == "success"


def test_an_entity_nobody_declared_is_refused() -> None:
    with pytest.raises(Unreadable):
        read(text_xml("&x;"))


@pytest.mark.parametrize(
    "bad", ["&#0;", "&#xD800;", "&#xDFFF;", "&#xFFFF;", "&#1114112;", "&#8;", "\x00", "\x0b", "\ufffe"]
)
def test_what_xml_cannot_hold_is_taken_out_and_the_rest_is_taken(bad: str) -> None:
    assert read(text_xml(f"缴{bad}费&#10;A&#x4e2d;")).said == Said("text", "缴费\nA中")


def test_lone_surrogates_as_bytes_are_taken_out() -> None:
    assert read(text_xml("缴X费").encode().replace(b"X", b"\xed\xa0\x80")).said == Said("text", "缴费")


def test_control_characters_are_taken_out() -> None:
    assert read(text_xml("a\x7fb\x85c&#13;")).said == Said("text", "abc")


def test_rare_characters_of_all_planes_stay() -> None:
    assert read(text_xml("䶮𬭎𠮷\U000323af·")).said.text == "䶮𬭎𠮷\U000323af·"


def test_ten_thousand_digits_are_cut_and_still_seen_to_be_too_long() -> None:
    said = read(text_xml("1" * 10_000)).said
    assert said.text == "1" * 2000 + "…"
    assert read(text_xml("1" * 2000)).said.text == "1" * 2000
