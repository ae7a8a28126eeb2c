"""How the official account's API is called, and what its answers come to."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.wechat.account_client import AccountClient
from bot.wechat.account_errors import AccountError, AccountTrouble, AccountUnreachable, PushRefused
from bot.wechat.menu import MenuTooLong, menu_payload
from bot.wechat.official_account import OfficialAccount
from bot.wechat.tokens import TokenStore
from tests.bot.answering import Answer, Answering, Asked
from tests.bot.wechat.test_tokens import Memory

SECRET = "the-app-secret"
OK: dict[str, object] = {"errcode": 0, "errmsg": "ok"}


class Platform:
    """WeChat as a script: tokens by themselves, everything else from `replies`, the last one for ever."""

    def __init__(self, wire: Answering) -> None:
        self.wire = wire
        self.tokens = 0
        self.token_reply: object = None
        self.replies: list[object] = [OK]
        wire.answer = self._answer

    def _answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/cgi-bin/stable_token":
            self.tokens += 1
            reply = self.token_reply or {"access_token": f"TOKEN{self.tokens}", "expires_in": 7200}
        else:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply is None or isinstance(reply, Answer):
            return reply
        return Answer(200, json.dumps(reply).encode(), {"Content-Type": "text/plain"})

    @property
    def calls(self) -> list[Asked]:
        return [asked for asked in self.wire.asked if asked.path != "/cgi-bin/stable_token"]

    def tokens_used(self) -> list[str]:
        return [parse_qs(urlsplit(asked.path).query)["access_token"][0] for asked in self.calls]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Answering() as wire:
        yield Platform(wire)


def account_at(api_base: str, timeout: tuple[float, float] = (2, 3)) -> OfficialAccount:
    def no_pause(seconds: float) -> None:
        """Time stands still."""

    tokens = TokenStore(Memory(), "wxapp", clock=lambda: 1000.0, pause=no_pause)
    return OfficialAccount(AccountClient(api_base, "wxapp", SECRET, tokens, no_pause, timeout))


@pytest.fixture
def account(platform: Platform) -> OfficialAccount:
    return account_at(platform.wire.url)


def test_the_token_is_asked_for_by_post_unforced_and_once_for_many_calls(
    account: OfficialAccount, platform: Platform
) -> None:
    account.send_text("oA", "你好")
    account.send_text("oA", "你好")
    first = platform.wire.asked[0]
    assert (first.method, first.path) == ("POST", "/cgi-bin/stable_token")
    assert json.loads(first.body) == {"grant_type": "client_credential", "appid": "wxapp", "secret": SECRET}
    assert platform.tokens == 1
    assert platform.tokens_used() == ["TOKEN1", "TOKEN1"]


def test_a_text_goes_out_as_utf_8_and_not_as_escapes(account: OfficialAccount, platform: Platform) -> None:
    account.send_text("oA", "缴费成功\ud800")
    (call,) = platform.calls
    assert call.path.startswith("/cgi-bin/message/custom/send?")
    assert "缴费成功?".encode() in call.body
    assert json.loads(call.body) == {"touser": "oA", "msgtype": "text", "text": {"content": "缴费成功?"}}


@pytest.mark.parametrize(("text", "code"), [("", 44004), ("税" * 682 + "abc", 45002)])
def test_a_text_wechat_would_refuse_is_not_sent(
    account: OfficialAccount, platform: Platform, text: str, code: int
) -> None:
    with pytest.raises(AccountError) as error:
        account.send_text("oA", text)
    assert error.value.code == code
    assert platform.wire.asked == []
    account.send_text("oA", "税" * 682 + "ab")


def test_a_picture_is_uploaded_whole_and_its_media_id_sent(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [{"type": "image", "media_id": "MEDIA", "created_at": 1}, OK]
    account.send_image("oA", account.upload_image(b"\x89PNG picture"))
    upload, send = platform.calls
    assert parse_qs(urlsplit(upload.path).query)["type"] == ["image"]
    assert b'name="media"; filename="card.png"' in upload.body
    assert b"\x89PNG picture" in upload.body
    assert json.loads(send.body)["image"] == {"media_id": "MEDIA"}


def test_a_picture_uploaded_again_after_a_refused_token_is_still_whole(
    account: OfficialAccount, platform: Platform
) -> None:
    platform.replies = [{"errcode": 42001, "errmsg": "expired"}, {"media_id": "MEDIA"}]
    account.upload_image(b"\x89PNG picture")
    assert [b"\x89PNG picture" in call.body for call in platform.calls] == [True, True]


def test_a_template_message_wraps_its_fields(account: OfficialAccount, platform: Platform) -> None:
    account.send_template("oA", "TEMPLATE", {"amount": "500.00元"})
    body = json.loads(platform.calls[0].body)
    assert body == {"touser": "oA", "template_id": "TEMPLATE", "data": {"amount": {"value": "500.00元"}}}


MENU = menu_payload([("我要缴", [("养老保险费缴纳", "pay.pension")]), ("我要查", [("缴费查询", "query.payments")])])


def test_the_menu_comes_back_as_it_was_put(account: OfficialAccount, platform: Platform) -> None:
    account.put_menu(MENU)
    assert json.loads(platform.calls[0].body) == MENU
    platform.replies = [{"menu": MENU}]
    assert account.menu() == MENU
    platform.replies = [{"errcode": 46003, "errmsg": "menu no exist"}]
    assert account.menu() == {}


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_renewed_and_the_call_repeated_once(
    account: OfficialAccount, platform: Platform, code: int
) -> None:
    platform.replies = [{"errcode": code, "errmsg": "invalid credential"}, OK]
    account.send_text("oA", "你好")
    assert platform.tokens_used() == ["TOKEN1", "TOKEN2"]


def test_a_token_that_is_refused_for_ever_costs_two_calls(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [{"errcode": 40001, "errmsg": "invalid credential"}]
    with pytest.raises(AccountError) as error:
        account.send_text("oA", "你好")
    assert error.value.code == 40001
    assert (len(platform.calls), platform.tokens) == (2, 2)


def test_a_wrong_secret_costs_one_call(account: OfficialAccount, platform: Platform) -> None:
    platform.token_reply = {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid"}
    with pytest.raises(AccountError):
        account.send_text("oA", "你好")
    assert len(platform.wire.asked) == 1


def test_a_busy_wechat_is_asked_once_more(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [{"errcode": -1, "errmsg": "system error"}, OK]
    account.send_text("oA", "你好")
    assert len(platform.calls) == 2


def test_a_wechat_that_stays_busy_is_asked_twice_and_not_more(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [{"errcode": -1, "errmsg": "system error"}]
    with pytest.raises(AccountError) as error:
        account.send_text("oA", "你好")
    assert error.value.code == -1
    assert len(platform.calls) == 2


@pytest.mark.parametrize("code", [45015, 45047, 43004, 43019, 40003])
def test_a_push_wechat_does_not_allow_is_refused_without_a_retry(
    account: OfficialAccount, platform: Platform, code: int
) -> None:
    platform.replies = [{"errcode": code, "errmsg": "out of response count limit"}]
    with pytest.raises(PushRefused) as refused:
        account.send_text("oA", "你好")
    assert refused.value.code == code
    assert len(platform.calls) == 1


def test_a_used_up_quota_is_an_account_error(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [{"errcode": 45009, "errmsg": "reach max api daily quota limit"}]
    with pytest.raises(AccountError) as error:
        account.send_text("oA", "你好")
    assert (error.value.code, error.value.message) == (45009, "reach max api daily quota limit")


UNREADABLE = [
    None,
    Answer(200, b"<html>"),
    Answer(200, b""),
    Answer(200, b"[]"),
    Answer(200, b"\xff\xfe"),
    Answer(200, b'{"errcode":"x"}'),
    Answer(200, b'{"base_resp":5}'),
    Answer(500, b"{}"),
    Answer(502, b"<html>"),
    Answer(404, b""),
    Answer(302, b"", {"Location": "/elsewhere"}),
]
EVERY_CALL: list[Callable[[OfficialAccount], object]] = [
    lambda account: account.send_text("oA", "你好"),
    lambda account: account.send_image("oA", "MEDIA"),
    lambda account: account.upload_image(b"png"),
    lambda account: account.send_template("oA", "TEMPLATE", {"a": "b"}),
    lambda account: account.put_menu(MENU),
    lambda account: account.menu(),
]


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("reply", UNREADABLE)
def test_an_unreadable_answer_is_unreachable_and_not_a_success(
    account: OfficialAccount, platform: Platform, reply: Answer | None, call: Callable[[OfficialAccount], object]
) -> None:
    platform.replies = [reply]
    with pytest.raises(AccountUnreachable):
        call(account)
    assert len(platform.calls) == 1


@pytest.mark.parametrize(
    "reply", [*UNREADABLE[1:], {"expires_in": 7200}, {"access_token": "", "expires_in": 7200}, {"access_token": "T"}]
)
def test_an_unreadable_token_is_unreachable(account: OfficialAccount, platform: Platform, reply: object) -> None:
    platform.token_reply = reply
    with pytest.raises(AccountUnreachable):
        account.send_text("oA", "你好")
    assert platform.calls == []


@pytest.mark.parametrize("hangs", ["/cgi-bin/stable_token", "/cgi-bin/message"])
def test_a_call_that_hangs_ends_by_time_out_the_token_too(hangs: str) -> None:
    finished = threading.Event()
    with Answering() as wire:
        answer = Platform(wire)._answer
        wire.answer = lambda asked: answer(asked) if not asked.path.startswith(hangs) else _never(finished)
        with pytest.raises(AccountUnreachable):
            account_at(wire.url, timeout=(1, 0.05)).send_text("oA", "你好")
        finished.set()


def _never(finished: threading.Event) -> None:
    finished.wait(30)


def test_nobody_listening_is_unreachable() -> None:
    with Answering() as gone:
        pass
    with pytest.raises(AccountUnreachable):
        account_at(gone.url).send_text("oA", "你好")


@pytest.mark.parametrize(
    "reply", [None, Answer(500), {"errcode": 45015, "errmsg": "no"}, {"errcode": 1, "errmsg": "no"}]
)
def test_no_error_and_no_log_tells_token_secret_or_text(
    account: OfficialAccount, platform: Platform, reply: object, caplog: pytest.LogCaptureFixture
) -> None:
    platform.replies = [reply]
    with caplog.at_level(logging.INFO), pytest.raises(AccountTrouble) as caught:
        account.send_text("oA", "王小二")
    told = f"{caught.getrepr(chain=True, showlocals=False)}{caught.value!r}{caught.value}{caplog.text}"
    assert caught.value.__context__ is None
    for private in ("TOKEN1", SECRET):
        assert private not in told


def test_a_cookie_is_not_kept(account: OfficialAccount, platform: Platform) -> None:
    platform.replies = [Answer(200, b'{"errcode":0}', {"Set-Cookie": "a=b"}), OK]
    account.send_text("oA", "1")
    account.send_text("oA", "2")
    assert "Cookie" not in platform.calls[1].headers


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ([("我要缴费缴费", [("一", "a")])], "我要缴费缴费"),
        ([("我要缴", [("养" * 21, "a")])], "养" * 21),
        ([("我要缴", [("养老", "k" * 129)])], "养老"),
        ([("我要缴", [("养老", "")])], "养老"),
        ([("我要缴", [])], "我要缴"),
        ([("我要缴", [(f"第{n}项", "k") for n in range(6)])], "我要缴"),
        ([(f"第{n}组", [("一", "a")]) for n in range(4)], "4 groups"),
        ([], "0 groups"),
    ],
)
def test_a_menu_wechat_would_refuse_is_told_with_the_item(
    groups: list[tuple[str, list[tuple[str, str]]]], named: str
) -> None:
    with pytest.raises(MenuTooLong, match=named):
        menu_payload(groups)


def test_a_menu_at_every_limit_is_taken() -> None:
    item = ("养" * 20, "k" * 128)
    payload = menu_payload([("我要缴费缴", [item] * 5)] * 3)
    button = {"type": "click", "name": item[0], "key": item[1]}
    assert payload == {"button": [{"name": "我要缴费缴", "sub_button": [button] * 5}] * 3}
