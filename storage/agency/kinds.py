"""The kinds of files there are. A further one is a file beside this and a line here."""

from __future__ import annotations

from storage.agency.acks import ACKS
from storage.agency.assessments import ASSESSMENTS
from storage.agency.desk import AnyKind
from storage.agency.enrolments import ENROLMENTS
from storage.agency.institutions import INSTITUTIONS
from storage.agency.payments import PAYMENTS
from storage.agency.tariffs import TARIFFS

# What the demo brings, in the order in which one needs the other.
FROM_AGENCIES: tuple[AnyKind, ...] = (INSTITUTIONS, TARIFFS, ENROLMENTS, ASSESSMENTS, PAYMENTS)
KINDS: dict[str, AnyKind] = {kind.name: kind for kind in (*FROM_AGENCIES, ACKS)}
