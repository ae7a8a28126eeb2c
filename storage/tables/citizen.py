"""What a citizen asked to be remembered, and what was issued to them."""

from __future__ import annotations

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import seconds, seconds_or_none


class ContactRow(SQLModel, table=True):
    """常用联系人: whom an openid pays for. Who that is, the registry says: nothing of it stands here."""

    __tablename__ = "contact"

    payer: str = Field(primary_key=True)  # openid
    person: str = Field(primary_key=True)  # look-up key; the registry may have forgotten it
    relation: str
    own: str | None = Field(default=None, unique=True)  # the payer, where this is 本人: at most one
    added_at: int = Field(sa_column=seconds())


class ConsentRow(SQLModel, table=True):
    """同意 of an openid to one version of the notice; a withdrawn one stays, with the time."""

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True)
    holds: str | None = Field(default=None, unique=True)  # payer and version; NULL once withdrawn
    payer: str = Field(index=True)  # openid
    version: str
    given_at: int = Field(sa_column=seconds())
    withdrawn_at: int | None = Field(default=None, sa_column=seconds_or_none())


class CertificateRow(SQLModel, table=True):
    """缴费证明: what was certified, as it was then; the document is made from it."""

    __tablename__ = "certificate"

    number: str = Field(primary_key=True)
    payer: str = Field(index=True)  # openid
    person: str | None = Field(default=None, foreign_key="person.key")  # NULL where it is for several (one order)
    issued_at: int = Field(sa_column=seconds())
    issuer: str
    content: str = Field(sa_column=Column(Text, nullable=False))  # sealed: code, name, ID number, lines
    asked: str = Field(unique=True)  # hash of who, which payments, which day: asked for again, it is the same
    qr: str | None = None  # what the QR code says: WeChat's link, "" for number and code; NULL until first drawn
