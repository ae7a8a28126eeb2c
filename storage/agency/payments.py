"""`payments.csv`: money other channels (windows, banks, villages) received; it settles what it was paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any

from dialogs.terms.identity import Document
from dialogs.terms.insurance import REPLACES_TARIFF, Insurance, PayKind, payable_key
from dialogs.terms.money import Fen
from storage.agency.cells import BEIJING, Cells
from storage.agency.desk import NUMBERED, Kind, Op, Outcome, Setting
from storage.agency.institutions import KnownInstitutions
from storage.agency.payment_book import PaymentBook
from storage.agency.people import Name, People
from storage.agency.refusals import CHANGED_SINCE, RowRefused
from storage.tables import PaymentRow, PersonRow

TEXTS = frozenset({"channel", "tier_code", "tier_name"})  # of a payment; everything else says whose money it is
OURS = "wechat"  # the channel of payments taken by this bot; no file may write or change those


class PaymentStatus(StrEnum):
    PAID = "paid"
    BOOKED = "booked"  # 已入库
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class PaymentLine:
    source: str  # batch:row
    insurance: Insurance
    institution: str
    person_no: str
    document: Document
    name: str
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    pay_kind: PayKind
    amount: Fen
    paid_at: int
    channel: str
    receipt_no: str
    status: PaymentStatus


def read_row(cells: Cells) -> PaymentLine:
    period_from, period_to = cells.periods()
    row = PaymentLine(
        source=cells.source(),
        insurance=cells.insurance(),
        institution=cells.text("inst_code", 40),
        person_no=cells.matching("person_no", "[0-9A-Za-z_-]{1,40}", "字母和数字"),
        document=cells.document(),
        name=cells.name(),
        cover_year=cells.year("cover_year"),
        period_from=period_from,
        period_to=period_to,
        tier_code=cells.text("tier_code", 20),
        tier_name=cells.text("tier_name", 40),
        pay_kind=cells.code("pay_kind", PayKind),
        amount=cells.amount("amount_paid"),
        paid_at=cells.moment("paid_at"),
        channel=cells.text("channel", 40),
        receipt_no=cells.text("receipt_no", 64),
        status=cells.code("status", PaymentStatus),
    )
    if row.amount == 0:
        raise RowRefused("缴费金额是 0")
    if row.channel.lower() == OURS:
        raise RowRefused(f"渠道 {OURS} 只由本系统使用")
    return row


class PaymentDesk:
    """A second payment for what is settled already is kept beside the first and listed for a person to look at."""

    def __init__(self, setting: Setting) -> None:
        self._institutions = KnownInstitutions(setting.connection)
        self._people = People(setting)
        found_at = int(datetime.combine(setting.today, time(), BEIJING).timestamp())
        self._book = PaymentBook(setting.connection, found_at)
        self._keys: dict[str, str] = {}

    def prepare(self, rows: Sequence[PaymentLine]) -> None:
        self._keys = {row.document.number: self._people.key_of(row.document) for row in rows}
        self._people.load(self._keys.values())
        back = [row for row in rows if row.pay_kind not in REPLACES_TARIFF]
        self._book.load(
            receipts={row.receipt_no for row in rows},
            payables={self._declared_key(row) for row in rows if row.pay_kind in REPLACES_TARIFF},
            assessed={self._keys[row.document.number] for row in back},
        )

    def take(self, op: Op, row: PaymentLine) -> Outcome:
        self._institutions.check(row.institution, row.insurance)
        person = self._keys[row.document.number]
        wanted = self._columns(row, person)
        there = self._book.find(wanted)
        if op is Op.DELETE:
            if there is None:
                return Outcome.ALREADY
            self._book.drop(there)
            return Outcome.DELETED
        self._people.meet(person, row.document, row.name, f"{PAYMENTS.name}:{row.source}")
        if there is not None:
            if all(there[name] == value for name, value in wanted.items()):
                return Outcome.ALREADY
            if op is Op.ADD:
                raise RowRefused("这笔缴费已登记，内容不同；要改请用 U")
            self._book.change(there, wanted, row.source)
            return Outcome.CHANGED
        if row.pay_kind in REPLACES_TARIFF:
            key, assess_no = self._declared_key(row), ""
        else:
            assess_no = self._book.assessment_for(wanted)
            key = payable_key(person, row.insurance, row.cover_year, row.pay_kind, assess_no or f"import:{row.source}")
        self._book.add(wanted | {"payable_key": key, "assess_no": assess_no}, row.source)
        return Outcome.ADDED

    def replace(self, op: Op, row: PaymentLine) -> Outcome:
        """Put the texts of a payment right that the same row, read wrongly, had registered; money stays as it is."""
        self._institutions.check(row.institution, row.insurance)
        person = self._keys[row.document.number]
        there = self._book.written_by(row.source)
        if op is Op.DELETE and there is None:
            return Outcome.ALREADY
        wanted = self._columns(row, person)
        if there is None:
            raise RowRefused(CHANGED_SINCE)
        changed = {name for name, value in wanted.items() if there[name] != value}
        if op is Op.DELETE or changed - TEXTS:
            raise RowRefused("已经入账的缴费，只能更正文字，不能改人、金额和日期")
        found = self._people.correct(person, row.document, row.name, f"{PAYMENTS.name}:{row.source}")
        self._book.correct(there, wanted)
        return Outcome.CHANGED if changed or found is Name.RENAMED else Outcome.ALREADY

    def _columns(self, row: PaymentLine, person: str) -> dict[str, Any]:
        return {
            "person": person,
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
            "paid_at": row.paid_at,
            "channel": row.channel,
            "receipt_no": row.receipt_no,
            "status": row.status.value,
        }

    def flush(self) -> None:
        self._people.flush()
        self._book.flush()

    def _declared_key(self, row: PaymentLine) -> str:
        return payable_key(self._keys[row.document.number], row.insurance, row.cover_year, row.pay_kind, "")


PAYMENTS = Kind(
    "payments",
    (
        *NUMBERED,
        "insurance",
        "inst_code",
        "person_no",
        "id_type",
        "id_no",
        "name",
        "cover_year",
        "period_from",
        "period_to",
        "tier_code",
        "tier_name",
        "pay_kind",
        "amount_paid",
        "paid_at",
        "channel",
        "receipt_no",
        "status",
    ),
    "amount_paid",
    read_row,
    PaymentDesk,
    (PersonRow, PaymentRow),
)
