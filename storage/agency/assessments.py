"""`assessments.csv`: 核定, the amounts an agency fixed for single persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from dialogs.terms.identity import Document
from dialogs.terms.insurance import Insurance, PayKind, payable_key
from dialogs.terms.money import Fen
from storage.agency.cells import Cells
from storage.agency.desk import NUMBERED, Kind, Op, Outcome, Setting
from storage.agency.institutions import KnownInstitutions
from storage.agency.people import Name, People
from storage.agency.refusals import CHANGED_SINCE, RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.orders.columns import LINE, PAYMENT
from storage.tables import AssessmentRow, PersonRow

TEXTS = frozenset({"tier_name", "reason"})  # of a row; on everything else money may depend


@dataclass(frozen=True, slots=True)
class AssessmentLine:
    no: str
    insurance: Insurance
    institution: str
    person_no: str
    document: Document
    name: str
    pay_kind: PayKind
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: Fen
    valid_until: date
    reason: str
    source: str


def read_row(cells: Cells) -> AssessmentLine:
    period_from, period_to = cells.periods()
    return AssessmentLine(
        no=cells.matching("assess_no", "[0-9A-Za-z_-]{1,64}", "字母和数字"),
        insurance=cells.insurance(),
        institution=cells.text("inst_code", 40),
        person_no=cells.matching("person_no", "[0-9A-Za-z_-]{1,40}", "字母和数字"),
        document=cells.document(),
        name=cells.name(),
        pay_kind=cells.code("pay_kind", PayKind),
        cover_year=cells.year("cover_year"),
        period_from=period_from,
        period_to=period_to,
        tier_code=cells.text("tier_code", 20),
        tier_name=cells.text("tier_name", 40),
        amount=cells.amount("amount_due"),
        valid_until=cells.day("valid_until"),
        reason=cells.remark("reason"),
        source=cells.source(),
    )


class AssessmentDesk:
    """The person is made if no enrolment named him yet; a name that differs from the registered one is refused."""

    def __init__(self, setting: Setting) -> None:
        self._connection = setting.connection
        self._institutions = KnownInstitutions(setting.connection)
        self._people = People(setting)
        self._stored = Stored(setting.connection, table_of(AssessmentRow), setting.staging)
        self._keys: dict[str, str] = {}

    def prepare(self, rows: Sequence[AssessmentLine]) -> None:
        self._keys = {row.document.number: self._people.key_of(row.document) for row in rows}
        self._people.load(self._keys.values())
        self._stored.load((row.no,) for row in rows)

    def take(self, op: Op, row: AssessmentLine) -> Outcome:
        self._institutions.check(row.institution, row.insurance)
        key = self._keys[row.document.number]
        there = self._stored.get(row.no)
        if there and there["person"] != key:
            raise RowRefused("这个核定单号已登记给另一个证件号码")
        if op is not Op.DELETE:
            self._people.meet(key, row.document, row.name, f"{ASSESSMENTS.name}:{row.source}")
        return self._stored.apply(op, self._columns(row, key), row.source)

    def replace(self, op: Op, row: AssessmentLine) -> Outcome:
        """Put right what the same row, read wrongly, had registered; of what is paid or being paid only the texts."""
        self._institutions.check(row.institution, row.insurance)
        key = self._keys[row.document.number]
        there = self._stored.get(row.no)
        mine = there is not None and there["source"] == row.source
        if op is Op.DELETE and not mine:
            return Outcome.ALREADY
        if there is None or not mine or there["person"] != key:
            raise RowRefused(CHANGED_SINCE)
        wanted = self._columns(row, key)
        changed = {name for name, value in wanted.items() if there[name] != value}
        if (op is Op.DELETE or changed - TEXTS) and (self._is_in_use(there) or self._is_in_use(wanted)):
            raise RowRefused("已经缴过或者正在缴，只能更正文字")
        if op is Op.DELETE:
            return self._stored.apply(op, wanted)
        found = self._people.correct(key, row.document, row.name, f"{ASSESSMENTS.name}:{row.source}")
        outcome = self._stored.apply(Op.UPDATE, wanted, row.source)
        return Outcome.CHANGED if found is Name.RENAMED else outcome

    def _is_in_use(self, row: Mapping[str, Any]) -> bool:
        """Whether money was paid for this assessment, or an open order is about to."""
        insurance, kind = Insurance(row["insurance"]), PayKind(row["pay_kind"])
        key = payable_key(row["person"], insurance, row["cover_year"], kind, row["no"])
        paid, held = (
            select(PAYMENT.c.id).where(PAYMENT.c.settles == key),
            select(LINE.c.order_no).where(LINE.c.holds == key),
        )
        return any(self._connection.execute(query).first() is not None for query in (paid, held))

    def _columns(self, row: AssessmentLine, key: str) -> dict[str, Any]:
        return {
            "no": row.no,
            "person": key,
            "insurance": row.insurance.value,
            "institution": row.institution,
            "person_no": row.person_no,
            "pay_kind": row.pay_kind.value,
            "cover_year": row.cover_year,
            "period_from": row.period_from,
            "period_to": row.period_to,
            "tier_code": row.tier_code,
            "tier_name": row.tier_name,
            "amount": row.amount,
            "valid_until": row.valid_until,
            "reason": row.reason,
        }

    def flush(self) -> None:
        self._people.flush()
        self._stored.flush()


ASSESSMENTS = Kind(
    "assessments",
    (
        *NUMBERED,
        "assess_no",
        "insurance",
        "inst_code",
        "person_no",
        "id_type",
        "id_no",
        "name",
        "pay_kind",
        "cover_year",
        "period_from",
        "period_to",
        "tier_code",
        "tier_name",
        "amount_due",
        "valid_until",
        "reason",
    ),
    "amount_due",
    read_row,
    AssessmentDesk,
    (PersonRow, AssessmentRow),
    staged=True,
)
