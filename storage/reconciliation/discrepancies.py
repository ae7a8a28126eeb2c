"""The life of a discrepancy, whoever found it: open, explained by a person, closed by a person. Nothing goes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select, update

from storage.orders.columns import DISCREPANCY
from storage.reconciliation.columns import BILL_LINE, CLOSED, EXPLAINED, OF_BILLS, OF_REFUNDS, OF_SETTLING, OPEN

AT_ONCE = 1_000
STATES = (OPEN, EXPLAINED, CLOSED)
MOST_WORDS = 500


class NoSuchDiscrepancy(Exception):
    """There is none of this number."""


class WrongState(Exception):
    """It is past that: explained or closed already. `state` is what it is."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def explain(connection: Connection, number: int, by: str, why: str, now: int) -> None:
    """A person says what it is; it stays to be closed. Raises NoSuchDiscrepancy, WrongState."""
    words = {"state": EXPLAINED, "explained_at": now, "explained_by": by, "explained_why": why[:MOST_WORDS]}
    _move(connection, number, (OPEN,), words)


def close(connection: Connection, number: int, by: str, why: str, now: int) -> None:
    """A person has put it right; what waited for that goes on. Raises NoSuchDiscrepancy, WrongState."""
    words = {"state": CLOSED, "closed_at": now, "closed_by": by, "closed_why": why[:MOST_WORDS]}
    _move(connection, number, (OPEN, EXPLAINED), words)


def are_closed(connection: Connection, out_trade_no: str) -> bool:
    """Whether persons have closed everything that `settle` noted about this number, and there is something."""
    mine = (DISCREPANCY.c.out_trade_no == out_trade_no) & DISCREPANCY.c.kind.in_(OF_SETTLING)
    states = connection.execute(select(DISCREPANCY.c.state).where(mine)).scalars().all()
    return bool(states) and all(state == CLOSED for state in states)


def count_open(connection: Connection, day: date | None = None) -> int:
    """How many are open, of all or of one day."""
    query = select(func.count()).select_from(DISCREPANCY).where(DISCREPANCY.c.state == OPEN)
    return int(connection.execute(query if day is None else query.where(_of(day))).scalar_one())


def listed(connection: Connection, *, day: date | None = None, states: tuple[str, ...] = STATES) -> Iterator[Row[Any]]:
    """Discrepancies in the order of finding, a part at a time; those of a day as `count_open` counts them."""
    where: list[ColumnElement[bool]] = [DISCREPANCY.c.state.in_(states)]
    if day is not None:
        where.append(_of(day))
    query: Select[Any] = select(DISCREPANCY).where(and_(*where)).order_by(DISCREPANCY.c.id)
    yield from connection.execute(query, execution_options={"yield_per": AT_ONCE})


def _of(day: date) -> ColumnElement[bool]:
    """Found in the day's bill, or noted by `settle` about a transaction or a refund that stands in it."""
    stands = exists().where(BILL_LINE.c.reason == DISCREPANCY.c.key, BILL_LINE.c.day == day)
    noted = and_(DISCREPANCY.c.day.is_(None), DISCREPANCY.c.kind.in_((*OF_SETTLING, OF_REFUNDS)), stands)
    return or_(and_(DISCREPANCY.c.day == day, DISCREPANCY.c.kind.in_(OF_BILLS)), noted)


def _move(connection: Connection, number: int, before: tuple[str, ...], values: dict[str, object]) -> None:
    where = (DISCREPANCY.c.id == number) & DISCREPANCY.c.state.in_(before)
    if connection.execute(update(DISCREPANCY).where(where).values(values)).rowcount:
        return
    state = connection.execute(select(DISCREPANCY.c.state).where(DISCREPANCY.c.id == number)).scalar()
    if state is None:
        raise NoSuchDiscrepancy(number)
    raise WrongState(state)
