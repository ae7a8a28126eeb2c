"""What the tests of money share: a counter (收费窗口) with people who owe, an opener, a settler, and short words.

It is noon on 23 November 2026 in Shanghai unless a test says otherwise. Amounts are fen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Table, insert

from dialogs.terms.insurance import Insurance, Payable, PayKind
from storage.database import reading, table_of, writing
from storage.orders import attempts, refunds
from storage.orders.columns import ATTEMPT, LINE, NOTICE, ORDER, PAYMENT
from storage.orders.opening import Opened, Opener, OrderLimits
from storage.orders.settling import Received, Settled, Settler
from storage.tables import PersonRow
from tests.storage.whole import every_row, having

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZONE)
LAST_DAY = date(2026, 12, 20)
MCH_ID, APP_ID = "1900000001", "wx1234567890abcdef"
MINUTES = 30
UNLIMITED = OrderLimits(open_orders=1000, given_up=1000)  # tests of other things
PEOPLE = ("wang", "li", "zhao", "sun")


def payable(insured: str = "wang", amount: int = 50000, **other: Any) -> Payable:
    """This year's pension of one person."""
    plain = Payable(
        insured=insured,
        insurance=Insurance.PENSION,
        institution_code="3601020001",
        institution_name="东湖区",
        person_no=f"no-{insured}",
        pay_kind=PayKind.NORMAL,
        assess_no="",
        cover_year=2026,
        period_from="202601",
        period_to="202612",
        tier_code=str(amount // 100),
        tier_name=f"{amount // 100}元",
        amount=amount,
        last_day=LAST_DAY,
    )
    return replace(plain, **other)


@dataclass(frozen=True)
class Counter:
    """Orders over one database, without any WeChat Pay: what it does is said here by hand."""

    engine: Engine
    limits: OrderLimits = UNLIMITED

    @classmethod
    def opened(cls, engine: Engine) -> Counter:
        """With the people there are."""
        people = [{"key": key, "id_type": "201", "number": "sealed", "name": "sealed"} for key in PEOPLE]
        with writing(engine) as connection:
            connection.execute(insert(table_of(PersonRow)), people)
        return cls(engine)

    @property
    def settler(self) -> Settler:
        return Settler(self.engine, ZONE, MCH_ID, APP_ID)

    def try_to_open(self, payer: str, *payables: Payable, at: datetime = NOON) -> Opened:
        names = {one.insured: f"{one.insured}*" for one in payables}
        opener = Opener(self.engine, ZONE, "jsapi", MINUTES, self.limits)
        return opener.open(payer, "pay.pension", payables, names, at)

    def open(self, payer: str = "oPayer", *payables: Payable, at: datetime = NOON) -> str:
        """An order; its first attempt is its number with `-1`."""
        opened = self.try_to_open(payer, *(payables or [payable()]), at=at)
        assert opened.order_no, opened
        return opened.order_no

    def place(self, number: str, at: datetime = NOON, prepay_id: str = "wx23", code_url: str = "") -> bool:
        """Ask WeChat Pay to place it, and hear that it did."""
        with writing(self.engine) as connection:
            attempts.mark_called(connection, number, seconds(at))
        with writing(self.engine) as connection:
            return attempts.mark_placed(connection, number, seconds(at), prepay_id=prepay_id, code_url=code_url)

    def begin_closing(self, order_no: str, reason: str = "expired", at: datetime = NOON) -> bool:
        with writing(self.engine) as connection:
            return attempts.begin_closing(connection, order_no, reason, seconds(at))

    def begin_switch(self, order_no: str, channel: str, at: datetime = NOON) -> bool:
        with writing(self.engine) as connection:
            return attempts.begin_switch(connection, order_no, channel, seconds(at))

    def mark_closed(self, number: str, at: datetime = NOON) -> None:
        """WeChat Pay says that it is closed."""
        with writing(self.engine) as connection:
            attempts.mark_closed(connection, number, ZONE, seconds(at))

    def close(self, order_no: str, reason: str = "expired", at: datetime = NOON) -> None:
        """The order ends without payment."""
        self.begin_closing(order_no, reason, at)
        self.mark_closed(self.running(order_no).out_trade_no, at)

    def settle(self, number: str, at: datetime = NOON, **said: Any) -> Settled:
        """WeChat Pay says that it took the money."""
        return self.settler.settle(received(number, at, **said), seconds(at))

    def refunded(self, number: str, at: datetime = NOON, kind: str = "R") -> None:
        """WeChat Pay says that the money of an attempt is back: what settled nothing (R), or a line's (L1)."""
        with writing(self.engine) as connection:
            refunds.mark_refunded(connection, f"{number}-{kind}", seconds(at), ZONE, seconds(at))

    def paid_elsewhere(self, one: Payable) -> None:
        """A payments file says that a window took the money."""
        names = ("insurance", "person_no", "pay_kind", "assess_no", "cover_year", "period_from", "period_to")
        row = {name: getattr(one, name) for name in (*names, "tier_code", "tier_name", "amount")}
        row |= {"settles": one.key, "payable_key": one.key, "person": one.insured, "institution": one.institution_code}
        row |= {"paid_at": seconds(NOON), "channel": "bank", "receipt_no": "R1", "status": "booked"}
        with writing(self.engine) as connection:
            connection.execute(insert(PAYMENT).values(row))

    def rows(self, table: Table, **where: Any) -> list[Any]:
        """The rows in which these columns have these values, in the order of the primary key."""
        with reading(self.engine) as connection:
            return having(every_row(connection, table), where)

    def order(self, no: str) -> Any:
        return self.rows(ORDER, no=no)[0]

    def attempt(self, number: str) -> Any:
        return self.rows(ATTEMPT, out_trade_no=number)[0]

    def running(self, order_no: str) -> Any:
        [row] = self.rows(ATTEMPT, runs=order_no)
        return row

    def holds(self, order_no: str) -> list[str | None]:
        return [line.holds for line in self.rows(LINE, order_no=order_no)]

    def notices(self) -> list[str]:
        """The reasons of all news, in the order of writing."""
        return [row.reason for row in self.rows(NOTICE)]


def received(number: str, at: datetime = NOON, **said: Any) -> Received:
    """What WeChat Pay says of one number; its transaction is named after it."""
    plain = Received(number, f"T-{number}", MCH_ID, APP_ID, 50000, "CNY", seconds(at))
    return replace(plain, **said)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def later(**time: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(**time)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls give, each on a thread of its own, begun together; raises what any of them raises."""
    gate = threading.Barrier(len(calls))

    def begun(call: Callable[[], Any]) -> Any:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begun, calls))
