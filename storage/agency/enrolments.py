"""`enrolments.csv`: 参保信息, and the persons themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dialogs.terms.identity import Document
from dialogs.terms.insurance import Insurance, Status
from storage.agency.cells import Cells
from storage.agency.desk import NUMBERED, Kind, Op, Outcome, Setting
from storage.agency.institutions import KnownInstitutions
from storage.agency.people import People
from storage.agency.refusals import RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import EnrolmentRow, PersonRow


@dataclass(frozen=True, slots=True)
class EnrolmentLine:
    insurance: Insurance
    institution: str
    person_no: str
    document: Document
    name: str
    group: str
    status: Status
    valid_from: date
    valid_to: date | None


def read_row(cells: Cells) -> EnrolmentLine:
    row = EnrolmentLine(
        insurance=cells.insurance(),
        institution=cells.text("inst_code", 40),
        person_no=cells.matching("person_no", "[0-9A-Za-z_-]{1,40}", "字母和数字"),
        document=cells.document(),
        name=cells.name(),
        group=cells.matching("identity_code", "[0-9A-Za-z]{1,10}", "缴费身份代码"),
        status=cells.code("status", Status),
        valid_from=cells.day("valid_from"),
        valid_to=cells.optional_day("valid_to"),
    )
    if row.valid_to and row.valid_to < row.valid_from:
        raise RowRefused("参保起止日期颠倒了")
    return row


class EnrolmentDesk:
    """A names a person as registered or is refused; U is a correction, so its name and its number win."""

    def __init__(self, setting: Setting) -> None:
        self._institutions = KnownInstitutions(setting.connection)
        self._people = People(setting)
        self._stored = Stored(setting.connection, table_of(EnrolmentRow))
        self._keys: dict[str, str] = {}

    def prepare(self, rows: Sequence[EnrolmentLine]) -> None:
        self._keys = {row.document.number: self._people.key_of(row.document) for row in rows}
        self._people.load(self._keys.values())
        self._stored.load((row.institution, row.person_no) for row in rows)

    def take(self, op: Op, row: EnrolmentLine) -> Outcome:
        self._institutions.check(row.institution, row.insurance)
        key = self._keys[row.document.number]
        there = self._stored.get(row.institution, row.person_no)
        if there and there["person"] != key and op is not Op.UPDATE:
            raise RowRefused("这个个人编号已登记给另一个证件号码")
        wanted = {
            "institution": row.institution,
            "person_no": row.person_no,
            "person": key,
            "insurance": row.insurance.value,
            "identity_group": row.group,
            "status": row.status.value,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        }
        if op is Op.DELETE:
            return self._stored.apply(op, wanted)
        if op is Op.ADD and there and there != wanted:
            raise RowRefused("参保信息已登记，内容不同；要改请用 U")
        renamed = self._people.meet(key, row.document, row.name, may_rename=op is Op.UPDATE)
        outcome = self._stored.apply(op, wanted)
        return Outcome.CHANGED if renamed and outcome is Outcome.ALREADY else outcome

    def flush(self) -> None:
        self._people.flush()
        self._stored.flush()


ENROLMENTS = Kind(
    "enrolments",
    (
        *NUMBERED,
        "insurance",
        "inst_code",
        "person_no",
        "id_type",
        "id_no",
        "name",
        "identity_code",
        "status",
        "valid_from",
        "valid_to",
    ),
    None,
    read_row,
    EnrolmentDesk,
    (PersonRow, EnrolmentRow),
)
