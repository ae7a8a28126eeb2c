"""WeChat's side of one official account (服务号): api.weixin.qq.com, from the documents (facts/wechat.md A0 to A3)."""

from __future__ import annotations

import io
import json
import re
import threading
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from PIL import Image

from tests.elsewhere.allowance import Allowance
from tests.elsewhere.crypt import Messages, word
from tests.elsewhere.ground import Bell, Clock, Violations, strict_json
from tests.elsewhere.listening import Answer, Listener, Request
from tests.elsewhere.markup import links_of

TEXT_BYTES = 2048
IMAGE_BYTES = 2 * 1024 * 1024  # the smaller of the two numbers on the official page
MEDIA_SECONDS = 3 * 86400
TOKEN_SECONDS = 7200
TEMPLATE_FIELDS = {"thing1": 20}  # characters


class Refused(Exception):
    """WeChat says no: an errcode and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.answer = {"errcode": code, "errmsg": words}


@dataclass(frozen=True)
class Push:
    """What reached a citizen's chat without being asked: text, image (PNG bytes) or template."""

    kind: str
    text: str = ""
    picture: bytes = b""


@dataclass
class Fan:
    """A citizen who follows the account."""

    openid: str
    allowance: Allowance = field(default_factory=Allowance)
    pushes: list[Push] = field(default_factory=list)
    template_ids: list[str] = field(default_factory=list)


