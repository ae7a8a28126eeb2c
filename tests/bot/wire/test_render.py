"""A reply as WeChat shows it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.bubbles import links_in
from bot.turns.values import Answer
from bot.wire.render import LONGEST, escaped, passive_xml, reply_texts
from dialogs.said import Reply, Said, Shown
from tests.bot.wechat_side import Side, Turning, shown, text_xml

ANY = st.text()
NASTY = st.one_of(
    st.text(),
    st.sampled_from(["]]>", "<a href='x'>", "</Content>", "&amp;%+#\"'", "\x00\x0b", "\ud800", "{target}", "汉" * 700]),
)


def option(label: str, number: int = 1) -> Shown:
    return Shown(f"7.{number}", label, number)


def content_of(text: str) -> str:
    xml = passive_xml(text, to="oX", sender="gh_1", created=1)
    return ElementTree.fromstring(xml).findtext("Content") or ""


def test_options_become_numbered_lines_to_tap() -> None:
    reply = Reply(("请选择：",), (option("500元"), option("1,000元 & 更多", 2)), ("发送“帮助”。",))
    assert reply_texts(reply) == [
        "请选择：\n"
        '<a href="weixin://bizmsgmenu?msgmenucontent=500元&msgmenuid=7.1">1 500元</a>\n'
        '<a href="weixin://bizmsgmenu?msgmenucontent=1%2C000元%20%26%20更多&msgmenuid=7.2">2 1,000元 & 更多</a>\n'
        "发送“帮助”。"
    ]


def test_a_link_option_opens_its_address() -> None:
    reply = Reply((), (Shown("1.1", "去付款", None, "https://bot.example/pay/abc\"'<>"),))
    assert reply_texts(reply) == ['<a href="https://bot.example/pay/abc%22%27%3C%3E">去付款</a>']


def test_an_empty_reply_is_no_text() -> None:
    assert reply_texts(Reply()) == []
    assert reply_texts(Reply(("",))) == []


def test_an_option_without_id_or_label_is_no_link_for_wechat_ignores_the_tap() -> None:
    assert reply_texts(Reply((), (Shown("", "甲", 1), Shown("1.2", " ", 2)))) == ["1 甲\n2  "]


@pytest.mark.parametrize(
    "typed", ["]]>", '<a href="https://evil.example">点我</a>', "</Content></xml>", "<xml>", "{target}"]
)
def test_what_a_person_typed_is_never_markup(typed: str) -> None:
    texts = reply_texts(Reply((f"您发送的是：{typed}",)))
    assert links_in(texts[0]) == ()
    assert content_of(texts[0]) == texts[0] == f"您发送的是：{typed.replace('<', '＜').replace('>', '＞')}"


def test_what_is_echoed_back_through_the_wire_stays_text() -> None:
    def echo(openid: str, message: str, said: Said) -> Answer:
        return Answer(reply_texts(Reply((said.text,)))[0], "answered")

    side = Side(Turning(echo))
    assert side.says(text_xml("<![CDATA[a]]&gt;b]]>]]&gt;")) == "a]]&gt;b]]＞"
    assert side.says(text_xml('<![CDATA[<a href="x">y</a>]]>')) == '＜a href="x"＞y＜/a＞'


def test_the_passive_answer_survives_what_escaping_missed() -> None:
    assert content_of("a]]>b\x00") == "a]]＞b"


@pytest.mark.parametrize("signs", [1798, 1799, 1800, 1801, 2046, 2047, 2048, 2049, 4096])
def test_no_text_passes_2048_bytes_around_the_boundary(signs: int) -> None:
    texts = reply_texts(Reply(("a" * signs,)))
    assert all(len(text.encode()) <= LONGEST for text in texts)
    assert "".join(texts) == "a" * signs
    assert len(texts) == (signs + 1799) // 1800


def test_a_long_reply_is_cut_between_lines_and_no_option_is_cut() -> None:
    options = tuple(option(f"东湖区第{n}街道居民委员会", n) for n in range(1, 60))
    texts = reply_texts(Reply(("请选择：",), options))
    assert len(texts) > 1
    links = [link for text in texts for link in links_in(text)]
    assert [link.option for link in links] == [(shown.label, shown.id) for shown in options]


def test_a_label_too_long_for_a_link_can_still_be_chosen_by_its_number() -> None:
    texts = reply_texts(Reply((), (option("&" * 900),)))
    assert "".join(texts) == "1 " + "&" * 900


@settings(deadline=None)
@given(text=NASTY, label=NASTY, identity=ANY, after=NASTY)
def test_any_words_make_short_well_formed_texts_that_read_as_they_should(
    text: str, label: str, identity: str, after: str
) -> None:
    reply = Reply((text,), (Shown(identity, label, 3),), (after,))
    texts = reply_texts(reply)
    for page in texts:
        assert len(page.encode()) <= LONGEST
        assert content_of(page) == page
    links = [link for page in texts for link in links_in(page)]
    assert len(links) <= 1
    visible = "".join(shown(page) for page in texts)
    assert "".join(visible.split()) == "".join(escaped(f"{text}3{label}{after}").split())


@settings(deadline=None)
@given(label=st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=100))
def test_the_citizens_bubble_shows_exactly_the_label(label: str) -> None:
    (text,) = reply_texts(Reply((), (Shown("12.3", label, 1),)))
    if label.strip():
        assert [link.option for link in links_in(text)] == [(label, "12.3")]
