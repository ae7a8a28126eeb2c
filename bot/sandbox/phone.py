"""A citizen's phone: types, taps, clicks, scans; keeps what the account says; opens links in WeChat's browser."""

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from bot.sandbox.bubbles import Bubble, Link, pick
from bot.sandbox.delivery import Account, Delivered, deliver
from bot.sandbox.push_xml import cdata, message
from bot.sandbox.quota import Opened

_SHEET = re.compile(r'<script type="application/json" id="sheet">(.*?)</script>', re.DOTALL)
# What WeChat itself shows when the account gives no answer it understands.
PLATFORM = "oPlatformPushService"  # who sends events that no citizen sends
TOAST = "该公众号提供的服务出现故障，请稍后再试"
USER_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 "
    "Mobile Safari/537.36 MicroMessenger/8.0.50 Language/zh_CN"
)


class NotFollowing(RuntimeError):
    """Who does not follow the account cannot write to it."""


class _Menu(Protocol):
    def key_of(self, item: str) -> str: ...


class Home(Account, Protocol):
    """What a phone needs of WeChat."""

    sends_bizmsgmenuid: bool

    @property
    def menu(self) -> _Menu: ...

    def follows(self, openid: str, *, become: bool | None = None) -> bool: ...

    def acted(self, openid: str, by: Opened) -> None: ...

    def next_id(self) -> int: ...


@dataclass(frozen=True)
class Page:
    """What a link led to."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The content as UTF-8."""
        return self.content.decode("utf-8", "replace")

    @property
    def sheet(self) -> dict[str, Any] | None:
        """The parameters with which WeChat's browser opens the cashier; None where the page holds none."""
        found = _SHEET.search(self.text)
        return dict(json.loads(found[1])) if found else None


def openid_of(name: str) -> str:
    """An openid of WeChat's shape, the same for the same name in every sandbox."""
    return "o" + hashlib.sha256(name.encode()).hexdigest()[:27]


