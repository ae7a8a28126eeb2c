"""Does what a transcript says a citizen does, on sandbox phones, and collects every line that comes of it."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Protocol

import zxingcpp
from PIL import Image

from bot.sandbox.both import Sandbox
from bot.sandbox.bubbles import Bubble
from bot.sandbox.cashier import Sheet
from bot.sandbox.clock import time_steps
from bot.sandbox.faults import Fault
from bot.sandbox.papers import copied, file_in
from bot.sandbox.pay_orders import CashierRefused
from bot.sandbox.phone import NotFollowing, Page, Phone, openid_of
from dialogs.texts import say, sentences
from dialogs.transcript import ME, Action, CannotPerform, Line, Mark, duration

FAMILY = "家人"
CARD, CAPTCHA, CERTIFICATE = "[付款码]", "[验证码图片]", "[证明图片]"
SUM = re.compile(r"(\d+) \+ (\d+) = ？")
CLEAR = "清除"
CODE = "weixin://wxpay/bizpayurl?"
ROUNDS = 5  # of callbacks and due work after one action; each may cause the next


class Bot(Protocol):
    """The bot as a scene needs it."""

    def run_due(self) -> None:
        """Do everything that is due now, on this thread."""
        ...

    def restart(self, *, next_release: bool) -> None:
        """End the process and start it again on the same storage; as a release that asks otherwise."""
        ...

    def file_comes(self, words: str) -> None:
        """A file of an agency comes in: rows of the demo data with other cells."""
        ...

    def paid_elsewhere(self, words: str) -> None:
        """A bank's file comes in with a payment: name, cover year, insurance, yuan."""
        ...

    def refund(self, words: str) -> None:
        """An operator gives the order back that was paid last, or these lines of it."""
        ...

    def confirmed(self, openid: str, numbers: Sequence[str]) -> None:
        """This citizen gave number, name and code of these ID numbers rightly just before."""
        ...

    def agency_books(self) -> None:
        """The agency takes yesterday's payments file and answers that all of it is booked."""
        ...

    def picture_says(self, openid: str) -> str:
        """What the picture shows that this citizen was sent last: eyes, for a scene."""
        ...


