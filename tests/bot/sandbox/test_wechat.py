"""The WeChat API stand-in: tokens, push windows to the second, pictures, menus, templates."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image

from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.media import MAX_BYTES
from bot.sandbox.phone import Phone
from bot.sandbox.wechat import WeChatStandIn
from tests.bot.sandbox_parts import NINE_O_CLOCK, EchoBot, get, keys, text_reply

OPENID = "oSandbox0000000000000000002"
HOUR = 3600


class Api:
    """An account's calls, with a token fetched once."""

    def __init__(self, wechat: WeChatStandIn) -> None:
        self.url = wechat.url
        self.token = str(self.stable_token()["access_token"])

    def stable_token(self, **changed: object) -> dict[str, Any]:
        asked = {"grant_type": "client_credential", "appid": keys().app_id, "secret": keys().secret, **changed}
        return dict(get(f"{self.url}/cgi-bin/stable_token", json.dumps(asked).encode()).json())

    def call(self, path: str, value: object = None, token: str | None = None) -> dict[str, Any]:
        url = f"{self.url}/cgi-bin/{path}?access_token={self.token if token is None else token}"
        body = None if value is None else json.dumps(value, ensure_ascii=False).encode()
        return dict(get(url, body).json())

    def push(self, text: str = "hi", openid: str = OPENID) -> int:
        said = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        self.token = str(self.stable_token()["access_token"])
        return int(self.call("message/custom/send", said)["errcode"])

    def upload(self, content: bytes, kind: str = "image", name: str | None = "a.png") -> dict[str, Any]:
        url = f"{self.url}/cgi-bin/media/upload?access_token={self.token}&type={kind}"
        return dict(requests.post(url, files={"media": (name, content)}, timeout=5).json())


@pytest.fixture
def wechat() -> Iterator[WeChatStandIn]:
    standin = WeChatStandIn(keys(), MovableClock(NINE_O_CLOCK), Faults()).start()
    with EchoBot() as bot:
        standin.bot_url = bot.url
        yield standin
    standin.stop()


@pytest.fixture
def api(wechat: WeChatStandIn) -> Api:
    return Api(wechat)


@pytest.fixture
def phone(wechat: WeChatStandIn) -> Phone:
    return wechat.phone(OPENID)


def _png() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "PNG")
    return stream.getvalue()


def test_the_same_token_comes_until_five_minutes_before_its_end(wechat: WeChatStandIn, api: Api) -> None:
    wechat.clock.move(6899)
    assert api.stable_token() == {"access_token": api.token, "expires_in": 301}
    wechat.clock.move(1)
    renewed = api.stable_token()
    assert renewed["access_token"] != api.token
    assert renewed["expires_in"] == 7200
    assert api.call("menu/get")["errcode"] == 46003  # the old one still opens the door
    wechat.clock.move(300)
    assert api.call("menu/get")["errcode"] == 42001


def test_force_refresh_kills_the_old_token_and_is_rationed(wechat: WeChatStandIn, api: Api) -> None:
    forced = api.stable_token(force_refresh=True)
    assert forced["access_token"] != api.token
    assert api.call("menu/get")["errcode"] == 40001
    wechat.clock.move(29)
    assert api.stable_token(force_refresh=True)["errcode"] == 45011
    wechat.clock.move(1)
    for _ in range(19):
        assert "access_token" in api.stable_token(force_refresh=True)
        wechat.clock.move(30)
    assert api.stable_token(force_refresh=True)["errcode"] == 45009


@pytest.mark.parametrize(
    ("changed", "errcode"), [({"appid": "wx"}, 40013), ({"secret": "x"}, 40125), ({"grant_type": "x"}, 40002)]
)
def test_a_token_is_for_the_right_account_only(api: Api, changed: dict[str, str], errcode: int) -> None:
    assert api.stable_token(**changed)["errcode"] == errcode


def test_a_call_without_or_with_an_invented_token_is_refused(api: Api) -> None:
    assert api.call("menu/get", token="")["errcode"] == 41001
    assert api.call("menu/get", token="invented")["errcode"] == 40014


