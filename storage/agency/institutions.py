"""`institutions.csv`: 参保机构, added or replaced by their code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from dialogs.terms.insurance import Insurance
from storage.agency.cells import Cells
from storage.agency.desk import Kind, Op, Outcome, Setting
from storage.agency.refusals import RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import InstitutionRow


@dataclass(frozen=True, slots=True)
class InstitutionLine:
    code: str
    name: str
    insurance: Insurance
    division: str
    division_name: str
    tax_org: str
    phone: str


def read_row(cells: Cells) -> InstitutionLine:
    return InstitutionLine(
        code=cells.matching("inst_code", "[0-9A-Za-z_-]{1,40}", "字母和数字"),
        name=cells.text("inst_name", 100),
        insurance=cells.insurance(),
        division=cells.matching("division_code", "[1-9][0-9]{5}", "六位区划代码"),
        division_name=cells.text("division_name", 100),
        tax_org=cells.text("tax_org_name", 100),
        phone=cells.text("phone", 40),
    )


class InstitutionDesk:
    def __init__(self, setting: Setting) -> None:
        self._stored = Stored(setting.connection, table_of(InstitutionRow))
        self._seen: set[str] = set()

    def prepare(self, rows: Sequence[InstitutionLine]) -> None:
        self._stored.load((row.code,) for row in rows)

    def take(self, op: Op, row: InstitutionLine) -> Outcome:
        if row.code in self._seen:
            raise RowRefused("参保机构在文件里出现两次")
        there = self._stored.get(row.code)
        if there and there["insurance"] != row.insurance:
            raise RowRefused("参保机构的险种不能改")
        self._seen.add(row.code)
        return self._stored.apply(
            op,
            {
                "code": row.code,
                "name": row.name,
                "insurance": row.insurance.value,
                "division": row.division,
                "division_name": row.division_name,
                "tax_org": row.tax_org,
                "phone": row.phone,
            },
        )

    def flush(self) -> None:
        self._stored.flush()


class KnownInstitutions:
    """Which institutions there are, and their insurance: a province has some hundreds."""

    def __init__(self, connection: Connection) -> None:
        table = table_of(InstitutionRow)
        rows: Sequence[Any] = connection.execute(select(table.c.code, table.c.insurance)).all()
        self._insurance: Mapping[str, str] = {row.code: row.insurance for row in rows}

    def check(self, code: str, insurance: Insurance) -> None:
        """Raises RowRefused for an institution that is not there or not of this insurance."""
        if code not in self._insurance:
            raise RowRefused("没有这个参保机构")
        if self._insurance[code] != insurance:
            raise RowRefused("险种与参保机构不一致")


INSTITUTIONS = Kind(
    "institutions",
    ("inst_code", "inst_name", "insurance", "division_code", "division_name", "tax_org_name", "phone"),
    None,
    read_row,
    InstitutionDesk,
    (InstitutionRow,),
)
