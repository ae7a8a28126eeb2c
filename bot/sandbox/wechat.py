"""WeChat's half of the sandbox: the API an official account calls, and the phones of its followers."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from bot.sandbox.bubbles import Bubble, links_in
from bot.sandbox.clock import MovableClock
from bot.sandbox.faults import Faults
from bot.sandbox.http import Answer, LoopbackServer, Request, Route
from bot.sandbox.keys import SandboxKeys
from bot.sandbox.media import Media
from bot.sandbox.menu import Menu
from bot.sandbox.phone import Phone
from bot.sandbox.push_crypto import PushCrypto
from bot.sandbox.quota import Opened, PushQuota
from bot.sandbox.refusals import Refused, answered, json_body, refused, text_in
from bot.sandbox.tokens import Tokens

TEXT_BYTES = 2048
_DAY_SECONDS = 86400
_SHANGHAI_SECONDS = 8 * 3600


@dataclass
class _Follower:
    phone: Phone
    following: bool
    quota: PushQuota = field(default_factory=PushQuota)


class WeChatStandIn:
    """Answers like api.weixin.qq.com for one account, as strictly; `start()` it, set `bot_url`, take a `phone()`."""

    def __init__(self, keys: SandboxKeys, clock: MovableClock, faults: Faults, menu: Menu | None = None) -> None:
        """`menu` is the account's as another stand-in for it was given it; else there is none yet."""
        self.keys = keys
        self.clock = clock
        self.faults = faults
        self.crypto = PushCrypto(keys.token, keys.encoding_aes_key, keys.app_id)
        self.tokens = Tokens(keys, clock)
        self.media = Media(clock)
        self.menu = menu or Menu()
        self.bot_url = ""  # the whole address of the bot's /wechat
        self.sends_bizmsgmenuid = True  # False: a test account (测试号)
        self.pushes_after_payment = False  # True: a service account whose payers may be pushed to for 48 h
        self.answer_within = 5.0  # seconds WeChat waits for the bot
        self.pushes_per_day = 500_000
        self.templates: dict[str, frozenset[str]] = {}  # template id -> the fields it must be given
        self.scenes: dict[str, str] = {}  # what the account's codes say → their scene
        self.wire = urllib3.PoolManager(maxsize=64, retries=False)
        self._followers: dict[str, _Follower] = {}
        self._pushed_on: tuple[int, int] = (0, 0)
        self._last_id = int(clock.now()) << 32
        self._lock = threading.RLock()
        api = self._api
        self._server = LoopbackServer(
            (
                Route("wechat.token", "POST", "/cgi-bin/stable_token", _guarded(self.tokens.stable_token)),
                api("wechat.send", "POST", "/cgi-bin/message/custom/send", self._custom_send),
                api("wechat.template", "POST", "/cgi-bin/message/template/send", self._template_send),
                api("wechat.upload", "POST", "/cgi-bin/media/upload", self.media.upload),
                api("wechat.menu_create", "POST", "/cgi-bin/menu/create", self.menu.create),
                api("wechat.menu_get", "GET", "/cgi-bin/menu/get", self.menu.get),
                api("wechat.menu_delete", "GET", "/cgi-bin/menu/delete", self.menu.delete),
                api("wechat.qrcode", "POST", "/cgi-bin/qrcode/create", self._qrcode),
            ),
            faults,
        )

    @property
    def url(self) -> str:
        """What `[wechat] api_base` is set to."""
        return self._server.url

    def start(self) -> "WeChatStandIn":
        """Begin to answer."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()
        self.wire.clear()

    def phone(self, openid: str, *, following: bool = True) -> Phone:
        """The phone of this person; at first sight a follower of long standing, unless `following` is False."""
        with self._lock:
            if openid not in self._followers:
                self._followers[openid] = _Follower(Phone(self, openid), following)
            return self._followers[openid].phone

    def knows(self, openid: str) -> bool:
        """Whether this openid ever had to do with the account."""
        with self._lock:
            return openid in self._followers

    def follows(self, openid: str, *, become: bool | None = None) -> bool:
        """Whether this person follows the account; `become` changes it first. For phones."""
        with self._lock:
            follower = self._followers[openid]
            if become is not None:
                follower.following = become
                if not become:
                    follower.quota.close()
            return follower.following

    def acted(self, openid: str, by: Opened) -> None:
        """A citizen did something that lets the account push for a while. For phones."""
        with self._lock:
            self._followers[openid].quota.open(by, self.clock.now())

    def paid(self, openid: str) -> None:
        """WeChat Pay took this person's money; opens a window only where the account has that right."""
        with self._lock:
            if self.pushes_after_payment and openid in self._followers and self._followers[openid].following:
                self._followers[openid].quota.open(Opened.PAYMENT, self.clock.now())

    def next_id(self) -> int:
        """A new 64-bit message id."""
        with self._lock:
            self._last_id += 1 + secrets.randbelow(1000)
            return self._last_id

    def _api(self, name: str, method: str, pattern: str, answer: Callable[[Request], Mapping[str, object]]) -> Route:
        def with_token(request: Request) -> Mapping[str, object]:
            self.tokens.check(request)
            return answer(request)

        return Route(name, method, pattern, _guarded(with_token))

    def _follower(self, openid: str) -> _Follower:
        if openid not in self._followers:
            raise Refused(40003, "invalid openid")
        return self._followers[openid]

    def _custom_send(self, request: Request) -> dict[str, object]:
        said = json_body(request)
        openid, kind = text_in(said, "touser"), text_in(said, "msgtype")
        part = said.get(kind)
        if kind not in ("text", "image"):
            raise Refused(40008, "invalid message type")
        if not isinstance(part, dict) or set(said) != {"touser", "msgtype", kind}:
            raise Refused(47001, "data format error")
        text, media_id = "", ""
        if kind == "text":
            text = text_in(part, "content")
            if not text:
                raise Refused(44004, "empty content")
            if len(text.encode()) > TEXT_BYTES:
                raise Refused(45002, "content size out of limit")
        else:
            media_id = self.media.picture(text_in(part, "media_id")).media_id
        with self._lock:
            follower = self._follower(openid)
            if not follower.following:
                raise Refused(45015, "response out of time limit or subscription is canceled")
            now = self.clock.now()
            day = int(now + _SHANGHAI_SECONDS) // _DAY_SECONDS
            pushed = self._pushed_on[1] if self._pushed_on[0] == day else 0
            if pushed >= self.pushes_per_day:
                raise Refused(45009, "reach max api daily quota limit")
            follower.quota.push(now)
            self._pushed_on = (day, pushed + 1)
        follower.phone.show(Bubble(kind, text, links_in(text), media_id, now, pushed=True))
        return {"errcode": 0, "errmsg": "ok"}

    def _template_send(self, request: Request) -> dict[str, object]:
        said = json_body(request)
        with self._lock:
            follower = self._follower(text_in(said, "touser"))
            wanted = self.templates.get(text_in(said, "template_id"))
        if wanted is None:
            raise Refused(40037, "invalid template_id")
        if not follower.following:
            raise Refused(43004, "require subscribe")
        fields = said.get("data")
        if not isinstance(fields, dict) or set(fields) != wanted:
            raise Refused(47003, "argument invalid! data fields differ from the template's")
        values = [_template_value(value) for value in fields.values()]
        text = "\n".join(values)
        follower.phone.show(Bubble("template", text, links_in(text), "", self.clock.now(), pushed=True))
        return {"errcode": 0, "errmsg": "ok", "msgid": self.next_id()}

    def _qrcode(self, request: Request) -> dict[str, object]:
        said = json_body(request)
        scene = said.get("action_info", {}).get("scene", {}) if isinstance(said.get("action_info"), dict) else {}
        name = said.get("action_name")
        of_text = name in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE")
        value = scene.get("scene_str" if of_text else "scene_id") if isinstance(scene, dict) else None
        good = isinstance(value, str) and 1 <= len(value) <= 64 if of_text else isinstance(value, int) and value >= 1
        seconds = said.get("expire_seconds", 60)
        if name not in ("QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE") or not good:
            raise Refused(40053, "invalid action info")
        if not isinstance(seconds, int) or not 1 <= seconds <= 30 * _DAY_SECONDS:
            raise Refused(40052, "invalid expire_seconds")
        ticket = secrets.token_urlsafe(48)
        url = f"http://weixin.qq.com/q/{secrets.token_urlsafe(12)}"
        self.scenes[url] = str(value)
        made: dict[str, object] = {"ticket": ticket, "url": url}
        return made if str(name).startswith("QR_LIMIT") else made | {"expire_seconds": seconds}


def _template_value(value: Any) -> str:
    shown = value.get("value") if isinstance(value, dict) else None
    if not isinstance(shown, str) or not shown:
        raise Refused(47003, "argument invalid! a field is empty")
    return shown


def _guarded(answer: Callable[[Request], Mapping[str, object]]) -> Callable[[Request], Answer]:
    def guarded(request: Request) -> Answer:
        try:
            return answered(answer(request))
        except Refused as refusal:
            return refused(refusal)

    return guarded
