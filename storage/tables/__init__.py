"""Every table, as SQLModel classes; the migrations in `storage/migrations/` create exactly these.

Money is integer fen. A column that ends in `_at` is a moment in unix seconds; dates are the bureau's calendar days.
A column named `holds`, `settles`, `runs` or `owes` carries a key while the row claims it and is NULL afterwards: its
unique index is what keeps a payable from being held, settled or tried twice, and money from going back twice.
"""

from __future__ import annotations

from storage.tables.agencies import ExportFileRow, ExportLineRow
from storage.tables.background import RoutineRow
from storage.tables.captchas import CaptchaPictureRow
from storage.tables.citizen import CertificateRow, ConsentRow, ContactRow
from storage.tables.insured import AssessmentRow, EnrolmentRow, ImportedRow, InstitutionRow, PersonRow, TariffTableRow
from storage.tables.journal import PayEventRow, SpokenRow
from storage.tables.ledger import LedgerRow, PaymentRow
from storage.tables.notices import NoticeRow
from storage.tables.orders import AttemptRow, OrderLineRow, OrderRow
from storage.tables.reconciled import BillLineRow, BillRow, DiscrepancyRow
from storage.tables.refunds import RefundRow

__all__ = [
    "AssessmentRow",
    "AttemptRow",
    "BillLineRow",
    "BillRow",
    "CaptchaPictureRow",
    "CertificateRow",
    "ConsentRow",
    "ContactRow",
    "DiscrepancyRow",
    "EnrolmentRow",
    "ExportFileRow",
    "ExportLineRow",
    "ImportedRow",
    "InstitutionRow",
    "LedgerRow",
    "NoticeRow",
    "OrderLineRow",
    "OrderRow",
    "PayEventRow",
    "PaymentRow",
    "PersonRow",
    "RefundRow",
    "RoutineRow",
    "SpokenRow",
    "TariffTableRow",
]
