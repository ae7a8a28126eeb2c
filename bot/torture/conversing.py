"""How a citizen gets through a conversation: reads the last bubble, answers it, and asks again where nothing comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from bot.sandbox.bubbles import Bubble
from bot.sandbox.phone import Phone
from bot.sandbox.push_xml import message
from bot.sandbox.quota import Opened
from bot.sandbox.wechat import WeChatStandIn
from bot.torture.town import Errand

GARBAGE = ("abc", "……", "350", "369902198511030033", "哈哈", "😀", "返回", "帮助", "1 2 3", "确认缴费？")
MOST_WORDS = 40
OPENED, PAYABLE, OVER, GIVEN_UP = "opened", "payable", "over", "given up"
_NOTHING_TO_PAY = ("不用再缴", "不用缴", "正有人在付款", "没有扣您的钱", "没有别的要缴", "已经缴好了")


@dataclass
class Talk:
    """One citizen's phone and manners."""

    wechat: WeChatStandIn
    phone: Phone
    random: Random
    sloppy: float
    impatient: float
    ends: Callable[[], bool]  # whether everybody is called home
    words: int = 0
    said: int = field(default=0)

    def to_the_cashier(self, errand: Errand) -> str:
        """Until an order is open (PAYABLE), or there is nothing to pay (OVER)."""
        last = self._click(errand.service)
        for _ in range(MOST_WORDS):
            if self.ends():
                return GIVEN_UP
            if "点这里付款" in last or "再发一次付款码" in last:
                return PAYABLE
            if any(words in last for words in _NOTHING_TO_PAY) and "请核对" not in last and "回复“核对”" not in last:
                return OVER
            if self.sloppy and self.random.random() < self.sloppy:
                self.speak(self.random.choice(GARBAGE))
            last = self._answer(errand, last)
        return GIVEN_UP

    def speak(self, text: str) -> str:
        """Type it, sometimes three times in one breath; what came back, "" for nothing."""
        self.words += 1
        if self.random.random() < self.impatient:
            self.wechat.acted(self.phone.openid, Opened.MESSAGE)
            content: dict[str, str | int] = {"Content": text, "MsgId": self.wechat.next_id()}
            now, name = int(self.wechat.clock.now()), self.wechat.keys.original_id
            xml = message(name, self.phone.openid, now, "text", content)
            return _text([bubble for _ in range(3) for bubble in self.phone.raw(xml)][-1:])
        return _text(self.phone.type(text))

    def tap(self, label: str) -> str:
        """Press an option; "" where there is none, or no answer."""
        self.words += 1
        try:
            return _text(self.phone.tap(label))
        except LookupError:
            return ""

    def _click(self, key: str) -> str:
        self.words += 1
        return _text(self.phone.click(key))

    def _answer(self, errand: Errand, last: str) -> str:
        if "请核对" in last:
            return self.tap("确认缴费")
        if "还是从头来" in last or "要换成" in last:
            return self.tap(self.random.choice(("重新开始", "换成"))) or self.tap("重新开始") or self.speak("1")
        if "什么人" in last:
            return self.speak("其他")
        if errand.service == "pay.family" and ("给哪几位缴" in last or "每人只用加一次" in last):
            return self._next_member(errand, last)
        if "回复“核对”" in last:
            return self.speak("核对")
        if "身份证号码" in last and "姓名" not in last.rpartition("身份证号码")[2]:
            return self.speak(self._member(errand, last).number)
        if "姓名" in last:
            return self.speak(self._member(errand, last).name)
        if "哪一档" in last or "这一档" in last or "点一个档次" in last:
            return self.speak(errand.tier)
        if not last:
            time.sleep(0.3)
        return self._click(errand.service)

    def _next_member(self, errand: Errand, last: str) -> str:
        if last.count("✓") >= len(errand.residents):
            return self.speak("选好了")
        self.said = (self.said + 1) % len(errand.residents)
        return self.speak(errand.residents[self.said].number)

    def _member(self, errand: Errand, last: str) -> _Member:
        """Whose number stands masked in the last bubble; else the one whose turn it is."""
        for one in errand.residents:
            if f"{one.number[:4]}**********{one.number[-4:]}" in last:
                return _Member(one.number, one.name)
        one = errand.residents[self.said % len(errand.residents)]
        return _Member(one.number, one.name)


@dataclass(frozen=True, slots=True)
class _Member:
    number: str
    name: str


def _text(bubbles: list[Bubble]) -> str:
    return bubbles[-1].shown if bubbles else ""
