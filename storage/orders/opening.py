"""Opening an order: the payables are held by a unique index, so that two payers at once cannot both open one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from dialogs.terms.insurance import Payable
from dialogs.world import MOST_AMOUNT, MOST_LINES, OrderState
from storage.database import writing
from storage.orders.attempts import SHORTEST_SECONDS, add_attempt
from storage.orders.columns import LINE, ORDER, PAYMENT
from storage.orders.rows import lines_of, the_order

# Built once: every order asks these.
_PAID = select(PAYMENT.c.id).where(PAYMENT.c.settles.in_(bindparam("keys", expanding=True)))
_HOLDERS = select(LINE.c.order_no).where(LINE.c.holds.in_(bindparam("keys", expanding=True)))

_OPEN = (OrderState.OPEN, OrderState.CLOSING)
_GIVEN_UP = ("expired", "cancelled", "cancelling", "taken_over")
# Who lost an order to another payer does not get the same payable back at once: it is kept for the one who took over.
_LOST = (
    select(ORDER.c.no)
    .join(LINE, LINE.c.order_no == ORDER.c.no)
    .where(ORDER.c.payer == bindparam("of"), ORDER.c.close_reason == "taken_over")
    .where(ORDER.c.closed_at > bindparam("since"), LINE.c.payable_key.in_(bindparam("keys", expanding=True)))
)
KEPT_SECONDS = 600  # for the one who took over
_OF_PAYER = select(
    func.count().filter(ORDER.c.state.in_(_OPEN)).label("open"),
    func.count()
    .filter((ORDER.c.state == OrderState.CLOSED) & ORDER.c.close_reason.in_(_GIVEN_UP))
    .filter(ORDER.c.opened_at > bindparam("since"))
    .label("given_up"),
).where(ORDER.c.payer == bindparam("of"))
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:of, 0))")  # SQLite has one writer anyway
DAY_SECONDS = 86400

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # read out over the telephone without mistakes
RACES = 4  # another payer's commit may come between a look and an insert; then one looks again


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """How many orders one openid may have open, so that one payer cannot keep many others from paying.

    After `given_up` orders that were opened within a day and given up or ran out, new ones run `short_minutes`, and
    `open_then` may be open at a time.
    """

    open_orders: int = 5
    given_up: int = 3
    open_then: int = 2
    short_minutes: int = 10


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of it: the order's number, or the order that holds it, or that it is paid, or that it is too late.

    `too_many` is the number of open orders where the payer may have no further one; `short_minutes` how long the order
    runs where that is less than usual, because of others that were not paid.
    """

    order_no: str = ""
    too_many: int = 0
    short_minutes: int = 0
    is_taken_over: bool = False
    held_by: str = ""
    paid: bool = False
    too_late: bool = False