class Account:
    """One account with keys of its own. `violations` collects what the bot does wrong, `bell` rings with each push."""

    def __init__(self, clock: Clock, violations: Violations, bell: Bell) -> None:
        self.app_id, self.secret = f"wx{word(16).lower()}", word(32)
        self.token, self.aes_key = word(24), word(43 - 1) + "A"  # 43 letters of base64 end in one that leaves no bits
        self.original_id, self.template_id = f"gh_{word(12).lower()}", word(43)
        self.messages = Messages(self.token, self.aes_key, self.app_id)
        self.clock, self.violations, self.bell = clock, violations, bell
        self.fans: dict[str, Fan] = {}
        self.media: dict[str, tuple[bytes, float]] = {}
        self.menu: dict[str, Any] | None = None
        self.scenes: dict[str, str] = {}  # link: scene
        self.asked: list[tuple[str, str]] = []  # endpoint and citizen ("": nobody's), in order
        self._refusals: dict[tuple[str, str], deque[int]] = {}
        self.refused_tokens = 0
        self._tokens: list[tuple[str, float]] = []
        self._token_ends_at: str | None = None
        self._lock = threading.RLock()
        self.server = Listener(self._answer)

    def follow(self, openid: str) -> Fan:
        """A new follower."""
        return self.fans.setdefault(openid, Fan(openid))

    def refuse(self, endpoint: str, openid: str, *codes: int) -> None:
        """Answer the next calls of this endpoint for this citizen with these error codes, whatever they say."""
        self._refusals.setdefault((endpoint, openid), deque()).extend(codes)

    def asked_for(self, openid: str) -> list[str]:
        """The endpoints that were called for this citizen, in order."""
        return [endpoint for endpoint, whom in self.asked if whom == openid]

    def end_token(self, openid: str) -> None:
        """The token in force is no good any more when the next call for this citizen arrives, before its time."""
        self._token_ends_at = openid

    # -- the wire

    def _answer(self, request: Request) -> Answer:
        endpoint = request.path.removeprefix("/cgi-bin/")
        calls: Mapping[tuple[str, str], Callable[[Request], dict[str, Any]]] = {
            ("POST", "stable_token"): self._stable_token,
            ("POST", "message/custom/send"): self._custom_send,
            ("POST", "message/template/send"): self._template_send,
            ("POST", "media/upload"): self._upload,
            ("POST", "menu/create"): self._menu_create,
            ("GET", "menu/get"): self._menu_get,
            ("POST", "qrcode/create"): self._qrcode,
        }
        with self._lock:
            whom = _whom(request)
            self.asked.append((endpoint, whom))
            call = calls.get((request.method, endpoint))
            if call is None or not request.path.startswith("/cgi-bin/"):
                self.violations.note(f"{request.method} {request.path}: the bot has no business there")
                return Answer(404)
            for name in request.twice:
                self.violations.note(f"{endpoint}: {name} stands twice")
            if whom == self._token_ends_at:
                self._tokens.clear()
                self._token_ends_at = None
            try:
                if endpoint != "stable_token":
                    self._check_token(request)
                if waiting := self._refusals.get((endpoint, whom)):
                    raise Refused(waiting.popleft(), "as the test wishes")
                said = call(request)
            except Refused as refused:
                said = refused.answer
        self.bell.ring()
        return Answer(
            200, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json; encoding=utf-8"}
        )

    def _check_token(self, request: Request) -> None:
        allowed = {"access_token", *(("type",) if request.path.endswith("media/upload") else ())}
        query = dict(request.query)
        if sorted(query) != sorted(allowed) or len(request.query) != len(query):
            self.violations.note(f"{request.path}: the query holds {sorted(query)}")
        now = self.clock.now()
        if not any(token == query.get("access_token") and ends > now for token, ends in self._tokens):
            self.refused_tokens += 1
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")

    def _json(self, request: Request, *names: str, maybe: tuple[str, ...] = ()) -> dict[str, Any]:
        """The body, an object of exactly these names (and perhaps those)."""
        kind = request.headers.get("content-type", "")
        self.violations.unless(
            re.fullmatch(r"application/json(; ?charset=utf-8)?", kind, re.I), f"{request.path}: Content-Type {kind!r}"
        )
        try:
            body = strict_json(request.body)
        except ValueError as wrong:
            self.violations.note(f"{request.path}: {wrong}")
            raise Refused(47001, "data format error") from None
        self._names(request.path, body, names, maybe)
        return body

    def _names(self, where: str, body: Any, names: tuple[str, ...], maybe: tuple[str, ...] = ()) -> None:
        if not isinstance(body, dict) or not set(names) <= set(body) <= {*names, *maybe}:
            self.violations.note(f"{where}: {sorted(body) if isinstance(body, dict) else body!r} instead of {names}")
            raise Refused(40097, "invalid args")

    # -- the calls

    def _stable_token(self, request: Request) -> dict[str, Any]:
        self.violations.unless("?" not in request.target, "stable_token: takes no query")
        body = self._json(request, "grant_type", "appid", "secret", maybe=("force_refresh",))
        self.violations.unless(
            body.get("force_refresh", False) is False, "stable_token: forced, which kills other tokens"
        )
        if body["grant_type"] != "client_credential" or body["appid"] != self.app_id or body["secret"] != self.secret:
            self.violations.note("stable_token: wrong grant_type, appid or secret")
            raise Refused(40125, "invalid appsecret")
        now = self.clock.now()
        if not self._tokens or self._tokens[-1][1] - now < 300:
            self._tokens = [*self._tokens[-1:], (word(512), now + TOKEN_SECONDS)]  # the longest there is
        token, ends = self._tokens[-1]
        return {"access_token": token, "expires_in": int(ends - now)}

    def _fan(self, openid: object) -> Fan:
        fan = self.fans.get(openid) if isinstance(openid, str) else None
        if fan is None:
            self.violations.note(f"a push to {openid!r}, who is nobody")
            raise Refused(40003, "invalid openid")
        return fan

    def _custom_send(self, request: Request) -> dict[str, Any]:
        kind = strict_json(request.body).get("msgtype")
        if kind not in ("text", "image"):
            self.violations.note(f"custom/send: msgtype {kind!r}")
            raise Refused(40008, "invalid message type")
        body = self._json(request, "touser", "msgtype", kind)
        fan = self._fan(body["touser"])
        push = self._text(body["text"]) if kind == "text" else self._image(body["image"])
        why = fan.allowance.take(self.clock.now())
        if why:
            self.violations.note(f"custom/send: too {why}, and the bot could know")
            raise Refused(45047 if why == "many" else 45015, "out of response count limit or time limit")
        fan.pushes.append(push)
        return {"errcode": 0, "errmsg": "ok"}

    def _text(self, text: Any) -> Push:
        self._names("custom/send text", text, ("content",))
        content = text["content"]
        if not isinstance(content, str) or not content.strip():
            self.violations.note("custom/send: an empty text")
            raise Refused(44004, "empty content")
        if len(content.encode()) > TEXT_BYTES:
            self.violations.note(f"custom/send: {len(content.encode())} bytes")
            raise Refused(45002, "content size out of limit")
        links_of(content, self.violations)
        return Push("text", content)

    def _image(self, image: Any) -> Push:
        self._names("custom/send image", image, ("media_id",))
        found = self.media.get(image["media_id"])
        if found is None or found[1] < self.clock.now():
            raise Refused(40007, "invalid media_id")
        return Push("image", picture=found[0])

    def _template_send(self, request: Request) -> dict[str, Any]:
        body = self._json(request, "touser", "template_id", "data", maybe=("url", "client_msg_id"))
        fan = self._fan(body["touser"])
        if body["template_id"] != self.template_id:
            self.violations.note("template/send: another template")
            raise Refused(40037, "invalid template_id")
        self._names("template/send data", body["data"], tuple(TEMPLATE_FIELDS))
        for name, most in TEMPLATE_FIELDS.items():
            self._names(f"template/send {name}", body["data"][name], ("value",))
            value = body["data"][name]["value"]
            if not isinstance(value, str) or not value.strip() or len(value) > most or "\n" in value:
                self.violations.note(f"template/send: {name} is {value!r}")
                raise Refused(47003, f"argument invalid! data.{name}.value")
        fan.pushes.append(Push("template", body["data"]["thing1"]["value"]))
        fan.template_ids.append(str(len(fan.template_ids) + 200163840))
        return {"errcode": 0, "errmsg": "ok", "msgid": int(fan.template_ids[-1])}

    def _upload(self, request: Request) -> dict[str, Any]:
        if dict(request.query).get("type") != "image":
            self.violations.note("media/upload: another type than image")
            raise Refused(40004, "invalid media type")
        head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + request.body)
        parts = list(form.iter_parts()) if form.is_multipart() else []
        if len(parts) != 1 or parts[0].get_param("name", header="content-disposition") != "media":
            self.violations.note("media/upload: not one part named media")
            raise Refused(41005, "media data missing")
        picture = parts[0].get_payload(decode=True)
        assert isinstance(picture, bytes)
        name = parts[0].get_filename() or ""
        self.violations.unless(re.search(r"\.(png|jpe?g|gif)$", name), f"media/upload: a file named {name!r}")
        kind = parts[0].get_content_type()
        self.violations.unless(kind == "image/png", f"media/upload: a part of type {kind}")
        if not 0 < len(picture) < IMAGE_BYTES:
            self.violations.note(f"media/upload: {len(picture)} bytes")
            raise Refused(40006, "invalid meida size")
        with Image.open(io.BytesIO(picture)) as opened:
            self.violations.unless(opened.format == "PNG", "media/upload: no PNG inside")
            opened.verify()
        media_id, now = word(64), self.clock.now()
        self.media[media_id] = picture, now + MEDIA_SECONDS
        return {"type": "image", "media_id": media_id, "created_at": int(now), "item": []}

    def _menu_create(self, request: Request) -> dict[str, Any]:
        body = self._json(request, "button")
        if not isinstance(body["button"], list) or not 1 <= len(body["button"]) <= 3:
            self.violations.note("menu/create: not 1 to 3 groups")
            raise Refused(40016, "invalid button size")
        for group in body["button"]:
            self._names("menu group", group, ("name", "sub_button"))
            self._name_fits(group["name"], 16)
            if not 1 <= len(group["sub_button"]) <= 5:
                self.violations.note("menu/create: not 1 to 5 items in a group")
                raise Refused(40023, "invalid sub button size")
            for item in group["sub_button"]:
                self._names("menu item", item, ("type", "name", "key"))
                self._name_fits(item["name"], 60)
                key = item["key"]
                self.violations.unless(item["type"] == "click" and 0 < len(key.encode()) <= 128, f"menu item {key!r}")
        self.menu = body
        return {"errcode": 0, "errmsg": "ok"}

    def _name_fits(self, name: str, most: int) -> None:
        if not 0 < len(name.encode()) <= most:
            self.violations.note(f"menu/create: a name of {len(name.encode())} bytes")
            raise Refused(40018, "invalid button name size")

    def _menu_get(self, _: Request) -> dict[str, Any]:
        if self.menu is None:
            raise Refused(46003, "menu no exist")
        groups = [
            {"name": group["name"], "sub_button": [{**item, "sub_button": []} for item in group["sub_button"]]}
            for group in self.menu["button"]
        ]
        return {"menu": {"button": groups}}

    def _qrcode(self, request: Request) -> dict[str, Any]:
        body = self._json(request, "action_name", "action_info")
        self._names("qrcode/create", body["action_info"], ("scene",))
        self._names("qrcode/create scene", body["action_info"]["scene"], ("scene_str",))
        scene = body["action_info"]["scene"]["scene_str"]
        if body["action_name"] != "QR_LIMIT_STR_SCENE" or not isinstance(scene, str) or not 1 <= len(scene) <= 64:
            self.violations.note(f"qrcode/create: {body['action_name']} of {scene!r}")
            raise Refused(40053, "invalid action info")
        url = f"http://weixin.qq.com/q/{word(22)}"
        self.scenes[url] = scene
        ticket = urllib.parse.quote(word(90))
        return {"ticket": ticket, "url": url}


def _whom(request: Request) -> str:
    try:
        return str(json.loads(request.body).get("touser", ""))
    except (ValueError, AttributeError):
        return ""
