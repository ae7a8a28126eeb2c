"""What happened to an order, one row each, in the transaction that changes it: told to an operator, decides nothing."""

from __future__ import annotations

import json

from sqlalchemy import Connection, insert

from storage.database import table_of
from storage.tables import PayEventRow

PAY_EVENT = table_of(PayEventRow)


def note_event(
    connection: Connection, order_no: str, what: str, now: int, out_trade_no: str = "", **facts: str | int
) -> None:
    """Keep it. `what` is one of the words `bot/story` tells; facts hold no names and no ID numbers; empty ones go."""
    said = {name: value for name, value in facts.items() if value not in ("", 0)}
    row: dict[str, str | int] = {"order_no": order_no, "out_trade_no": out_trade_no, "at": now, "what": what}
    row["facts"] = json.dumps(said, ensure_ascii=False) if said else ""
    connection.execute(insert(PAY_EVENT), row)
