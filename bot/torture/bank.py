"""The bank's window: now and then somebody pays there what is being paid here, and the agency's file says so."""

from __future__ import annotations

import csv
import threading
from dataclasses import dataclass, field
from datetime import datetime

from bot.bench.people import PLACES
from bot.torture.ground import ZONE, Ground
from bot.torture.town import Errand
from dialogs.world import Unavailable
from storage.agency.importing import import_file
from storage.agency.kinds import KINDS
from storage.agency.refusals import FileRefused


@dataclass
class Bank:
    """Takes money for residents and has the agency's file imported at once."""

    ground: Ground
    taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pay(self, errand: Errand) -> None:
        """Pay the first thing of this errand; what the agency refuses was not paid."""
        one = errand.residents[0]
        index = next(index for index, person in enumerate(self.ground.people) if person.number == one.number)
        medical = errand.service != "pay.pension"
        now = datetime.fromtimestamp(self.ground.clock.now(), ZONE)
        year = now.year + (medical and now.month >= 3)
        amount = "400" if medical else errand.tier
        with self._lock:
            number = self.taken + 1
            path, kind = self.ground.folder / f"bank-{number}.csv", KINDS["payments"]
            row = dict.fromkeys(kind.columns, "") | {
                "batch_no": f"BANK{number}",
                "row_no": "1",
                "op": "A",
                "insurance": "medical" if medical else "pension",
                "inst_code": PLACES[index % len(PLACES)][medical],
                "person_no": f"{index:013}",
                "id_type": "201",
                "id_no": one.number,
                "name": one.name,
                "cover_year": str(year),
                "period_from": f"{year}01",
                "period_to": f"{year}12",
                "tier_code": "std" if medical else errand.tier,
                "tier_name": "居民医保" if medical else f"{errand.tier}元档",
                "pay_kind": "10",
                "amount_paid": f"{amount}.00",
                "paid_at": now.isoformat(timespec="seconds"),
                "channel": "银行代收",
                "receipt_no": f"B{number:08}",
                "status": "booked",
            }
            with path.open("w", encoding="utf-8", newline="") as file:
                out = csv.DictWriter(file, kind.columns)
                out.writeheader()
                out.writerow(row)
            ground = self.ground
            try:
                import_file("payments", path, ground.engine, ground.seal, today=now.date(), require_control=False)
            except (FileRefused, Unavailable):
                return
            self.taken = number
