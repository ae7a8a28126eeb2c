"""`acks.csv`: what the agencies say of the rows of our payments files: booked (已入库), or refused and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from storage.agency.cells import BEIJING, Cells
from storage.agency.desk import Kind, Op, Outcome, Setting
from storage.agency.refusals import RowRefused
from storage.orders.columns import DISCREPANCY, EXPORT, PAYMENT
from storage.tables import ExportLineRow


class Result(StrEnum):
    BOOKED = "BOOKED"  # 已入库
    REFUSED = "REFUSED"


# Agencies' systems differ in the word; what it means is one of two.
WORDS = {
    Result.BOOKED: ("BOOKED", "OK", "SUCCESS", "ACCEPTED", "已入库"),
    Result.REFUSED: ("REFUSED", "REJECTED", "FAILED", "FAIL", "拒收"),
}
REFUSED_BY_AGENCY = "agency_refused"  # the kind of discrepancy


@dataclass(frozen=True, slots=True)
class Ack:
    file_no: str
    row_no: int
    result: Result
    reason_code: str
    booked_at: int | None


def read_row(cells: Cells) -> Ack:
    word = cells.text("result", 20).upper()
    result = next((one for one, words in WORDS.items() if word in words), None)
    if result is None:
        raise RowRefused("result 只能是 BOOKED（已入库）或 REFUSED（拒收）")
    return Ack(
        file_no=cells.matching("file_no", "[0-9A-Za-z_-]{1,40}", "字母和数字"),
        row_no=cells.count("row_no"),
        result=result,
        reason_code=cells.text("reason_code", 60) if result is Result.REFUSED else cells.optional("reason_code", 60),
        booked_at=cells.moment("agency_book_time") if result is Result.BOOKED else None,
    )


class AckDesk:
    """Each row of a payments file gets one answer. A refused one may be booked later; a booked one stays booked."""

    def __init__(self, setting: Setting) -> None:
        self._connection = setting.connection
        self._found_at = int(datetime.combine(setting.today, time(), BEIJING).timestamp())
        self._lines: dict[tuple[str, int], dict[str, Any]] = {}
        self._changed: dict[tuple[str, int], dict[str, Any]] = {}

    def prepare(self, rows: Sequence[Ack]) -> None:
        self._lines, self._changed = {}, {}
        of_file: dict[str, set[int]] = {}
        for row in rows:
            of_file.setdefault(row.file_no, set()).add(row.row_no)
        for file_no, numbers in of_file.items():
            where = (EXPORT.c.file_no == file_no) & EXPORT.c.row_no.in_(sorted(numbers))
            for line in self._connection.execute(select(EXPORT).where(where)).mappings():
                self._lines[line["file_no"], line["row_no"]] = dict(line)

    def take(self, op: Op, row: Ack) -> Outcome:
        line = self._lines.get((row.file_no, row.row_no))
        if line is None:
            raise RowRefused(f"没有导出过 {row.file_no} 的第 {row.row_no} 行")
        before = line["result"]
        if before == Result.BOOKED and row.result is Result.REFUSED:
            raise RowRefused("这一行回执过已入库，不能改成拒收")
        answer = {"result": row.result.value, "reason_code": row.reason_code, "agency_booked_at": row.booked_at}
        if all(line[name] == value for name, value in answer.items()):
            return Outcome.ALREADY
        line |= answer
        self._changed[row.file_no, row.row_no] = line
        return Outcome.CHANGED if before else Outcome.ADDED

    def flush(self) -> None:
        if not self._changed:
            return
        answers = [
            {"this": line["id"]} | {f"new_{name}": line[name] for name in ("result", "reason_code", "agency_booked_at")}
            for line in self._changed.values()
        ]
        columns: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in ("result", "reason_code", "agency_booked_at")
        }
        self._connection.execute(update(EXPORT).where(EXPORT.c.id == bindparam("this")).values(columns), answers)
        booked = [line for line in self._changed.values() if line["result"] == Result.BOOKED]
        if paid := [{"this": line["payment_id"]} for line in booked if line["status"] == "PAID"]:
            # one that is on its way back stays so: the agency hears of it in a row of its own
            still = (PAYMENT.c.id == bindparam("this")) & (PAYMENT.c.status == "paid")
            self._connection.execute(update(PAYMENT).where(still).values(status="booked"), paid)
        self._tell([line for line in self._changed.values() if line["result"] == Result.REFUSED])
        self._settle(booked)

    def _tell(self, refused: list[dict[str, Any]]) -> None:
        """What an agency will not take is for a person."""
        reasons = {_reason(line): line for line in refused}
        told = self._connection.scalars(select(DISCREPANCY.c.reason).where(DISCREPANCY.c.reason.in_(list(reasons))))
        for reason in told.all():
            del reasons[reason]
        rows = []
        for reason, line in reasons.items():
            facts = {name: line[name] for name in ("file_no", "row_no", "status", "reason_code", "payment_id")}
            key = line["reason"].rpartition(":")[0]  # the transaction, or the number of the refund
            rows.append(
                {
                    "reason": reason,
                    "kind": REFUSED_BY_AGENCY,
                    "out_trade_no": "",
                    "key": key,
                    "facts": json.dumps(facts, ensure_ascii=False),
                    "found_at": self._found_at,
                }
            )
        if rows:
            self._connection.execute(insert(DISCREPANCY), rows)

    def _settle(self, booked: list[dict[str, Any]]) -> None:
        """What was refused before and is booked now needs nobody any more."""
        mine = DISCREPANCY.c.reason.in_([_reason(line) for line in booked]) & (DISCREPANCY.c.state != "closed")
        closed = {"state": "closed", "closed_at": self._found_at, "closed_why": "经办机构后来入库了"}
        if booked:
            self._connection.execute(update(DISCREPANCY).where(mine).values(closed))


def _reason(line: dict[str, Any]) -> str:
    return f"ack:{line['file_no']}:{line['row_no']}"


ACKS = Kind(
    "acks",
    ("file_no", "row_no", "result", "reason_code", "agency_book_time"),
    None,
    read_row,
    AckDesk,
    (ExportLineRow,),
)
