"""Whole payments as a citizen makes them: who gets no answer says it again, and in the end asks once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from bot.sandbox.bubbles import Bubble
from bot.sandbox.cashier import Sheet
from bot.sandbox.faults import Fault
from bot.sandbox.pay_orders import CashierRefused
from bot.sandbox.phone import Phone
from storage.database import writing
from storage.orders.columns import ATTEMPT, LINE, PAYMENT
from tests.faults.crashing import CrashingBot, phone_of

NUMBER, NAME = "369906199910090112", "䶮样"  # one institution, everything may be paid
TRIES = 5


@dataclass
class Citizen:
    """One who does what the bot says, and repeats the last word where nothing comes back."""

    bot: CrashingBot
    phone: Phone
    repeated: list[str] = field(default_factory=list)  # what had to be said again

    def until(self, says: str, act: Callable[[], list[Bubble]], or_says: str = "\0") -> None:
        """Say it until the bot's answer holds these words."""
        for _ in range(TRIES):
            if any(says in bubble.shown or or_says in bubble.shown for bubble in act()):
                return
            self.repeated.append(says)
            self.bot.wait(20)
        raise AssertionError((says, [bubble.shown for bubble in self.phone.inbox[-3:]]))

    def comes_to_confirm(self) -> None:
        """Everything before 确认缴费."""
        self.until("身份证号码", lambda: self.phone.click("pay.medical"))
        self.until("姓名", lambda: self.phone.type(NUMBER))
        self.until("请核对", lambda: self.phone.type(NAME))

    def confirms(self) -> None:
        """And the worker has its turn."""
        self.until("点这里付款", lambda: self.phone.tap("确认缴费"))
        self.bot.work()

    def pays(self) -> None:
        """By the link, as often as it takes for WeChat's cashier to open."""
        for _ in range(TRIES):
            page = self.phone.open_link("点这里付款") if self.link_answers() else None
            if page and 'id="sheet">' in page.text:
                found = json.loads(page.text.partition('id="sheet">')[2].partition("</script>")[0])
                return self._pay(self.bot.sandbox.pay.checkout_jsapi(found, self.phone.openid))
            self.bot.wait(10)
        raise AssertionError("the cashier never opened")

    def link_answers(self) -> bool:
        """Whether the pay link can be opened at all just now; a dead bot closes the connection."""
        try:
            return self.phone.open_link("点这里付款").status == 200
        except Exception:
            self.repeated.append("点这里付款")
            return False

    def family_pays(self) -> None:
        """A relative scans the code on the card; a card that never came is asked for again."""
        for _ in range(TRIES):
            with self.bot.app.engine.connect() as connection:
                codes = select(ATTEMPT.c.code_url).where(ATTEMPT.c.state == "placed", ATTEMPT.c.code_url.is_not(None))
                code = connection.execute(codes).scalar()
            if code and any(bubble.kind == "image" for bubble in self.phone.inbox):
                self.bot.sandbox.wechat.phone("oDaughter")
                return self._pay(self.bot.sandbox.pay.scan(code, "oDaughter"))
            self.bot.wait(40)
            self.repeated.append("再发一次付款码")
            self.phone.tap("再发一次付款码")
            self.bot.work()
        raise AssertionError("the card never came")

    def _pay(self, sheet: Sheet) -> None:
        try:
            sheet.pay()
        except CashierRefused as refused:
            self.repeated.append(str(refused))
        self.bot.work()


def waits(bot: CrashingBot) -> None:
    """An hour and a half passes, in the steps of the queries after a payment and past every expiry."""
    for seconds in (5, 10, 30, 60, 120, 300, 600, 1200, 1200, 1200, 600):
        bot.wait(seconds)


def paid_by_link(citizen: Citizen) -> None:
    """确认缴费, the link, WeChat Pay's callback."""
    citizen.confirms()
    citizen.pays()


def paid_by_family(citizen: Citizen) -> None:
    """请家人扫码付, and the callback is lost for ever: the query finds it."""
    citizen.bot.sandbox.faults.put("callback.payment", Fault.DROP_BEFORE)
    citizen.confirms()
    citizen.until("付款码马上发给您", lambda: citizen.phone.tap("请家人扫码付"), or_says="再发一次付款码")
    citizen.bot.work()
    citizen.family_pays()


def cancelled(citizen: Citizen) -> None:
    """不缴了."""
    citizen.confirms()
    for _ in range(TRIES):
        said = [bubble.shown for bubble in citizen.phone.tap("不缴了")]
        if any(word in line for line in said for word in ("已经取消", "核对一下", "作废", "前面的选项")):
            return
        citizen.repeated.append("不缴了")
        citizen.bot.wait(20)
    raise AssertionError(said)


def left_alone(citizen: Citizen) -> None:
    """Opened and never paid: it ends by itself."""
    citizen.confirms()


def paid_twice(citizen: Citizen) -> None:
    """A bank took the same money meanwhile: what WeChat Pay took goes back, in full and by itself."""
    citizen.confirms()
    with citizen.bot.app.engine.connect() as connection:
        line = connection.execute(select(LINE)).first()
    assert line is not None
    names = ("payable_key", "person", "insurance", "institution", "person_no", "pay_kind", "cover_year", "period_from")
    row = {name: getattr(line, name) for name in (*names, "period_to", "tier_code", "tier_name", "amount")}
    row |= {"settles": line.payable_key, "paid_at": 1, "channel": "bank", "receipt_no": "R1", "status": "booked"}
    citizen.bot.outside = True
    with writing(citizen.bot.app.engine) as connection:
        connection.execute(insert(PAYMENT).values(row))
    citizen.bot.outside = False
    citizen.pays()


@dataclass(frozen=True)
class Scene:
    """What a citizen does, and in which states the order may end."""

    does: Callable[[Citizen], None]
    ends: str  # the order's state
    told: str  # the words that have to reach the citizen


SCENES = {
    "paid by link": Scene(paid_by_link, "paid", "缴费成功"),
    "paid by family, callback lost": Scene(paid_by_family, "paid", "缴费成功"),
    "cancelled": Scene(cancelled, "closed", ""),
    "never paid": Scene(left_alone, "closed", "已经作废"),
    "paid twice": Scene(paid_twice, "refunded", "退"),
}


def citizen_of(bot: CrashingBot) -> Citizen:
    """Somebody who is at 请核对."""
    citizen = Citizen(bot, phone_of(bot))
    citizen.comes_to_confirm()
    return citizen
