"""The family's phones on a sandbox in this process."""

from __future__ import annotations

import html
import io
import itertools
import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from pathlib import Path

import urllib3

from bot.console.messages import word
from bot.console.phones import Card, CashierScreen, MenuGroup
from bot.sandbox.both import Sandbox
from bot.sandbox.bubbles import Bubble
from bot.sandbox.cashier import Sheet
from bot.sandbox.http import Request
from bot.sandbox.papers import FILE, file_in
from bot.sandbox.pay_orders import CashierRefused
from bot.sandbox.phone import NotFollowing, Phone, openid_of
from bot.sandbox.refusals import Refused
from dialogs.transcript import TYPED, Action, duration

EVENTS = ("菜单", "关注", "扫码")
PAYMENT_CODE = "weixin://wxpay/bizpayurl?"
PASSWORD = "123456"  # noqa: S105 - of the actions that show no cashier; any six digits will do


class LocalPhones:
    """`Phones`. `settle` does what is due now at WeChat Pay and in the bot; `wait` lets seconds pass."""

    def __init__(self, sandbox: Sandbox, settle: Callable[[], None], wait: Callable[[float], None]) -> None:
        self._sandbox = sandbox
        self._settle = settle
        self._wait = wait
        self._events: dict[tuple[str, Action], int] = {}  # when each was last sent, in unix seconds
        self._phones: dict[str, Phone] = {}
        self._sheets: dict[int, Sheet] = {}
        self._number = itertools.count(1)
        self._lock = threading.Lock()

    def arrive(self, who: str) -> None:
        phone = self._phone(who)
        if not self._sandbox.wechat.follows(phone.openid):
            phone.subscribe()
            self._settle()

    def names(self) -> tuple[str, ...]:
        return tuple(self._phones)

    def menu(self) -> tuple[MenuGroup, ...]:
        try:
            told = self._sandbox.wechat.menu.get(Request("GET", "", "", {}, Message(), b""))["menu"]
        except Refused:
            return ()
        buttons = told["button"] if isinstance(told, dict) else []
        return tuple(
            MenuGroup(button["name"], tuple(item["name"] for item in button.get("sub_button", ())))
            for button in buttons
        )

    def do(self, who: str, action: Action) -> str:
        phone = self._phone(who)
        toasts = len(phone.toasts)
        self._tell_apart(phone, action)
        try:
            trouble = self._done(who, phone, action)
        except NotFollowing:
            return word("trouble.not_following")
        except urllib3.exceptions.HTTPError as gone:
            return str(gone)
        self._settle()
        return trouble or "\n".join(phone.toasts[toasts:])

    def bubbles(self, who: str, seen: int, seconds: float) -> tuple[Bubble, ...]:
        phone = self._phone(who)
        with phone.changed:
            phone.changed.wait_for(lambda: len(phone.inbox) > seen, seconds)
            return tuple(phone.inbox[seen:])

    def card(self, media_id: str) -> Card | None:
        code_url = self._code_on(media_id)
        if not code_url.startswith(PAYMENT_CODE):
            return None
        orders = self._sandbox.pay.orders
        with orders.lock:
            order = next((one for one in orders.all() if one.handle == code_url), None)
        if order is None:
            return Card(code_url)
        card = Card(code_url, order.terms.total, order.terms.description, order.expires_at)
        try:
            orders.payable(code_url)
        except CashierRefused:
            return card
        return replace(card, over=False)

    def open_link(self, who: str) -> CashierScreen:
        phone = self._phone(who)
        try:
            page = phone.open_link()
        except LookupError:
            return CashierScreen(sentence=word("trouble.no_link"))
        if file := file_in(page):
            return CashierScreen(sentence=_kept(file, page.content), place="web")
        if (params := page.sheet) is None:
            words = html.unescape(re.sub(r"<(title|style|script).*?</\1>|<[^>]+>", "", page.text))
            return CashierScreen(sentence=words, place="web")
        return self._opened(lambda: self._sandbox.pay.checkout_jsapi(params, phone.openid))

    def open_card(self, who: str) -> CashierScreen:
        scanning = self._phone(who)
        pictures = [bubble for phone in self._phones.values() for bubble in phone.inbox if bubble.kind == "image"]
        if not pictures:
            return CashierScreen(sentence=word("trouble.no_card"))
        code_url = self._code_on(max(pictures, key=lambda bubble: bubble.at).media_id)
        return self._opened(lambda: self._sandbox.pay.scan(code_url, scanning.openid))

    def pay(self, sheet: int, method: str, password: str) -> str:
        try:
            self._sheets[sheet].pay(method, password)
        except CashierRefused as refused:
            return str(refused)
        self._sheets.pop(sheet).give_up()
        self._settle()
        return ""

    def give_up(self, sheet: int) -> None:
        self._sheets.pop(sheet).give_up()

    def now(self) -> float:
        return self._sandbox.clock.now()

    def _phone(self, who: str) -> Phone:
        with self._lock:
            if who not in self._phones:
                self._phones[who] = self._sandbox.wechat.phone(openid_of(who), following=False)
            return self._phones[who]

    def _tell_apart(self, phone: Phone, action: Action) -> None:
        """Events have no id: the same one twice within a second is a retry to the bot, which no finger means."""
        event = (phone.openid, action)
        if action.verb in EVENTS:
            if self._events.get(event) == int(self._sandbox.clock.now()):
                self._sandbox.clock.move(1)
            self._events[event] = int(self._sandbox.clock.now())

    def _code_on(self, media_id: str) -> str:
        """What the code on a picture says, as a camera reads it; "" where there is none."""
        import zxingcpp
        from PIL import Image

        try:
            picture = self._sandbox.wechat.media.picture(media_id).content
        except Refused:
            return ""
        code = zxingcpp.read_barcode(Image.open(io.BytesIO(picture)))
        return str(code.text) if code else ""

    def _opened(self, open_sheet: Callable[[], Sheet]) -> CashierScreen:
        try:
            sheet = open_sheet()
        except CashierRefused as refused:
            return CashierScreen(sentence=str(refused), place="cashier")
        number = next(self._number)
        self._sheets[number] = sheet
        return CashierScreen(number, sheet.amount, sheet.description)

    def _done(self, who: str, phone: Phone, action: Action) -> str:
        words = action.words
        deeds: dict[str, Callable[[], object]] = {
            TYPED: lambda: phone.type(words),
            "关注": lambda: phone.subscribe(words or None),
            "取消关注": phone.unsubscribe,
            "扫码": lambda: phone.scan(words),
            "图片": phone.image,
            "语音": lambda: phone.voice(words or None),
            "视频": phone.video,
            "位置": phone.location,
            "链接": phone.link,
            "等待": lambda: self._wait(_seconds(words)),
        }
        if action.verb in deeds:
            deeds[action.verb]()
            return ""
        if action.verb in ("点", "点旧", "菜单"):
            return _pressed({"点": phone.tap, "点旧": phone.tap_old, "菜单": phone.click}[action.verb], action)
        return self._counter_at_once(who, action)

    def _counter_at_once(self, who: str, action: Action) -> str:
        """付款, 放弃付款, 家人付款, 家人放弃付款: the cashier without its screens."""
        by_family = action.verb.startswith("家人")
        other = action.words if by_family and action.words else word("chat.family")
        if by_family:
            self.arrive(other)
        counter = self.open_card(other) if by_family else self.open_link(who)
        if not counter.sheet:
            return counter.sentence
        if action.verb.endswith("放弃付款"):
            self.give_up(counter.sheet)
            return ""
        return self.pay(counter.sheet, action.words if action.words and not by_family else "零钱", PASSWORD)


def _kept(file: str, content: bytes) -> str:
    """Where the file was put, for whoever wants to look at it."""
    path = Path(tempfile.gettempdir()) / Path(file).name.removeprefix(FILE)
    path.write_bytes(content)
    return word("chat.file", path=path)


def _seconds(words: str) -> float:
    span = duration(words)
    return span.total_seconds() if span else 0.0


def _pressed(press: Callable[[str], object], action: Action) -> str:
    try:
        press(action.words)
    except LookupError as wrong:
        several = "fits several" in str(wrong)
        which = "menu" if action.verb == "菜单" else "several" if several else "nothing"
        return word(f"trouble.{which}", words=action.words)
    return ""
