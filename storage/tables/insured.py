"""Who is insured, and what may be owed: loaded from the agencies' files."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import fen, fen_or_none


class InstitutionRow(SQLModel, table=True):
    """参保机构."""

    __tablename__ = "institution"

    code: str = Field(primary_key=True)
    name: str
    insurance: str
    division: str
    division_name: str
    tax_org: str
    phone: str


class PersonRow(SQLModel, table=True):
    """One insured; number and name are sealed, `key` is the number's look-up hash."""

    __tablename__ = "person"

    key: str = Field(primary_key=True)
    id_type: str
    number: str  # sealed
    name: str  # sealed
    source: str | None = (
        None  # kind:batch:row of the file that named the person last; NULL: a file without rows' numbers
    )


class EnrolmentRow(SQLModel, table=True):
    """参保信息."""

    __tablename__ = "enrolment"

    institution: str = Field(primary_key=True, foreign_key="institution.code")
    person_no: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.key", index=True)
    insurance: str
    identity_group: str
    status: str
    valid_from: date
    valid_to: date | None = None
    name: str | None = None  # sealed: as this agency spells it; NULL: as the person's own name
    source: str | None = None  # batch:row that wrote it last


class TariffTableRow(SQLModel, table=True):
    """缴费标准."""

    __tablename__ = "tariff"

    insurance: str = Field(primary_key=True)
    cover_year: int = Field(primary_key=True)
    division: str = Field(primary_key=True)
    identity_group: str = Field(primary_key=True)
    tier_code: str = Field(primary_key=True)
    tier_name: str
    amount: int = Field(sa_column=fen())
    window_from: date
    window_to: date
    period_from: str
    period_to: str
    source: str
    subsidy: int | None = Field(default=None, sa_column=fen_or_none())  # 缴费补贴; None: the file does not say


class AssessmentRow(SQLModel, table=True):
    """核定."""

    __tablename__ = "assessment"

    no: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.key", index=True)
    insurance: str
    institution: str = Field(foreign_key="institution.code")
    person_no: str
    pay_kind: str
    cover_year: int
    period_from: str
    period_to: str
    tier_code: str
    tier_name: str
    amount: int = Field(sa_column=fen())
    valid_until: date
    reason: str
    source: str | None = None  # batch:row that wrote it last


class ImportedRow(SQLModel, table=True):
    """One row of an agency's file that was taken: imports are idempotent by it."""

    __tablename__ = "imported"

    kind: str = Field(primary_key=True)
    batch_no: str = Field(primary_key=True)
    row_no: int = Field(primary_key=True)
    content: str  # keyed hash of the row: the same number with another content is not the same row
    earlier: str = ""  # what `--replace-batch` replaced: the hashes before this one, oldest first


SPELLING: Any = EnrolmentRow.name
Index(
    "ix_enrolment_spelling",
    EnrolmentRow.person,
    sqlite_where=SPELLING.is_not(None),
    postgresql_where=SPELLING.is_not(None),
)