class ScenePerformer:
    """One scene's phones. The clock goes on by a second with each action, so that no two events look alike."""

    def __init__(self, sandbox: Sandbox, bot: Bot) -> None:
        self.sandbox = sandbox
        self.bot = bot
        self._phones: dict[str, Phone] = {}
        self._seen: dict[str, int] = {}
        self._toasts: dict[str, int] = {}
        self._sheets: dict[str, Sheet] = {}
        self._verbs: dict[str, Callable[[Phone, str], Sequence[str] | None]] = {
            "打字": lambda phone, words: _nothing(phone.type(words.replace("\\n", "\n"))),
            "菜单": lambda phone, words: _nothing(phone.click(words)),
            "点": lambda phone, words: _nothing(phone.tap(words)),
            "点旧": lambda phone, words: _nothing(phone.tap_old(words)),
            "关注": lambda phone, words: _nothing(phone.subscribe(words or None)),
            "取消关注": lambda phone, words: _nothing(phone.unsubscribe()),
            "注销微信": lambda phone, words: _nothing(phone.close_account()),
            "扫码": lambda phone, words: _nothing(phone.scan(words)),
            "图片": lambda phone, words: _nothing(phone.image()),
            "语音": lambda phone, words: _nothing(phone.voice(words or None)),
            "视频": lambda phone, words: _nothing(phone.video()),
            "别的消息": lambda phone, words: _nothing(phone.card()),
            "位置": lambda phone, words: _nothing(phone.location()),
            "链接": lambda phone, words: _nothing(phone.link()),
            "付款": lambda phone, words: self._own_cashier(phone, lambda sheet: sheet.pay(words or "零钱")),
            "收银台": self._left_open,
            "输密码": self._password_given,
            "抄漏链接": self._mistyped,
            "放弃付款": lambda phone, words: self._own_cashier(phone, Sheet.give_up),
            "家人付款": lambda phone, words: self._family_cashier(phone, words, Sheet.pay),
            "家人放弃付款": lambda phone, words: self._family_cashier(phone, words, Sheet.give_up),
            "家人扫旧码": lambda phone, words: self._scanned(_pictures(phone), self.phone(words or FAMILY), Sheet.pay),
            "打开": self._opened,
            "照着打": lambda phone, words: _nothing(phone.type(copied(self._bubbles(), words))),
            "看图": lambda phone, words: _nothing(phone.type(self._seen_in_picture(phone))),
            "算": lambda phone, words: _nothing(phone.type(str(_sum(phone)))),
            "别处缴费": lambda phone, words: self.bot.paid_elsewhere(words),
            "退款": lambda phone, words: self.bot.refund(words),
            "退款要": self._slow_refunds,
            "退款不说去处": self._silent_refunds,
            "来文件": lambda phone, words: self.bot.file_comes(words),
            "验证过": lambda phone, words: self.bot.confirmed(phone.openid, words.split()),
            "入库": lambda phone, words: self.bot.agency_books(),
            "等待": self._wait,
            "故障": lambda phone, words: self.fault(words),
            "重启": lambda phone, words: self.bot.restart(next_release=False),
            "更新": lambda phone, words: self.bot.restart(next_release=True),
        }
        self.phone(ME)

    def perform(self, person: str, action: Action) -> Sequence[Line]:
        """Every line that came of it, in the order of arrival; raises CannotPerform."""
        self.sandbox.clock.move(1)
        phone = self.phone(person)
        try:
            seen_elsewhere = self._verbs[action.verb](phone, action.words)
        except (LookupError, NotFollowing, ValueError) as wrong:
            raise CannotPerform(f"{action} 做不了：{wrong}") from wrong
        self._finish()
        return [*(Line("<", text) for text in seen_elsewhere or ()), *self._arrived(person)]

    def phone(self, person: str) -> Phone:
        """The phone of this member of the family."""
        if person not in self._phones:
            self._phones[person] = self.sandbox.wechat.phone(openid_of(person))
            self._seen[person] = self._toasts[person] = 0
        return self._phones[person]

    def fault(self, words: str) -> None:
        """Switch one on (`pay.jsapi drop_after 2`), or all off."""
        name, *rest = words.split()
        if name == CLEAR:
            self.sandbox.faults.clear()
            return
        if not rest or rest[0] not in {one.value for one in Fault} or not all(one.isdigit() for one in rest[1:]):
            kinds = "、".join(one.value for one in Fault)
            raise CannotPerform(f"故障要写成：pay.jsapi drop_after 1，或者 {CLEAR}；种类有 {kinds}")
        times = int(rest[1]) if len(rest) > 1 else None
        self.sandbox.faults.put(name, Fault(rest[0]), times=times)

    def _finish(self) -> None:
        """Callbacks and everything that is due now, until nothing comes of it any more."""
        for _ in range(ROUNDS):
            before = sum(len(phone.inbox) for phone in self._phones.values())
            called = self.sandbox.pay.deliver_due()
            self.bot.run_due()
            if not called and before == sum(len(phone.inbox) for phone in self._phones.values()):
                return

    def _slow_refunds(self, phone: Phone, words: str) -> None:
        self.sandbox.pay.refunds.seconds = (duration(words) or timedelta()).total_seconds()

    def _silent_refunds(self, phone: Phone, words: str) -> None:
        self.sandbox.pay.refunds.tells_account = False

    def _wait(self, phone: Phone, words: str) -> None:
        span = duration(words) or timedelta()
        for step in time_steps(int(span.total_seconds())):
            self.sandbox.clock.move(step)
            self._finish()

    def _opened(self, phone: Phone, label: str) -> Sequence[str]:
        page = phone.open_link(label)
        file = file_in(page)
        return [file] if file else _web(page)

    def _mistyped(self, phone: Phone, label: str) -> Sequence[str]:
        return _web(phone.open_link(label, without_last=1))

    def _bubbles(self) -> list[Bubble]:
        return [bubble for phone in self._phones.values() for bubble in phone.inbox]

    def _own_cashier(self, phone: Phone, use: Callable[[Sheet], object]) -> Sequence[str]:
        page = phone.open_link(say("checkout.pay"))
        if (params := page.sheet) is None:
            return _web(page)
        return self._at_cashier(lambda: self.sandbox.pay.checkout_jsapi(params, phone.openid), use)

    def _left_open(self, phone: Phone, words: str) -> Sequence[str]:
        def keep(sheet: Sheet) -> None:
            self._sheets[phone.openid] = sheet

        return self._own_cashier(phone, keep)

    def _password_given(self, phone: Phone, words: str) -> Sequence[str]:
        if phone.openid not in self._sheets:
            raise CannotPerform("没有开着的收银台，先写 [收银台]")
        return self._at_cashier(lambda: self._sheets[phone.openid], Sheet.pay)

    def _family_cashier(self, phone: Phone, name: str, use: Callable[[Sheet], object]) -> Sequence[str]:
        other = self.phone(name or FAMILY)
        if not (pictures := _pictures_since_the_link(phone)):
            phone.tap(say("checkout.family"))
            self._finish()
            pictures = _pictures_since_the_link(phone)
            self._seen[self._person(phone)] = len(phone.inbox)
        return self._scanned(pictures, other, use)

    def _scanned(self, pictures: Sequence[Bubble], other: Phone, use: Callable[[Sheet], object]) -> Sequence[str]:
        if not pictures:
            raise CannotPerform("没有收到付款码")
        code_url = self._decoded(pictures[-1])
        return self._at_cashier(lambda: self.sandbox.pay.scan(code_url, other.openid), use)

    def _at_cashier(self, opened: Callable[[], Sheet], use: Callable[[Sheet], object]) -> Sequence[str]:
        try:
            use(opened())
        except CashierRefused as refused:
            return [f"〔收银台〕{refused}"]
        return []

    def _decoded(self, bubble: Bubble) -> str:
        codes = self._codes(bubble)
        if len(codes) != 1 or not codes[0].startswith(CODE):
            raise CannotPerform("付款码认不出来")
        return codes[0]

    def _upright(self, bubble: Bubble) -> bool:
        """Whether it is a page of paper rather than a card or a code: as high as A4 and no payment code on it."""
        width, height = Image.open(io.BytesIO(self.sandbox.wechat.media.picture(bubble.media_id).content)).size
        return height > 1.3 * width and not any(code.startswith(CODE) for code in self._codes(bubble))

    def _codes(self, bubble: Bubble) -> tuple[str, ...]:
        return _codes_on(self.sandbox.wechat.media.picture(bubble.media_id).content)

    def _seen_in_picture(self, phone: Phone) -> str:
        if not (pictures := _pictures(phone)) or self._codes(pictures[-1]):
            raise CannotPerform("没有收到验证码图片")
        return self.bot.picture_says(phone.openid)

    def _arrived(self, person: str) -> list[Line]:
        lines = []
        for name, phone in self._phones.items():
            whose = "" if name == person else f"（{name}收到）"
            for bubble in phone.inbox[self._seen[name] :]:
                lines += [Line(mark_of(bubble), f"{whose}{text}") for text in self._shown(bubble)]
            self._seen[name] = len(phone.inbox)
            lines += [Line("!", f"{toast} {phone.failures[-3:]}") for toast in phone.toasts[self._toasts[name] :]]
            self._toasts[name] = len(phone.toasts)
        return lines

    def _shown(self, bubble: Bubble) -> list[str]:
        if bubble.kind == "image":
            if self._upright(bubble):
                return [CERTIFICATE]
            if not self._codes(bubble):
                return [CAPTCHA]
            self._decoded(bubble)
            return [CARD]
        return [line.rstrip() for line in bubble.shown.split("\n")]

    def _person(self, phone: Phone) -> str:
        return next(name for name, one in self._phones.items() if one is phone)


