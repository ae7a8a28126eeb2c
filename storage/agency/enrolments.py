"""`enrolments.csv`: 参保信息, and the persons themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update

from dialogs.terms.identity import Document
from dialogs.terms.insurance import Insurance, Status
from dialogs.terms.spelling import is_spelling_of_one_name
from storage.agency.cells import Cells
from storage.agency.desk import NUMBERED, Kind, Op, Outcome, Setting
from storage.agency.institutions import KnownInstitutions
from storage.agency.people import Name, People
from storage.agency.refusals import CHANGED_SINCE, RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import EnrolmentRow, PersonRow

PERSON, ENROLMENT = table_of(PersonRow), table_of(EnrolmentRow)


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
    source: str


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
        source=cells.source(),
    )
    if row.valid_to and row.valid_to < row.valid_from:
        raise RowRefused("参保起止日期颠倒了")
    return row


class EnrolmentDesk:
    """A names a person as registered or is refused; U is a correction, so its name and its number win.

    Agencies may spell one name in different ways (`dialogs.terms.spelling`): each enrolment keeps its own spelling.
    """

    def __init__(self, setting: Setting) -> None:
        self._connection = setting.connection
        self._seal = setting.seal
        self._institutions = KnownInstitutions(setting.connection)
        self._people = People(setting)
        self._stored = Stored(setting.connection, table_of(EnrolmentRow), setting.staging)
        self._keys: dict[str, str] = {}
        self._renamed: set[str] = set()  # persons whose other spellings have to be looked at

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
        columns = self._columns(row, key)
        if op is Op.DELETE:
            return self._stored.apply(op, columns)
        if op is Op.ADD and there and any(there[name] != value for name, value in columns.items()):
            raise RowRefused("参保信息已登记，内容不同；要改请用 U")
        source = f"{ENROLMENTS.name}:{row.source}"
        found = self._people.meet(key, row.document, row.name, source, may_rename=op is Op.UPDATE)
        if op is Op.ADD and there:
            return Outcome.ALREADY
        return self._keep(op, columns, row, found)

    def replace(self, op: Op, row: EnrolmentLine) -> Outcome:
        """Put right what the same row, read wrongly, had registered; raises RowRefused where a later row changed it."""
        self._institutions.check(row.institution, row.insurance)
        key = self._keys[row.document.number]
        there = self._stored.get(row.institution, row.person_no)
        if op is Op.DELETE:
            mine = there is not None and there["source"] == row.source
            return self._stored.apply(op, self._columns(row, key)) if mine else Outcome.ALREADY
        if there is None or there["person"] != key or there["source"] != row.source:
            raise RowRefused(CHANGED_SINCE)
        found = self._people.correct(key, row.document, row.name, f"{ENROLMENTS.name}:{row.source}")
        return self._keep(Op.UPDATE, self._columns(row, key), row, found)

    def _keep(self, op: Op, columns: dict[str, Any], row: EnrolmentLine, found: Name) -> Outcome:
        """Write the enrolment with its spelling of the name."""
        if found is Name.RENAMED:
            self._renamed.add(columns["person"])
        spelling = row.name if found is Name.SPELT_OTHERWISE else None
        there = self._stored.get(row.institution, row.person_no)
        kept = there["name"] if there else None
        same = kept is None if spelling is None else kept is not None and self._seal.open(kept) == spelling
        columns["name"] = kept if same else None if spelling is None else self._seal.seal(spelling)
        outcome = self._stored.apply(op, columns, row.source)
        return Outcome.CHANGED if found is Name.RENAMED and outcome is Outcome.ALREADY else outcome

    def _columns(self, row: EnrolmentLine, key: str) -> dict[str, Any]:
        return {
            "institution": row.institution,
            "person_no": row.person_no,
            "person": key,
            "insurance": row.insurance.value,
            "identity_group": row.group,
            "status": row.status.value,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        }

    def flush(self) -> None:
        self._people.flush()
        self._stored.flush()

    def finish(self) -> None:
        for key in self._renamed:
            self._drop_old_spellings(key)

    def _drop_old_spellings(self, key: str) -> None:
        """A person has got another name: spellings of the old one are spellings of nothing."""
        name = self._seal.open(self._connection.execute(select(PERSON.c.name).where(PERSON.c.key == key)).scalar_one())
        of_person = (ENROLMENT.c.person == key) & ENROLMENT.c.name.is_not(None)
        for other in self._connection.execute(select(ENROLMENT).where(of_person)).all():
            if not is_spelling_of_one_name(self._seal.open(other.name), name):
                this_one = (ENROLMENT.c.institution == other.institution) & (ENROLMENT.c.person_no == other.person_no)
                self._connection.execute(update(ENROLMENT).where(this_one).values(name=None))


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
    staged=True,
)
