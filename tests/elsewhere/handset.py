"""A citizen's phone: speaks to the bot as WeChat does in safe mode, shows what comes back, opens links."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3

from tests.elsewhere.account import TEXT_BYTES, Account, Push
from tests.elsewhere.allowance import TAPPED, TYPED
from tests.elsewhere.crypt import Messages, elements, word
from tests.elsewhere.ground import PATIENCE, Clock
from tests.elsewhere.ledger import Order
from tests.elsewhere.markup import links_of, shown, tapped
from tests.elsewhere.merchant import Merchant

AGENT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile Safari/537.36 MMWEBID/1 MicroMessenger/8.0.50"
LATE = "刚才系统有点慢"
TRIES, SECONDS = 3, 5.0  # WeChat sends a message thrice, and waits five seconds each time
_numbers = itertools.count(24_000_000_000_000_000)


@dataclass(frozen=True)
class Bubble:
    """One message in the chat: its text as it came, and its links."""

    raw: str
    links: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """What is read."""
        return shown(self.raw)

    @property
    def options(self) -> list[str]:
        """What can be tapped."""
        return [label for label, _ in self.links]

    def url(self, label: str) -> str:
        """The address of the page that this link opens."""
        [found] = [href for shown_label, href in self.links if label in shown_label and tapped(href) is None]
        return found

    def __contains__(self, words: str) -> bool:
        return words in self.text


@dataclass(frozen=True)
class Page:
    """What a link opened."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Handset:
    """One citizen. `public_url` is what links begin with, `bot_url` where that really is."""

    def __init__(self, account: Account, merchant: Merchant, public_url: str, bot_url: str) -> None:
        self.openid = "o" + word(27)
        self.account, self.merchant = account, merchant
        self.fan = account.follow(self.openid)
        self.chat: list[Bubble] = []
        self._public_url, self._bot_url = public_url, bot_url
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30))
        self._read = 0
        self._last_event = 0

    # -- what a citizen does

    def type(self, words: str) -> Bubble:
        """Write something."""
        self.fan.allowance.open(TYPED, self._clock.now())
        return self._said(self.message("text", Content=words, MsgId=str(next(_numbers))))

    def menu(self, key: str) -> Bubble:
        """Tap an item of the account's menu."""
        return self._event("CLICK", EventKey=key)

    def follow(self, scene: str = "") -> Bubble:
        """Follow the account, perhaps by scanning its code."""
        return self._event(
            "subscribe", **({"EventKey": f"qrscene_{scene}", "Ticket": word(60)} if scene else {"EventKey": ""})
        )

    def scan_account_code(self, scene: str) -> Bubble:
        """Scan one of the account's codes, as a follower."""
        return self._event("SCAN", EventKey=scene, Ticket=word(60))

    def tap(self, label: str) -> Bubble:
        """Tap the option of this label, the newest there is."""
        for bubble in reversed(self.chat):
            for shown_label, href in bubble.links:
                if label in shown_label and (sent := tapped(href)):
                    self.fan.allowance.open(TAPPED, self._clock.now())
                    content, number = sent
                    return self._said(
                        self.message("text", Content=content, MsgId=str(next(_numbers)), bizmsgmenuid=number)
                    )
        raise AssertionError(f"nothing to tap says {label}: {[one.options for one in self.chat[-3:]]}")

    def open(self, url: str, agent: str = AGENT) -> Page:
        """Open a link of the bot's."""
        assert url.startswith(f"{self._public_url}/"), url
        answer = self._http.request(
            "GET", self._bot_url + url.removeprefix(self._public_url), headers={"User-Agent": agent}, redirect=False
        )
        return Page(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def pay(self, *, told: bool = True) -> Order:
        """点这里付款: the hand-off page opens the cashier, the password is given."""
        order = self.cashier()
        self.merchant.pay(order, self.openid, told=told)
        return order

    def cashier(self) -> Order:
        """点这里付款, and no further."""
        link = next(one.url("点这里付款") for one in reversed(self.chat) if "点这里付款" in one.options)
        page = self.open(link)
        assert page.status == 200
        return self.merchant.cashier(sheet_of(page), self.openid)

    def push(self, kind: str = "text", saying: str = "", seconds: float = PATIENCE) -> Push:
        """The next unread push of this kind with these words in it; others before it are passed over."""

        def found() -> Push | None:
            for place in range(self._read, len(self.fan.pushes)):
                push = self.fan.pushes[place]
                if push.kind == kind and saying in push.text:
                    self._read = place + 1
                    return push
            return None

        there = [(one.kind, one.text) for one in self.fan.pushes[self._read :]]
        push = self.account.bell.until(found, f"a push of {kind} saying {saying!r} (there: {there})", seconds)
        assert push is not None
        if push.kind == "text":
            self.chat.append(Bubble(push.text, tuple(links_of(push.text, self.account.violations))))
        return push

    def event(self, name: str, **more: str) -> None:
        """An event that wants no answer."""
        answer = self._deliver(self.message("event", Event=name, **more))
        assert answer in (b"success", b""), answer

    def resend(self) -> Bubble:
        """WeChat sends the last message once more: sealed anew, with the same words and number."""
        return self._said(self._last)

    # -- the wire

    def message(self, kind: str, **more: str) -> str:
        """The XML of a message of this citizen's."""
        head = {"ToUserName": self.account.original_id, "FromUserName": self.openid}
        parts = [f"<{name}><![CDATA[{value}]]></{name}>" for name, value in head.items()]
        parts += [f"<CreateTime>{int(self._clock.now())}</CreateTime>", f"<MsgType><![CDATA[{kind}]]></MsgType>"]
        parts += [
            f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>" for name, value in more.items()
        ]
        return f"<xml>{''.join(parts)}</xml>"

    def sealed(self, xml: str, *, age: int = 0, app_id: str = "") -> tuple[dict[str, str], str]:
        """Query and body of a delivery; `age` in seconds, `app_id` another one inside."""
        messages = self.account.messages
        if app_id:
            messages = Messages(self.account.token, self.account.aes_key, app_id)
        encrypted, moment, self._nonce = messages.encrypt(xml), str(int(self._clock.now()) - age), word(10)
        query = {
            "signature": messages.sign(moment, self._nonce),
            "timestamp": moment,
            "nonce": self._nonce,
            "openid": self.openid,
            "encrypt_type": "aes",
            "msg_signature": messages.sign(moment, self._nonce, encrypted),
        }
        to = f"<ToUserName><![CDATA[{self.account.original_id}]]></ToUserName>"
        return query, f"<xml>{to}<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"

    def _event(self, name: str, **more: str) -> Bubble:
        while int(self._clock.now()) == self._last_event:  # two events of one second are one, sent twice
            time.sleep(0.05)
        self._last_event = int(self._clock.now())
        self.fan.allowance.open(TAPPED, self._clock.now())
        return self._said(self.message("event", Event=name, **more))

    @property
    def _clock(self) -> Clock:
        return self.account.clock

    def _said(self, xml: str) -> Bubble:
        answer = self._deliver(xml)
        if answer in (b"success", b""):  # a busy machine: the answer follows as news, and is read like one
            self.push(saying=LATE)
            return self.chat[-1]
        bubble = self._opened(answer)
        self.chat.append(bubble)
        return bubble

    def _deliver(self, xml: str) -> bytes:
        """Post it, thrice if need be; the answer of a 200."""
        self._last = xml
        for _ in range(TRIES):
            query, body = self.sealed(xml)
            began = time.monotonic()
            try:
                answer = self._http.request(
                    "POST",
                    f"{self._bot_url}/wechat?{urlencode(query)}",
                    body=body.encode(),
                    headers={"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"},
                    timeout=SECONDS,
                )
            except urllib3.exceptions.TimeoutError:
                continue
            if answer.status == 200 and time.monotonic() - began < SECONDS:
                return answer.data
            self.account.violations.note(f"/wechat answers {answer.status}")
        raise AssertionError("WeChat shows: 该公众号提供的服务出现故障，请稍后再试")

    def _opened(self, answer: bytes) -> Bubble:
        """The passive reply inside: its signature, its elements, its size."""
        violations = self.account.violations
        outside = elements(answer.decode("utf-8"))
        assert sorted(outside) == ["Encrypt", "MsgSignature", "Nonce", "TimeStamp"], sorted(outside)
        assert abs(int(outside["TimeStamp"]) - self._clock.now()) < 60
        violations.unless(outside["Nonce"] == self._nonce, "a reply does not echo the nonce")
        signed = self.account.messages.sign(outside["TimeStamp"], outside["Nonce"], outside["Encrypt"])
        assert outside["MsgSignature"] == signed, "the reply's signature is wrong"
        inside = elements(self.account.messages.decrypt(outside["Encrypt"]))
        names = ["Content", "CreateTime", "FromUserName", "MsgType", "ToUserName"]
        assert sorted(inside) == names, sorted(inside)
        whom = (inside["ToUserName"], inside["FromUserName"], inside["MsgType"])
        assert whom == (self.openid, self.account.original_id, "text"), whom
        assert abs(int(inside["CreateTime"]) - self._clock.now()) < 60
        content = inside["Content"]
        violations.unless(content.strip(), "an empty reply")
        violations.unless(len(content.encode()) <= TEXT_BYTES, f"a reply of {len(content.encode())} bytes")
        return Bubble(content, tuple(links_of(content, violations)))


def sheet_of(page: Page) -> dict[str, str]:
    """The six parameters in a hand-off page."""
    before, found, after = page.text.partition('<script type="application/json" id="sheet">')
    assert found, f"no cashier but: {before}"
    sheet: dict[str, str] = json.loads(after.partition("</script>")[0])
    return sheet
