"""What happened to an order, one row each, in the transaction that changes it: for an operator, and for limits."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, func, insert, select

from storage.database import table_of
from storage.tables import PayEventRow

PAY_EVENT = table_of(PayEventRow)
_SINCE = (
    select(func.count())
    .select_from(PAY_EVENT)
    .where(PAY_EVENT.c.order_no == bindparam("which"))
    .where(PAY_EVENT.c.what == bindparam("kind"), PAY_EVENT.c.at > bindparam("since"))
)


def note_event(
    connection: Connection, order_no: str, what: str, now: int, out_trade_no: str = "", **facts: str | int
) -> None:
    """Keep it. `what` is one of the words `bot/story` tells; facts hold no names and no ID numbers; empty ones go."""
    said = {name: value for name, value in facts.items() if value not in ("", 0)}
    row: dict[str, str | int] = {"order_no": order_no, "out_trade_no": out_trade_no, "at": now, "what": what}
    row["facts"] = json.dumps(said, ensure_ascii=False) if said else ""
    connection.execute(insert(PAY_EVENT), row)


def events_since(connection: Connection, order_no: str, what: str, since: int) -> int:
    """How often this happened to the order after the moment `since`, in unix seconds."""
    bound = {"which": order_no, "kind": what, "since": since}
    return int(connection.execute(_SINCE, bound).scalar_one())