def test_typing_allows_five_pushes_within_48_hours_to_the_second(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    assert api.push() == 45015
    phone.type("hi")
    assert [api.push() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    phone.type("hi")
    wechat.clock.move(48 * HOUR - 1)
    assert api.push() == 0
    wechat.clock.move(1)
    assert api.push() == 45015
    assert [bubble.pushed for bubble in phone.inbox] == [True] * 6


@pytest.mark.parametrize("do", ["click", "subscribe", "scan", "tap"])
def test_a_tap_a_click_a_follow_or_a_scan_allows_three_pushes_within_a_minute(
    wechat: WeChatStandIn, api: Api, phone: Phone, do: str
) -> None:
    option = '<a href="weixin://bizmsgmenu?msgmenucontent=x&msgmenuid=1">x</a>'
    with EchoBot(text_reply(OPENID, option)) as bot:
        wechat.bot_url = bot.url
        phone.type("hi")
        wechat.clock.move(49 * HOUR)
        getattr(phone, do)(*(() if do == "subscribe" else ("x",)))
        assert [api.push() for _ in range(4)] == [0, 0, 0, 45047]
        phone.click("x")
        wechat.clock.move(59)
        assert api.push() == 0
        wechat.clock.move(1)
        assert api.push() == 45015


def test_a_tap_leaves_the_window_of_an_earlier_typed_message_open(
    wechat: WeChatStandIn, api: Api, phone: Phone
) -> None:
    phone.type("hi")
    assert [api.push() for _ in range(4)] == [0, 0, 0, 0]
    phone.click("x")
    assert [api.push() for _ in range(4)] == [0, 0, 0, 45047]


def test_unfollowing_ends_all_pushing(api: Api, phone: Phone) -> None:
    phone.type("hi")
    phone.unsubscribe()
    assert api.push() == 45015


def test_a_payment_opens_a_window_only_where_the_account_has_it(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    wechat.paid(OPENID)
    assert api.push() == 45015
    wechat.pushes_after_payment = True
    wechat.paid(OPENID)
    assert {api.push() for _ in range(20)} == {0}
    wechat.clock.move(48 * HOUR)
    assert api.push() == 45015


def test_texts_are_limited_and_the_day_has_a_quota(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    phone.type("hi")
    assert api.push("") == 44004
    assert api.push("字" * 683) == 45002
    assert api.push("字" * 682 + "ab") == 0
    assert api.push(openid="oNobody") == 40003
    wechat.pushes_per_day = 1
    assert api.push() == 45009


def test_a_push_whose_answer_is_lost_has_been_shown_all_the_same(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    phone.type("hi")
    wechat.faults.put("wechat.send", Fault.DROP_AFTER, times=1)
    with pytest.raises(Exception, match="aborted"):
        api.push("once")
    shown = phone.wait_for(lambda bubble: bubble.text == "once")
    assert shown is not None


def test_a_picture_is_kept_three_days_and_pushed_by_its_id(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    media_id = api.upload(_png())["media_id"]
    assert wechat.media.picture(media_id).content == _png()
    phone.type("hi")
    said = {"touser": OPENID, "msgtype": "image", "image": {"media_id": media_id}}
    assert api.call("message/custom/send", said)["errcode"] == 0
    assert phone.inbox[-1].media_id == media_id
    wechat.clock.move(3 * 24 * HOUR)
    api.token = str(api.stable_token()["access_token"])
    assert api.call("message/custom/send", said)["errcode"] == 40007


def test_what_is_no_picture_or_too_big_is_refused(api: Api) -> None:
    assert api.upload(b"GIF89a....")["errcode"] == 40005
    assert api.upload(_png()[:-4])["errcode"] == 40005
    assert api.upload(_png() + b"\0" * MAX_BYTES)["errcode"] == 40009
    assert api.upload(b"")["errcode"] == 44001
    assert api.upload(_png(), kind="voice")["errcode"] == 40004
    assert api.call("media/upload", {"media": "x"})["errcode"] == 40004


def _menu(*sub: dict[str, Any], name: str = "我要缴") -> dict[str, Any]:
    return {"button": [{"name": name, "sub_button": list(sub)}]}


def _item(name: str = "养老保险费缴纳", key: str = "pay.pension") -> dict[str, Any]:
    return {"type": "click", "name": name, "key": key}


def test_a_good_menu_is_kept_shown_and_taken_down(wechat: WeChatStandIn, api: Api, phone: Phone) -> None:
    assert api.call("menu/get")["errcode"] == 46003
    assert api.call("menu/create", _menu(_item()))["errcode"] == 0
    assert api.call("menu/get")["menu"] == _menu(_item())
    assert wechat.menu.key_of("养老保险费缴纳") == "pay.pension"
    with pytest.raises(LookupError, match="the menu has no"):
        phone.click("pay.medical")
    assert api.call("menu/delete")["errcode"] == 0
    assert api.call("menu/get")["errcode"] == 46003


@pytest.mark.parametrize(
    ("menu", "errcode"),
    [
        ({"button": []}, 40016),
        ({"button": [_item()] * 4}, 40016),
        (_menu(*[_item()] * 6), 40023),
        (_menu(_item(), name="我要缴六个字"), 40018),
        (_menu(_item(name="字" * 21)), 40025),
        (_menu(_item(key="k" * 129)), 40026),
        ({"button": [{"type": "click", "name": "x", "key": ""}]}, 40019),
        (_menu({"type": "hover", "name": "x"}), 40024),
        (_menu({"name": "x", "sub_button": [_item()]}), 40022),
        (_menu({"type": "view", "name": "x", "url": "https://x/" + "y" * 1020}), 40027),
    ],
)
def test_a_menu_beyond_a_limit_is_refused(api: Api, menu: dict[str, Any], errcode: int) -> None:
    assert api.call("menu/create", menu)["errcode"] == errcode


def test_a_template_message_needs_its_template_and_a_follower_but_no_window(
    wechat: WeChatStandIn, api: Api, phone: Phone
) -> None:
    said = {"touser": OPENID, "template_id": "T1", "data": {"thing1": {"value": "缴费成功"}}}
    assert api.call("message/template/send", said)["errcode"] == 40037
    wechat.templates["T1"] = frozenset({"thing1", "amount2"})
    assert api.call("message/template/send", said)["errcode"] == 47003
    wechat.templates["T1"] = frozenset({"thing1"})
    assert api.call("message/template/send", said)["errcode"] == 0
    assert (phone.inbox[-1].kind, phone.inbox[-1].text) == ("template", "缴费成功")
    phone.unsubscribe()
    assert api.call("message/template/send", said)["errcode"] == 43004


def test_a_code_for_a_hall_can_be_made(api: Api) -> None:
    said = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "hall-7"}}}
    assert set(api.call("qrcode/create", said)) == {"ticket", "url"}
    assert api.call("qrcode/create", {"action_name": "QR_LIMIT_STR_SCENE"})["errcode"] == 40053