class Phone:
    """One person's WeChat. What is sent returns the bubbles of the reply; pushes appear in `inbox` by themselves."""

    def __init__(self, home: Home, openid: str) -> None:
        self.openid = openid
        self.inbox: list[Bubble] = []
        self.toasts: list[str] = []
        self.failures: list[str] = []  # why a try to reach the bot failed, for whoever looks for the reason
        self.on_bubble: Callable[[Bubble], None] | None = None
        self.changed = threading.Condition()
        self._home = home

    def show(self, bubble: Bubble) -> None:
        """A bubble arrives. For the stand-in."""
        with self.changed:
            self.inbox.append(bubble)
            self.changed.notify_all()
        if self.on_bubble is not None:
            self.on_bubble(bubble)

    def wait_for(self, fits: Callable[[Bubble], bool], seconds: float = 5.0) -> Bubble | None:
        """The first bubble of the inbox that fits, waiting for it at most so long."""
        with self.changed:
            self.changed.wait_for(lambda: any(map(fits, self.inbox)), seconds)
            return next(filter(fits, self.inbox), None)

    def type(self, text: str) -> list[Bubble]:
        """Type a text and send it."""
        return self._message(Opened.MESSAGE, "text", {"Content": text})

    def image(self) -> list[Bubble]:
        """Send a picture."""
        return self._message(
            Opened.MESSAGE, "image", {"PicUrl": "http://mmbiz.qpic.cn/mmbiz_jpg/sandbox/0", "MediaId": _media_id()}
        )

    def voice(self, recognition: str | None = None) -> list[Bubble]:
        """Speak; `recognition` is what WeChat understood, None where the account has not switched that on."""
        heard = {} if recognition is None else {"Recognition": recognition}
        return self._message(
            Opened.MESSAGE, "voice", {"MediaId": _media_id(), "Format": "amr", **heard, "MediaId16K": _media_id()}
        )

    def video(self) -> list[Bubble]:
        """Send a film."""
        return self._message(Opened.MESSAGE, "video", {"MediaId": _media_id(), "ThumbMediaId": _media_id()})

    def location(self) -> list[Bubble]:
        """Send where one is."""
        place = {"Location_X": "28.68", "Location_Y": "115.86", "Scale": "16", "Label": "江西省南昌市"}
        return self._message(Opened.MESSAGE, "location", place)

    def link(self) -> list[Bubble]:
        """Send a link."""
        link = {"Title": "标题", "Description": "说明", "Url": "https://example.com/"}
        return self._message(Opened.MESSAGE, "link", link)

    def card(self) -> list[Bubble]:
        """Send somebody's name card, or whatever else WeChat has no kind of message for (facts/wechat.md A1)."""
        return self._message(Opened.MESSAGE, "card", {"MediaId": _media_id()})

    def tap(self, label: str) -> list[Bubble]:
        """Press the newest option that says `label` (all of it, without its number, or a part)."""
        return self._tap(self._newest(label, self.inbox, lambda bubble: bubble.options))

    def tap_old(self, label: str) -> list[Bubble]:
        """Press the newest such option in a bubble that is no longer the latest with options."""
        offering = [bubble for bubble in self.inbox if bubble.options]
        return self._tap(self._newest(label, offering[:-1], lambda bubble: bubble.options))

    def click(self, item: str) -> list[Bubble]:
        """Press a menu item, by its key or its name."""
        return self._event(Opened.TAP, "CLICK", {"EventKey": self._home.menu.key_of(item)})

    def subscribe(self, scene: str | None = None) -> list[Bubble]:
        """Follow the account, by its QR code where a scene is given."""
        self._home.follows(self.openid, become=True)
        by_code = {} if scene is None else {"Ticket": secrets.token_urlsafe(48)}
        return self._event(
            Opened.FOLLOW, "subscribe", {"EventKey": "" if scene is None else f"qrscene_{scene}", **by_code}
        )

    def unsubscribe(self) -> list[Bubble]:
        """Unfollow. Nothing the bot answers can be shown any more."""
        event = self._xml("event", {"Event": "unsubscribe", "EventKey": ""})
        self._home.follows(self.openid, become=False)
        self._note(deliver(self._home, self.openid, event))
        return []

    def close_account(self) -> list[Bubble]:
        """Close the WeChat account. WeChat tells it in its own name; whose account it was stands in OpenID."""
        about = {"OpenID": self.openid, "AppID": "wx0000000000000000", "RevokeInfo": "1"}
        event = self._xml("event", {"Event": "user_authorization_cancellation", **about})
        return self._deliver(event.replace(cdata(self.openid), cdata(PLATFORM), 1))

    def scan(self, scene: str) -> list[Bubble]:
        """Scan the account's QR code; who does not follow yet, follows."""
        if not self._home.follows(self.openid):
            return self.subscribe(scene)
        return self._event(Opened.SCAN, "SCAN", {"EventKey": scene, "Ticket": secrets.token_urlsafe(48)})

    def raw(self, xml: str) -> list[Bubble]:
        """Let WeChat push exactly this, encrypted and signed like everything."""
        return self._deliver(xml)

    def open_link(self, label: str = "", *, without_last: int = 0) -> Page:
        """Open the newest address that says `label` in WeChat's browser; no redirect is followed.

        `without_last`: so many signs were lost when the address was copied.
        """
        link = self._newest(label, self.inbox, lambda bubble: tuple(each for each in bubble.links if each.is_address))
        answer = self._home.wire.request(
            "GET",
            link.href[: len(link.href) - without_last],
            headers={"User-Agent": USER_AGENT},
            timeout=urllib3.Timeout(10.0),
            redirect=False,
        )
        return Page(answer.status, answer.data, dict(answer.headers.items()))

    def _newest(self, label: str, bubbles: list[Bubble], links: Callable[[Bubble], tuple[Link, ...]]) -> Link:
        for bubble in reversed(bubbles):
            link = pick(links(bubble), label)
            if link is not None:
                return link
        shown = [link.text for bubble in bubbles[-3:] for link in links(bubble)]
        raise LookupError(f"nothing to press says {label!r}; last shown: {shown}")

    def _tap(self, link: Link) -> list[Bubble]:
        content, menu_id = link.option or ("", "")
        return self._message(
            Opened.TAP, "text", {"Content": content}, {"bizmsgmenuid": menu_id} if self._home.sends_bizmsgmenuid else {}
        )

    def _message(
        self, by: Opened, kind: str, parts: Mapping[str, str], after: Mapping[str, str] | None = None
    ) -> list[Bubble]:
        self._must_follow()
        self._home.acted(self.openid, by)
        return self._deliver(self._xml(kind, {**parts, "MsgId": self._home.next_id(), **(after or {})}))

    def _event(self, by: Opened, event: str, parts: Mapping[str, str]) -> list[Bubble]:
        self._must_follow()
        self._home.acted(self.openid, by)
        return self._deliver(self._xml("event", {"Event": event, **parts}))

    def _must_follow(self) -> None:
        if not self._home.follows(self.openid):
            raise NotFollowing(self.openid)

    def _xml(self, kind: str, parts: Mapping[str, str | int]) -> str:
        return message(self._home.keys.original_id, self.openid, int(self._home.clock.now()), kind, parts)

    def _deliver(self, xml: str) -> list[Bubble]:
        done = deliver(self._home, self.openid, xml)
        self._note(done)
        for bubble in done.bubbles:
            self.show(bubble)
        return list(done.bubbles)

    def _note(self, done: Delivered) -> None:
        with self.changed:
            self.failures.extend(done.failures)
            if not done.answered:
                self.toasts.append(TOAST)
                self.changed.notify_all()


def _media_id() -> str:
    return secrets.token_urlsafe(48)
