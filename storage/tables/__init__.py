"""Every table, as SQLModel classes; the migrations in `storage/migrations/` create exactly these.

Money is integer fen. A column that ends in `_at` is a moment in unix seconds; dates are the bureau's calendar days.
A column named `holds`, `settles` or `runs` carries a key while the row claims it and is NULL afterwards: its unique
index is what keeps a payable from being held, settled or tried twice.
"""

from __future__ import annotations

from storage.tables.agencies import ExportLineRow
from storage.tables.citizen import CertificateRow, ConsentRow, ContactRow
from storage.tables.insured import AssessmentRow, EnrolmentRow, ImportedRow, InstitutionRow, PersonRow, TariffTableRow
from storage.tables.ledger import LedgerRow, PaymentRow
from storage.tables.notices import NoticeRow
from storage.tables.orders import AttemptRow, OrderLineRow, OrderRow
from storage.tables.reconciled import DiscrepancyRow

__all__ = [
    "AssessmentRow",
    "AttemptRow",
    "CertificateRow",
    "ConsentRow",
    "ContactRow",
    "DiscrepancyRow",
    "EnrolmentRow",
    "ExportLineRow",
    "ImportedRow",
    "InstitutionRow",
    "LedgerRow",
    "NoticeRow",
    "OrderLineRow",
    "OrderRow",
    "PaymentRow",
    "PersonRow",
    "TariffTableRow",
]