@dataclass(frozen=True, slots=True)
class Opener:
    """The terms on which orders are opened. `minutes` is how long an order may be paid."""

    engine: Engine
    zone: tzinfo
    channel: str
    minutes: int
    limits: OrderLimits = OrderLimits()

    def open(
        self, payer: str, service: str, payables: Sequence[Payable], names: Mapping[str, str], now: datetime
    ) -> Opened:
        """Open an order for these payables, or give the one the same payer has open for exactly them.

        `names` are the masked names of the insured by key. Raises ValueError for a payable of nothing (0.00 needs no
        order) and for more than an order holds, IntegrityError for a payable named twice, and DatabaseUnavailable.
        """
        if not payables or any(payable.amount < 1 for payable in payables):
            raise ValueError("an order is for an amount")
        if len(payables) > MOST_LINES or sum(payable.amount for payable in payables) > MOST_AMOUNT:
            raise ValueError("too much for one order")
        for race in range(1, RACES + 1):
            try:
                with writing(self.engine) as connection:
                    return self._open(connection, payer, service, payables, names, now)
            except IntegrityError:
                if race == RACES:
                    raise
        raise AssertionError("unreachable")

    def _open(
        self,
        connection: Connection,
        payer: str,
        service: str,
        payables: Sequence[Payable],
        names: Mapping[str, str],
        now: datetime,
    ) -> Opened:
        keys = [payable.key for payable in payables]
        if connection.execute(_PAID, {"keys": keys}).first():
            return Opened(paid=True)
        holders = set(connection.execute(_HOLDERS, {"keys": keys}).scalars())
        if holders:
            return _same_again(connection, payer, payables, holders, now)
        lost = {"of": payer, "since": int(now.timestamp()) - KEPT_SECONDS, "keys": keys}
        if connection.execute(_LOST, lost).first():
            return Opened(is_taken_over=True)
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME, {"of": payer})
        counted = connection.execute(_OF_PAYER, {"of": payer, "since": int(now.timestamp()) - DAY_SECONDS}).one()
        is_short = counted.given_up >= self.limits.given_up
        if counted.open >= (self.limits.open_then if is_short else self.limits.open_orders):
            return Opened(too_many=counted.open)
        minutes = min(self.minutes, self.limits.short_minutes) if is_short else self.minutes
        expires = self._expires(payables, now, minutes)
        if (expires - now).total_seconds() < SHORTEST_SECONDS:
            return Opened(too_late=True)
        no = order_number(now)
        order = {
            "no": no,
            "payer": payer,
            "service": service,
            "state": OrderState.OPEN,
            "channel": self.channel,
            "amount": sum(payable.amount for payable in payables),
            "opened_at": int(now.timestamp()),
            "expires_at": int(expires.timestamp()),
            "due_at": int(now.timestamp()),
        }
        connection.execute(insert(ORDER), order)
        numbered = enumerate(payables, 1)  # held in one order by everybody, so that two payers never wait in a ring
        for line_no, payable in sorted(numbered, key=lambda one: one[1].key):
            connection.execute(insert(LINE), line_values(no, line_no, payable, names[payable.insured]))
        add_attempt(connection, no, int(now.timestamp()))
        return Opened(order_no=no, short_minutes=minutes if is_short else 0)

    def _expires(self, payables: Sequence[Payable], now: datetime, minutes: int) -> datetime:
        """Some minutes from now, and never past the end of a payable's last day."""
        last_day = min(payable.last_day for payable in payables)
        day_ends = datetime.combine(last_day, time(23, 59, 59), self.zone)
        return min(now + timedelta(minutes=minutes), day_ends)


def order_number(now: datetime) -> str:
    """Fourteen characters: the day, then eight that cannot be guessed or misread."""
    return f"{now:%y%m%d}" + "".join(secrets.choice(ALPHABET) for _ in range(8))


def _same_again(
    connection: Connection, payer: str, payables: Sequence[Payable], holders: set[str], now: datetime
) -> Opened:
    """The same payer's open order for exactly these payables and amounts; otherwise what is in the way."""
    first = sorted(holders)[0]
    if len(holders) == 1:
        order, lines = the_order(connection, first), lines_of(connection, first)
        if (
            order.payer == payer
            and order.state == OrderState.OPEN
            and order.expires_at > now.timestamp()
            and {(line.payable_key, line.amount, line.institution, line.tier_code) for line in lines}
            == {(one.key, one.amount, one.institution_code, one.tier_code) for one in payables}
        ):
            return Opened(order_no=first)
    return Opened(held_by=first)


def line_values(no: str, line_no: int, payable: Payable, name: str) -> dict[str, object]:
    """The row of one line that holds its payable; `name` is the insured's, masked."""
    return {
        "order_no": no,
        "line_no": line_no,
        "holds": payable.key,
        "payable_key": payable.key,
        "person": payable.insured,
        "insurance": payable.insurance,
        "institution": payable.institution_code,
        "institution_name": payable.institution_name,
        "person_no": payable.person_no,
        "pay_kind": payable.pay_kind,
        "assess_no": payable.assess_no,
        "cover_year": payable.cover_year,
        "period_from": payable.period_from,
        "period_to": payable.period_to,
        "tier_code": payable.tier_code,
        "tier_name": payable.tier_name,
        "amount": payable.amount,
        "last_day": payable.last_day,
        "masked_name": name,
    }
