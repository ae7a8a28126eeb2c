"""A citizen's life: errand by errand, to the cashier and beyond it, in the way of this citizen's habits."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import urllib3
import zxingcpp
from PIL import Image

from bot.sandbox.both import Sandbox
from bot.sandbox.cashier import Sheet
from bot.sandbox.pay_orders import CashierRefused
from bot.torture.conversing import PAYABLE, Talk
from bot.torture.town import Errand, Townsman

TRIES = 12
PAUSE = 0.4  # seconds between two tries


@dataclass
class Life:
    """Lived on a thread of its own; `done` counts what came of it."""

    townsman: Townsman
    sandbox: Sandbox
    ends: Callable[[], bool]
    pays_at_bank: Callable[[Errand], None]
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = Random(self.townsman.seed)  # noqa: S311 - repeatable on purpose
        self._phone = self.sandbox.wechat.phone(self.townsman.openid)
        manners = self._random, self.townsman.sloppy, self.townsman.impatient
        self._talk = Talk(self.sandbox.wechat, self._phone, *manners, self.ends)

    def live(self) -> None:
        """All errands, one after the other."""
        for errand in self.townsman.errands:
            if self.ends():
                return
            outcome = self._talk.to_the_cashier(errand)
            self.done[f"errand {outcome}"] += 1
            if outcome == PAYABLE:
                getattr(self, "_" + errand.habit.replace(" ", "_"))(errand)
        self.done["words"] += self._talk.words

    def _plain(self, _errand: Errand) -> None:
        sheet = self._by_link()
        if sheet is not None:
            self._pay(sheet)

    def _two_sheets(self, _errand: Errand) -> None:
        sheets = [self._by_link(), self._by_link()]
        for sheet in sheets:
            if sheet is not None:
                self._pay(sheet)

    def _bank_too(self, errand: Errand) -> None:
        sheet = self._by_link()
        self.pays_at_bank(errand)
        if sheet is not None:
            self._pay(sheet)

    def _cancels(self, _errand: Errand) -> None:
        sheet = self._by_link() if self._random.random() < 0.5 else None
        self._talk.tap("不缴了")
        if sheet is not None:
            self._pay(sheet)  # the sheet was open already

    def _late(self, _errand: Errand) -> None:
        sheet = self._by_link()
        self._until_moved(self._random.uniform(1500, 2400))
        if sheet is not None and self._random.random() < 0.5:
            self._pay(sheet)
        else:
            self._plain(_errand)

    def _never(self, _errand: Errand) -> None:
        """It expires."""

    def _family_code(self, _errand: Errand) -> None:
        self._talk.tap("请家人扫码付")
        code = self._code(newer_than=0)
        if code:
            self._scan(code)

    def _old_code(self, errand: Errand) -> None:
        self._talk.tap("请家人扫码付")
        first = self._code(newer_than=0)
        pictures = self._pictures()
        self._talk.tap("再发一次付款码")
        second = self._code(newer_than=len(pictures))
        for code in filter(None, (first, second)):
            self._scan(code)
        if self._random.random() < 0.3:
            self._talk.tap("用我自己的微信付")
            self._plain(errand)

    def _by_link(self) -> Sheet | None:
        """The pay link, until WeChat's cashier opens or the link says that it is over."""
        for _ in range(TRIES):
            if self.ends():
                return None
            try:
                page = self._phone.open_link("点这里付款")
            except (LookupError, urllib3.exceptions.HTTPError):
                time.sleep(PAUSE)
                continue
            if 'id="sheet">' in page.text:
                found = json.loads(page.text.partition('id="sheet">')[2].partition("</script>")[0])
                try:
                    return self.sandbox.pay.checkout_jsapi(found, self._phone.openid)
                except CashierRefused:
                    self.done["cashier refused"] += 1
            elif page.status == 200:
                return None
            time.sleep(PAUSE)
        return None

    def _pay(self, sheet: Sheet) -> None:
        time.sleep(self._random.uniform(0.0, 0.5))
        try:
            sheet.pay()
        except CashierRefused:
            self.done["cashier refused"] += 1
        else:
            self.done["paid"] += 1
            if self._random.random() < 0.3:
                self._talk.speak("付好了")

    def _scan(self, code: str) -> None:
        relative = f"{self._phone.openid}Kin"
        self.sandbox.wechat.phone(relative)
        try:
            self._pay(self.sandbox.pay.scan(code, relative))
        except CashierRefused:
            self.done["cashier refused"] += 1

    def _pictures(self) -> list[str]:
        return [bubble.media_id for bubble in self._phone.inbox if bubble.kind == "image"]

    def _code(self, newer_than: int) -> str:
        """The code on the newest card, once there are more of them than that."""
        for _ in range(TRIES):
            pictures = self._pictures()
            if len(pictures) > newer_than:
                content = self.sandbox.wechat.media.picture(pictures[-1]).content
                found = zxingcpp.read_barcodes(Image.open(io.BytesIO(content)))
                return str(found[0].text) if found else ""
            if self.ends():
                return ""
            time.sleep(PAUSE)
        return ""

    def _until_moved(self, seconds: float) -> None:
        """Until the clock has gone on so far, or a while of real time has passed."""
        goal, ends = self.sandbox.clock.now() + seconds, time.monotonic() + 20
        while self.sandbox.clock.now() < goal and time.monotonic() < ends and not self.ends():
            time.sleep(0.2)