def mark_of(bubble: Bubble) -> Mark:
    """A sentence that owns up to an unexpected error is nothing a transcript may hold."""
    if bubble.text.startswith(sentences()["wire.error"].partition("{id}")[0]):
        return "!"
    return "<<" if bubble.pushed else "<"


@lru_cache(maxsize=8)  # one picture is asked about several times; looking for a code on it takes 25 ms
def _codes_on(picture: bytes) -> tuple[str, ...]:
    """What the codes on a picture say, of whatever kind they are."""
    return tuple(str(code.text) for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture))))


def _nothing(bubbles: Sequence[Bubble]) -> None:
    """The bubbles stand in the phone's inbox, where they are read with whatever was pushed between them."""


def _sum(phone: Phone) -> int:
    """What the sum asked last comes to."""
    asked = [match for bubble in phone.inbox for match in SUM.finditer(bubble.text)]
    if not asked:
        raise CannotPerform("没有要算的题")
    return sum(map(int, asked[-1].groups()))


def _pictures(phone: Phone) -> list[Bubble]:
    return [bubble for bubble in phone.inbox if bubble.kind == "image"]


def _pictures_since_the_link(phone: Phone) -> list[Bubble]:
    pictures: list[Bubble] = []
    for bubble in phone.inbox:
        if any(link.text == say("checkout.pay") for link in bubble.links):
            pictures = []
        elif bubble.kind == "image":
            pictures.append(bubble)
    return pictures


def _web(page: Page) -> list[str]:
    return [f"〔网页〕{sentence}" for sentence in _sentences(page)]


def _sentences(page: Page) -> list[str]:
    found = re.findall(r"<p[^>]*>(.*?)</p>", page.text, re.DOTALL)
    return [html.unescape(one) for one in found] or [f"HTTP {page.status}"]
