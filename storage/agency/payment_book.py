"""The payments around a chunk of imported ones: which of them settles each payable, and what is paid twice."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storage.database import table_of
from storage.tables import AssessmentRow, DiscrepancyRow, PaymentRow

Payment = dict[str, Any]
_PAYMENT, _ASSESSMENT, _DISCREPANCY = table_of(PaymentRow), table_of(AssessmentRow), table_of(DiscrepancyRow)
# A receipt may cover several payables, so these together name one payment of another channel.
_IDENTITY = ("channel", "receipt_no", "person", "insurance", "pay_kind", "period_from", "period_to")
_COLUMNS = tuple(column.name for column in _PAYMENT.c if column.name != "id")


class PaymentBook:
    """Payments in memory as they will stand; `load` a chunk, change it, `flush` it."""

    def __init__(self, connection: Connection, found_at: int) -> None:
        self._connection = connection
        self._found_at = found_at
        self._before: dict[int, Payment] = {}
        self._rows: list[Payment] = []
        self._by_identity: dict[tuple[Any, ...], Payment] = {}
        self._by_source: dict[str, Payment] = {}
        self._by_payable: dict[str, list[Payment]] = {}
        self._assessments: list[Any] = []
        self._discrepancies: list[dict[str, Any]] = []

    def load(self, receipts: Collection[str], payables: Collection[str], assessed: Collection[str]) -> None:
        """Forget the chunk before. Loaded are the payments with these receipts or payables, the assessments of the
        `assessed` persons, and every payment beside those on one payable."""
        self._assessments = []
        wanted = set(payables)
        if assessed:
            chosen = _ASSESSMENT.c.person.in_(list(assessed))
            self._assessments = list(self._connection.execute(select(_ASSESSMENT).where(chosen)))
            wanted |= {f"assessed:{row.no}" for row in self._assessments}
        wanted |= set(
            self._connection.scalars(
                select(_PAYMENT.c.payable_key).where(_PAYMENT.c.receipt_no.in_(list(receipts))).distinct()
            )
        )
        chosen = _PAYMENT.c.payable_key.in_(list(wanted))
        found = [dict(row) for row in self._connection.execute(select(_PAYMENT).where(chosen)).mappings()]
        self._before = {row["id"]: dict(row) for row in found}
        self._rows, self._by_identity, self._by_source, self._by_payable, self._discrepancies = [], {}, {}, {}, []
        for row in sorted(found, key=lambda row: int(row["id"])):
            self._keep(row)

    def find(self, wanted: Payment) -> Payment | None:
        """The same payment as an earlier file gave it."""
        return self._by_identity.get(_identity(wanted))

    def written_by(self, source: str) -> Payment | None:
        """The payment that this row of a file, `batch:row`, wrote last."""
        return self._by_source.get(source)

    def assessment_for(self, wanted: Payment) -> str:
        """The assessment this back payment was for, if exactly one fits that nothing has settled; else ''."""
        same = ("person", "insurance", "pay_kind", "cover_year", "period_from", "period_to", "amount")
        fitting = [
            row.no
            for row in self._assessments
            if all(getattr(row, name) == wanted[name] for name in same) and not self._settled(f"assessed:{row.no}")
        ]
        return fitting[0] if len(fitting) == 1 else ""

    def add(self, payment: Payment, origin: str) -> None:
        row: Payment = {"id": None, "settles": None, "order_no": None, "line_no": None, "source": origin} | payment
        self._keep(row)
        self._settle(row["payable_key"])
        self._tell_if_double(row, origin)

    def change(self, there: Payment, wanted: Payment, origin: str) -> None:
        there.update(wanted, source=origin)
        self._settle(there["payable_key"])
        self._tell_if_double(there, origin)

    def correct(self, there: Payment, wanted: Payment) -> None:
        """Put the texts of a payment right: what it settles stays as it is."""
        self._by_identity.pop(_identity(there), None)
        there.update(wanted)
        self._by_identity[_identity(there)] = there

    def drop(self, there: Payment) -> None:
        self._rows.remove(there)
        self._by_payable[there["payable_key"]].remove(there)
        del self._by_identity[_identity(there)]
        self._settle(there["payable_key"])

    def flush(self) -> None:
        """Write what changed; keys are given up before they are taken, for the unique index."""
        kept = {row["id"]: row for row in self._rows if row["id"] is not None}
        gone = [{"this": number} for number in self._before if number not in kept]
        changed = [row for number, row in kept.items() if row != self._before[number]]
        added = [{name: row[name] for name in _COLUMNS} for row in self._rows if row["id"] is None]
        this_one = _PAYMENT.c.id == bindparam("this")
        if gone:
            self._connection.execute(delete(_PAYMENT).where(this_one), gone)
        if freed := [{"this": row["id"]} for row in changed if row["settles"] is None]:
            self._connection.execute(update(_PAYMENT).where(this_one).values(settles=None), freed)
        if changed:
            statement = update(_PAYMENT).where(this_one).values({name: bindparam(f"new_{name}") for name in _COLUMNS})
            values = [{"this": row["id"]} | {f"new_{name}": row[name] for name in _COLUMNS} for row in changed]
            self._connection.execute(statement, values)
        if added:
            self._connection.execute(insert(_PAYMENT), added)
        self._tell()

    def _keep(self, row: Payment) -> None:
        self._rows.append(row)
        self._by_payable.setdefault(row["payable_key"], []).append(row)
        if row["order_no"] is None:
            self._by_identity[_identity(row)] = row
            self._by_source[str(row["source"])] = row

    def _settled(self, key: str) -> Payment | None:
        return next((row for row in self._by_payable.get(key, ()) if row["settles"]), None)

    def _settle(self, key: str) -> None:
        """A refunded payment settles nothing; the earliest other one does, unless one does already."""
        for row in self._by_payable[key]:
            if row["status"] == "refunded":
                row["settles"] = None
        if self._settled(key) is None:
            valid = (row for row in self._by_payable[key] if row["status"] != "refunded")
            if first := next(valid, None):
                first["settles"] = key

    def _tell_if_double(self, row: Payment, origin: str) -> None:
        settled = self._settled(row["payable_key"])
        if row["status"] == "refunded" or settled is None or settled is row:
            return
        facts = {name: row[name] for name in ("payable_key", "channel", "receipt_no", "amount", "paid_at")}
        facts["settled_by"] = {name: settled[name] for name in ("channel", "receipt_no", "amount", "paid_at")}
        self._discrepancies.append(
            {
                "reason": f"import:{origin}",
                "kind": "duplicate",
                "out_trade_no": "",
                "facts": json.dumps(facts, ensure_ascii=False),
                "found_at": self._found_at,
                "state": "open",
            }
        )

    def _tell(self) -> None:
        if not self._discrepancies:
            return
        reasons = [row["reason"] for row in self._discrepancies]
        told = set(self._connection.scalars(select(_DISCREPANCY.c.reason).where(_DISCREPANCY.c.reason.in_(reasons))))
        if new := [row for row in self._discrepancies if row["reason"] not in told]:
            self._connection.execute(insert(_DISCREPANCY), new)


def _identity(row: Payment) -> tuple[Any, ...]:
    return tuple(row[name] for name in _IDENTITY)
